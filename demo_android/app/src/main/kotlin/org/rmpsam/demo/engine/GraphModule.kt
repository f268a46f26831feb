package org.rmpsam.demo.engine

import org.pytorch.executorch.EValue
import org.pytorch.executorch.Module
import org.pytorch.executorch.Tensor
import org.rmpsam.core.Artifact
import org.rmpsam.core.Graph
import org.rmpsam.core.InputException
import org.rmpsam.core.Problem
import org.rmpsam.core.TensorSpec
import java.io.Closeable
import java.io.File
import java.nio.FloatBuffer

/**
 * One loaded graph. Its input tensors lie on direct buffers that are made once and written again for each run.
 *
 * @param method of the file.
 * @param features the encoder's output, which the other graphs take as their first input: one buffer for all.
 */
internal class GraphModule(
    file: File,
    private val method: String,
    private val artifact: Artifact,
    threads: Int,
    features: FloatBuffer,
) : Closeable {
    // Mapped, so that the weights are not copied into the heap of the process.
    private val module = Module.load(file.path, Module.LOAD_MODE_MMAP, threads)
    private val isEncoder = artifact.graph == Graph.ENCODER

    /** Direct, in the order of the manifest. */
    val inputs: List<FloatBuffer> =
        artifact.inputs.map { spec ->
            val takesFeatures = spec.name == FEATURES && spec.numel == features.capacity() // a clip takes more
            if (takesFeatures) features else Tensor.allocateFloatBuffer(spec.numel)
        }

    /** In the order of the manifest; those of other graphs than the encoder are arrays. */
    val outputs: List<FloatBuffer> =
        artifact.outputs.map { if (isEncoder) features else FloatBuffer.allocate(it.numel) }

    private val values =
        Array(inputs.size) { EValue.from(Tensor.fromBlob(inputs[it], shapeOf(artifact.inputs[it]))) }

    init {
        module.loadMethod(method)
    }

    /** Names of the delegates that the file asks for. */
    val delegates: List<String> get() = module.getMethodMetadata(method).backends.toList()

    /** Runs the graph; what [read] copies out. */
    fun execute(): Array<EValue> = module.execute(method, *values)

    /** Copies the tensors of one run into [outputs], once. */
    fun read(answers: Array<EValue>) {
        if (answers.size != outputs.size) unusable("${answers.size} outputs; the manifest names ${outputs.size}")
        answers.forEachIndexed { index, answer ->
            val tensor = answer.toTensor()
            val buffer = outputs[index]
            if (tensor.numel() != buffer.capacity().toLong()) {
                val name = artifact.outputs[index].name
                unusable("$name has ${tensor.numel()} values; the manifest says ${buffer.capacity()}")
            }
            buffer.clear()
            tensor.copyDataInto(buffer)
            buffer.rewind()
        }
    }

    /** Runs the graph and reads its outputs. */
    fun run() = read(execute())

    /** Runs the graph on copies of [given] and returns copies of its outputs. */
    fun run(given: List<FloatArray>): List<FloatArray> {
        given.zip(inputs) { array, buffer -> buffer.fill(array) }
        run()
        return outputs.map { buffer -> FloatArray(buffer.capacity()).also { buffer.duplicate().get(it) } }
    }

    override fun close() = module.close()

    private fun shapeOf(spec: TensorSpec) = LongArray(spec.shape.size) { spec.shape[it].toLong() }

    private fun unusable(what: String): Nothing =
        throw InputException(Problem.OUTPUT_UNUSABLE, "${artifact.graph.key}: $what")

    private companion object {
        const val FEATURES = "mask_features"
    }
}

/** Writes [array] from the start and rewinds. */
internal fun FloatBuffer.fill(array: FloatArray) {
    clear()
    put(array)
    rewind()
}
