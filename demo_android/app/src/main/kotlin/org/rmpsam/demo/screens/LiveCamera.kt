package org.rmpsam.demo.screens

import android.annotation.SuppressLint
import android.content.Context
import android.graphics.SurfaceTexture
import android.hardware.camera2.CameraAccessException
import android.hardware.camera2.CameraCaptureSession
import android.hardware.camera2.CameraCharacteristics
import android.hardware.camera2.CameraDevice
import android.hardware.camera2.CameraManager
import android.hardware.camera2.params.OutputConfiguration
import android.hardware.camera2.params.SessionConfiguration
import android.util.Size
import android.view.Surface
import java.io.Closeable

/**
 * The back camera, or the only one, into a texture.
 *
 * @param onSize width and height of the upright picture, once the camera is known.
 * @param onFailure the camera cannot be used, now or any more.
 */
internal class LiveCamera(
    private val context: Context,
    private val texture: SurfaceTexture,
    private val onSize: (Int, Int) -> Unit,
    private val onFailure: () -> Unit,
) : Closeable {
    private var device: CameraDevice? = null
    private var surface: Surface? = null
    private var isClosed = false

    init {
        try {
            choose(context.getSystemService(CameraManager::class.java))
        } catch (refused: CameraAccessException) {
            onFailure()
        }
    }

    override fun close() {
        isClosed = true
        device?.close()
        device = null
        surface?.release()
        surface = null
    }

    @SuppressLint("MissingPermission") // asked for before this screen opens
    private fun choose(manager: CameraManager) {
        val ids = manager.cameraIdList
        val id =
            ids.firstOrNull { manager.getCameraCharacteristics(it).get(CameraCharacteristics.LENS_FACING) == BACK }
                ?: ids.firstOrNull()
                ?: return onFailure()
        val about = manager.getCameraCharacteristics(id)
        val sizes =
            about
                .get(
                    CameraCharacteristics.SCALER_STREAM_CONFIGURATION_MAP,
                )?.getOutputSizes(SurfaceTexture::class.java)
        val size = sizes.orEmpty().filter { it.isSmall() }.maxByOrNull { it.width * it.height } ?: return onFailure()
        texture.setDefaultBufferSize(size.width, size.height)
        val isSideways = (about.get(CameraCharacteristics.SENSOR_ORIENTATION) ?: 0) % HALF_TURN != 0
        if (isSideways) onSize(size.height, size.width) else onSize(size.width, size.height)
        manager.openCamera(id, context.mainExecutor, Opened())
    }

    private fun Size.isSmall() = width <= MOST_WIDTH && height <= MOST_WIDTH

    private fun preview(camera: CameraDevice) {
        val target = Surface(texture).also { surface = it }
        val request =
            camera.createCaptureRequest(CameraDevice.TEMPLATE_PREVIEW).apply { addTarget(target) }.build()
        val started =
            object : CameraCaptureSession.StateCallback() {
                override fun onConfigured(session: CameraCaptureSession) {
                    if (!isClosed) session.setRepeatingRequest(request, null, null)
                }

                override fun onConfigureFailed(session: CameraCaptureSession) = onFailure()
            }
        val outputs = listOf(OutputConfiguration(target))
        camera.createCaptureSession(
            SessionConfiguration(SessionConfiguration.SESSION_REGULAR, outputs, context.mainExecutor, started),
        )
    }

    private inner class Opened : CameraDevice.StateCallback() {
        override fun onOpened(camera: CameraDevice) {
            if (isClosed) return camera.close()
            device = camera
            try {
                preview(camera)
            } catch (refused: CameraAccessException) {
                onFailure()
            }
        }

        override fun onDisconnected(camera: CameraDevice) {
            close()
            onFailure()
        }

        override fun onError(
            camera: CameraDevice,
            error: Int,
        ) = onDisconnected(camera)
    }

    private companion object {
        const val BACK = CameraCharacteristics.LENS_FACING_BACK
        const val HALF_TURN = 180
        const val MOST_WIDTH = 1280
    }
}
