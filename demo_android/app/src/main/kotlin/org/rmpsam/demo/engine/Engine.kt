package org.rmpsam.demo.engine

import org.pytorch.executorch.Tensor
import org.rmpsam.core.Bundle
import org.rmpsam.core.Extent
import org.rmpsam.core.Fit
import org.rmpsam.core.Golden
import org.rmpsam.core.GoldenTensor
import org.rmpsam.core.Graph
import org.rmpsam.core.InputException
import org.rmpsam.core.Mask
import org.rmpsam.core.MaskDecoder
import org.rmpsam.core.MaskStack
import org.rmpsam.core.Outline
import org.rmpsam.core.PanopticMap
import org.rmpsam.core.PanopticMerge
import org.rmpsam.core.Picture
import org.rmpsam.core.PixelValues
import org.rmpsam.core.Problem
import org.rmpsam.core.Prompt
import org.rmpsam.core.PromptSlots
import org.rmpsam.core.Step
import org.rmpsam.core.StepTimings
import java.io.Closeable
import java.nio.FloatBuffer
import java.util.EnumMap

/**
 * One object that was asked for.
 *
 * @property logits of the mask grid, row-major.
 * @property outline segments x1, y1, x2, y2 in the source-image frame.
 * @property score predicted overlap with the truth.
 * @property coverage share of the picture, 0 to 1.
 */
internal class FoundObject(
    val logits: FloatArray,
    val outline: FloatArray,
    val score: Float,
    val coverage: Double,
)

/**
 * A bundle that answers. Not safe for several threads: one [org.rmpsam.core.StagedWorker] owns it. Files are loaded when
 * they are needed, and all with the same number of threads, because the process has one pool.
 */
internal class Engine(
    val bundle: Bundle,
    val threads: Int,
) : Closeable {
    private val contract = bundle.manifest.contract
    private val grid = contract.sizes.grid
    private val files = GraphFiles(bundle)
    private val modules = EnumMap<Graph, GraphModule>(Graph::class.java)
    private val pixelValues = PixelValues(contract)
    private var features: FloatBuffer? = null

    /** How the last picture lies in the model input; null where its features are gone. */
    var fit: Fit? = null
        private set

    /** How long the last runs took. */
    val timings = StepTimings()

    /** What the caller of [encode] named the picture whose features are there; null where there are none. */
    var encodedKey: Any? = null
        private set

    /** The loaded file of [graph]; loads it first where that is needed. */
    fun module(graph: Graph): GraphModule = modules.getOrPut(graph) { files.load(graph, threads, featuresOrNew()) }

    /** Encodes [picture] and keeps its features for [segment] and [everything], under the name [key]. */
    fun encode(
        picture: Picture,
        key: Any,
    ): Fit {
        forget()
        val encoder = module(Graph.ENCODER)
        val fit = timings.time(Step.PREPROCESS) { pixelValues.write(picture, encoder.inputs.first()) }
        timings.time(Step.ENCODER) { encoder.run() }
        this.fit = fit
        encodedKey = key
        return fit
    }

    /** Answers [prompts], one object each, on the features of the last picture. */
    fun segment(prompts: List<Prompt>): List<FoundObject> {
        val fit = fitOrFail()
        val checked = prompts.map { it.checked(contract, fit.picture) }
        val module = module(Graph.PROMPTS)
        val slots = PromptSlots.of(checked, fit, contract.sizes)
        timings.time(Step.PROMPTS) {
            slots.inOrder.zip(module.inputs.drop(1)) { values, buffer -> buffer.fill(values) }
            module.run()
        }
        return timings.time(Step.POSTPROCESS) { prompts.indices.map { found(it, fit, module) } }
    }

    /** Names every object of the last picture; the map has the size of the fitted picture. */
    fun everything(): PanopticMap {
        val fit = fitOrFail()
        val module = module(Graph.OBJECTS)
        timings.time(Step.OBJECTS) { module.run() }
        return timings.time(Step.POSTPROCESS) {
            val thresholds = contract.thresholds
            val merge = PanopticMerge(contract.numThings, thresholds.objectMask, thresholds.iou)
            merge.merge(module.outputs[0].array(), stack(module.outputs[1].array(), fit))
        }
    }

    /** The exact mask of [found] in the picture's own size. */
    fun fullMask(
        found: FoundObject,
        fit: Fit,
    ): Mask = MaskDecoder(fit, grid).mask(found.logits, 0, contract.thresholds.mask)

    /** Runs the golden pair on this device. The features of the last picture are gone then. */
    fun selfTest(): List<GoldenTensor> {
        forget()
        val stored = Golden.read(bundle)
        return stored.judge(Golden.record(bundle.manifest) { graph, inputs -> module(graph).run(inputs) })
    }

    /** Frees files and features; the next call loads what it needs again. */
    fun trim() {
        modules.values.forEach(GraphModule::close)
        modules.clear()
        features = null
        forget()
    }

    private fun forget() {
        fit = null
        encodedKey = null
    }

    override fun close() = trim()

    private fun featuresOrNew(): FloatBuffer =
        features ?: Tensor.allocateFloatBuffer(contract.sizes.channels * grid.area).also { features = it }

    private fun fitOrFail(): Fit = fit ?: throw InputException(Problem.PICTURE_EMPTY, "no picture was encoded")

    private fun found(
        slot: Int,
        fit: Fit,
        module: GraphModule,
    ): FoundObject {
        val logits = module.outputs[0].array().copyOfRange(slot * grid.area, (slot + 1) * grid.area)
        val threshold = contract.thresholds.mask
        return FoundObject(
            logits = logits,
            outline = Outline.of(logits, 0, grid, fit, threshold),
            score = module.outputs[1].array()[slot],
            coverage = MaskDecoder(shown(fit), grid).mask(logits, 0, threshold).coverage,
        )
    }

    /** The fitted picture as the frame to decode to: enough for a screen. */
    private fun shown(fit: Fit) = fit.copy(picture = fit.fitted)

    private fun stack(
        logits: FloatArray,
        fit: Fit,
    ) = object : MaskStack {
        private val decoder = MaskDecoder(shown(fit), grid)
        override val count = contract.sizes.numQueries
        override val extent: Extent = decoder.extent

        override fun logits(query: Int) = decoder.logits(logits, query * grid.area)
    }
}
