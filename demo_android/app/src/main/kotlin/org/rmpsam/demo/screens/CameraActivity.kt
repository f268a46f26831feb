package org.rmpsam.demo.screens

import android.app.Activity
import android.graphics.Bitmap
import android.graphics.SurfaceTexture
import android.os.Bundle
import android.view.TextureView
import android.view.View
import android.widget.TextView
import org.rmpsam.core.Extent
import org.rmpsam.core.Fit
import org.rmpsam.core.PanopticMap
import org.rmpsam.demo.R
import org.rmpsam.demo.Shown
import org.rmpsam.demo.session

/** The live camera: names every object of the newest frame, as often as the phone manages; frames are never queued. */
class CameraActivity :
    Activity(),
    TextureView.SurfaceTextureListener {
    private lateinit var preview: TextureView
    private lateinit var overlay: PictureView
    private lateinit var status: TextView
    private var camera: LiveCamera? = null
    private var isWaiting = false
    private var answeredAt = 0L

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        setContentView(R.layout.camera)
        preview = findViewById(R.id.preview)
        overlay = findViewById(R.id.overlay)
        status = findViewById(R.id.status)
        overlay.showsPicture = false
        preview.surfaceTextureListener = this
    }

    override fun onResume() {
        super.onResume()
        isWaiting = false
        if (!session.shown.hasObjects) {
            status.setText(R.string.problem_graph_missing)
        } else if (preview.isAvailable) {
            preview.surfaceTexture?.let(::start)
        }
    }

    override fun onPause() {
        stop()
        super.onPause()
    }

    override fun onSurfaceTextureAvailable(
        surface: SurfaceTexture,
        width: Int,
        height: Int,
    ) = start(surface)

    override fun onSurfaceTextureSizeChanged(
        surface: SurfaceTexture,
        width: Int,
        height: Int,
    ) = Unit

    override fun onSurfaceTextureDestroyed(surface: SurfaceTexture): Boolean {
        stop()
        return true
    }

    override fun onSurfaceTextureUpdated(surface: SurfaceTexture) {
        val shown = session.shown.model ?: return
        if (isWaiting || camera == null) return
        val (height, width) = Fit.of(extentOfPreview(), shown.manifest.contract.sizes.size).fitted
        val newest = preview.getBitmap(width, height) ?: return
        isWaiting = true
        session.frame(newest) { result ->
            isWaiting = false
            result.onSuccess { show(newest, it) }
            result.onFailure { status.text = Sentences.of(it)(this) }
        }
    }

    private fun start(surface: SurfaceTexture) {
        if (camera != null || !session.shown.hasObjects) return
        camera = LiveCamera(this, surface, ::place) { status.setText(R.string.camera_failed) }
    }

    private fun stop() {
        camera?.close()
        camera = null
    }

    /** Gives the preview the camera's proportions, so that the picture is not squashed. */
    private fun place(
        width: Int,
        height: Int,
    ) {
        val parent = preview.parent as View
        val scale = minOf(parent.width.toFloat() / width, parent.height.toFloat() / height)
        for (view in listOf(preview, overlay)) {
            view.layoutParams =
                view.layoutParams.apply {
                    this.width = (width * scale).toInt()
                    this.height = (height * scale).toInt()
                }
        }
    }

    private fun show(
        newest: Bitmap,
        map: PanopticMap,
    ) {
        val model = session.shown.model ?: return
        val fit = Fit.of(newest.extent(), model.manifest.contract.sizes.size)
        overlay.show(Shown(model = model, picture = newest, fit = fit, panoptic = map), emptyList())
        val now = System.nanoTime()
        val rate = if (answeredAt == 0L) 0.0 else NANOS / (now - answeredAt)
        answeredAt = now
        val names =
            map.segments.take(MOST_NAMES).map {
                model.manifest.contract.classNames
                    .getOrElse(it.label) { "" }
            }
        status.text = getString(R.string.live_status, rate, names.joinToString())
    }

    private fun extentOfPreview() = Extent(preview.height.coerceAtLeast(1), preview.width.coerceAtLeast(1))

    private fun Bitmap.extent() = Extent(height, width)

    private companion object {
        const val NANOS = 1e9
        const val MOST_NAMES = 4
    }
}
