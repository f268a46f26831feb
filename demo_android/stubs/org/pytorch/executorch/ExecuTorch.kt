// Signatures of org.pytorch:executorch-android:1.4.1, as far as the app uses them. Compiled against, never packaged.
package org.pytorch.executorch

import java.io.Closeable
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.FloatBuffer

/** Answers a run where there is no native library. Not part of ExecuTorch: the app itself never names it. */
object StubRuntime {
    /** From the path of a file, the method's name and its inputs to its outputs, each with its shape. */
    var answer: ((String, String, List<FloatArray>) -> List<Pair<FloatArray, LongArray>>)? = null
}

open class Module private constructor(
    private val modelPath: String,
) : Closeable {
    private var isClosed = false

    open fun execute(
        methodName: String,
        vararg inputs: EValue,
    ): Array<EValue> {
        check(!isClosed) { "Module has been destroyed" }
        val arrays = inputs.map { it.toTensor().floats() }
        val answer = checkNotNull(StubRuntime.answer) { "a stub cannot run $methodName" }
        val outputs = answer(modelPath, methodName, arrays)
        return Array(outputs.size) { EValue.from(Tensor.of(FloatBuffer.wrap(outputs[it].first), outputs[it].second)) }
    }

    open fun loadMethod(methodName: String) = check(!isClosed) { "Module has been destroyed" }

    open fun getMethodMetadata(name: String): MethodMetadata = MethodMetadata(name, arrayOf("XnnpackBackend"))

    open fun destroy() {
        isClosed = true
    }

    override fun close() = destroy()

    companion object {
        const val LOAD_MODE_FILE = 0
        const val LOAD_MODE_MMAP = 1

        @JvmStatic
        @JvmOverloads
        fun load(
            modelPath: String?,
            loadMode: Int = LOAD_MODE_FILE,
            numThreads: Int = 0,
        ): Module {
            require(modelPath != null && java.io.File(modelPath).isFile) { "path is not a file: $modelPath" }
            require(loadMode in LOAD_MODE_FILE..3 && numThreads >= 0)
            return Module(modelPath)
        }
    }
}

class MethodMetadata internal constructor(
    val name: String,
    val backends: Array<String>,
)

class EValue private constructor(
    private val tensor: Tensor,
) {
    fun toTensor(): Tensor = tensor

    companion object {
        @JvmStatic
        fun from(tensor: Tensor): EValue = EValue(tensor)
    }
}

abstract class Tensor internal constructor(
    private val shape: LongArray,
) {
    internal abstract fun floats(): FloatArray

    abstract fun copyDataInto(dst: FloatBuffer)

    fun numel(): Long = shape.fold(1L, Long::times)

    fun shape(): LongArray = shape.clone()

    companion object {
        internal fun of(
            data: FloatBuffer,
            shape: LongArray,
        ): Tensor =
            object : Tensor(shape) {
                override fun floats() = FloatArray(data.capacity()) { data.get(it) }

                override fun copyDataInto(dst: FloatBuffer) {
                    dst.put(floats())
                }
            }

        @JvmStatic
        fun fromBlob(
            data: FloatBuffer,
            shape: LongArray,
        ): Tensor {
            require(
                data.isDirect && data.order() == ByteOrder.nativeOrder(),
            ) { "needs a direct buffer in native order" }
            require(data.capacity().toLong() == shape.fold(1L, Long::times)) { "buffer and shape differ" }
            return of(data, shape)
        }

        @JvmStatic
        fun allocateFloatBuffer(numElements: Int): FloatBuffer =
            ByteBuffer.allocateDirect(numElements * Float.SIZE_BYTES).order(ByteOrder.nativeOrder()).asFloatBuffer()
    }
}

open class ExecutorchRuntimeException(
    val errorCode: Int,
    details: String?,
) : RuntimeException("[ExecuTorch Error 0x${Integer.toHexString(errorCode)}] $details")
