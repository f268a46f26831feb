package org.rmpsam.core

import kotlin.math.abs
import kotlin.math.cos
import kotlin.math.pow
import kotlin.math.sin

/**
 * How one output compares with the stored one.
 *
 * @property maxAbs largest absolute error; infinite where the sizes differ or a number is not finite.
 * @property scale the largest stored absolute value.
 * @property signAgreement share of places with the same sign, 0 to 1.
 */
public data class GoldenTensor(
    val graph: Graph,
    val name: String,
    val maxAbs: Double,
    val scale: Double,
    val signAgreement: Double,
) {
    /** The largest error relative to the largest stored value. */
    val relativeError: Double get() = maxAbs / scale

    /** Whether the tensor holds masks, which are judged by sign: one flipped cell moves all later logits. */
    val isMask: Boolean get() = name == "mask_logits"

    /** The encoder is judged by its numbers. */
    val passes: Boolean
        get() =
            when {
                !relativeError.isFinite() -> false
                graph == Graph.ENCODER -> relativeError <= LARGEST_ERROR
                else -> !isMask || signAgreement >= FEWEST_EQUAL_SIGNS
            }

    public companion object {
        /** Largest error of the encoder's output, relative to its largest value. */
        public const val LARGEST_ERROR: Double = 0.02

        /** Share of a mask's places whose sign must agree. */
        public const val FEWEST_EQUAL_SIGNS: Double = 0.98
    }
}

/**
 * The golden pair: what a bundle's files answered where it was made, to a picture that a formula makes.
 *
 * @property values `graph/name` to every n-th value of the flattened tensor.
 */
public class Golden(
    public val values: Map<String, FloatArray>,
) {
    /** The part of one graph. */
    public fun of(graph: Graph): Golden = Golden(values.filterKeys { it.startsWith("${graph.key}/") })

    /**
     * Compares a device's outputs with these, tensor by tensor.
     *
     * @throws InputException the two hold other tensors, so they are not of one bundle.
     */
    public fun judge(now: Golden): List<GoldenTensor> {
        if (values.keys != now.values.keys) {
            val wrong = (values.keys - now.values.keys) + (now.values.keys - values.keys)
            throw InputException(
                Problem.GOLDEN_DAMAGED,
                "the golden pair and the graphs differ in ${wrong.sorted().joinToString()}; export the bundle again",
            )
        }
        return values.map { (key, wanted) -> compare(key, wanted, now.values.getValue(key)) }
    }

    private fun compare(
        key: String,
        wanted: FloatArray,
        got: FloatArray,
    ): GoldenTensor {
        val graph = Graph.of(key.substringBefore('/'))
        val same = wanted.size == got.size && got.all { it.isFinite() }
        val errors = if (same) wanted.indices.map { abs(got[it].toDouble() - wanted[it]) } else NOTHING_FITS
        val numEqualSigns = if (same) wanted.indices.count { (got[it] > 0) == (wanted[it] > 0) } else 0
        val scale = wanted.maxOfOrNull { abs(it.toDouble()) }?.takeIf { it > 0 } ?: 1.0
        return GoldenTensor(
            graph =
                graph ?: throw InputException(Problem.GOLDEN_DAMAGED, "$key of the golden pair is of an unknown graph"),
            name = key.substringAfter('/'),
            maxAbs = errors.maxOrNull() ?: 0.0,
            scale = scale,
            signAgreement = numEqualSigns.toDouble() / wanted.size,
        )
    }

    public companion object {
        /** Its name in a bundle. */
        public const val FILE: String = "golden.npz"
        private const val MAX_VALUES = 4096
        private val NOTHING_FITS = listOf(Double.POSITIVE_INFINITY)

        /**
         * Reads the pair of a verified bundle.
         *
         * @throws InputException missing or not readable.
         */
        public fun read(bundle: Bundle): Golden = Golden(Npz.read(bundle.folder.resolve(FILE)))

        /**
         * Runs the formula's input through all graphs of [manifest]; features go from graph to graph, as in an app.
         *
         * @param run takes the inputs of one graph in order and returns its outputs in order.
         */
        public fun record(
            manifest: Manifest,
            run: (Graph, List<FloatArray>) -> List<FloatArray>,
        ): Golden {
            val inputs = GoldenInputs.of(manifest.contract)
            val features = run(Graph.ENCODER, listOf(inputs.pixels)).first()
            val values = LinkedHashMap<String, FloatArray>()
            for (artifact in manifest.graphs.values) {
                val isEncoder = artifact.graph == Graph.ENCODER
                val given = inputs.of(artifact.graph, features)
                val outputs = if (isEncoder) listOf(features) else run(artifact.graph, given)
                val names = artifact.outputs.map { "${artifact.graph.key}/${it.name}" }
                names.zip(outputs) { name, output -> values[name] = thin(output) }
            }
            return Golden(values)
        }

        /** Every n-th number, at most 4096; n is odd so that it does not keep step with a power of two. */
        public fun thin(values: FloatArray): FloatArray {
            val least = (values.size + MAX_VALUES - 1) / MAX_VALUES
            val stride = if (least % 2 == 0) least + 1 else least
            return FloatArray((values.size + stride - 1) / maxOf(stride, 1)) { values[it * stride] }
        }
    }
}

/**
 * The formula's picture and prompts, the same in Python and Swift.
 *
 * @property pixels pixel_values [1, 3, H, W].
 * @property slots a click in the disc and, where there is a second slot, a box around it.
 */
public class GoldenInputs private constructor(
    public val pixels: FloatArray,
    public val slots: PromptSlots,
    private val contract: ModelContract,
) {
    /** The inputs of [graph] in order, given the encoder's output. */
    public fun of(
        graph: Graph,
        features: FloatArray,
    ): List<FloatArray> =
        when (graph) {
            Graph.ENCODER -> listOf(pixels)
            Graph.OBJECTS -> listOf(features)
            Graph.PROMPTS -> listOf(features) + slots.inOrder
            Graph.CLIP -> listOf(stacked(features))
        }

    /** The features of one frame as those of all frames of a clip, under one another. */
    private fun stacked(features: FloatArray): FloatArray {
        val sizes = contract.sizes
        val map = sizes.grid.area
        return FloatArray(features.size * sizes.clipFrames) { at ->
            val channel = at / (map * sizes.clipFrames)
            features[channel * map + at % map]
        }
    }

    public companion object {
        /** Computes them for one model. */
        public fun of(contract: ModelContract): GoldenInputs {
            val sizes = contract.sizes
            val (height, width) = sizes.size
            val slots = PromptSlots.empty(sizes, sizes.size)
            slots.putPoint(0, 0.4 * width, 0.55 * height)
            slots.labels[0] = PointLabel.FOREGROUND.toFloat()
            if (sizes.numSlots > 1) {
                slots.putBox(1, Box(0.15 * width, 0.3 * height, 0.65 * width, 0.8 * height), sizes.numPoints)
            }
            return GoldenInputs(pixels(contract), slots, contract)
        }

        private fun pixels(contract: ModelContract): FloatArray {
            val (height, width) = contract.sizes.size
            val pixels = FloatArray(Picture.CHANNELS * height * width)
            for (row in 0 until height) {
                for (column in 0 until width) {
                    val colour = colour(row.toDouble() / height, column.toDouble() / width)
                    for (channel in 0 until Picture.CHANNELS) {
                        val value = Math.rint(255 * colour[channel]).toFloat() - contract.mean[channel].toFloat()
                        pixels[(channel * height + row) * width + column] = value / contract.std[channel].toFloat()
                    }
                }
            }
            return pixels
        }

        private fun colour(
            y: Double,
            x: Double,
        ): DoubleArray {
            val disc = if ((x - 0.4).pow(2) + (y - 0.55).pow(2) < 0.06) 1.0 else 0.0
            return doubleArrayOf(0.5 + 0.4 * sin(9 * x + 5 * y), 0.2 + 0.6 * disc, 0.5 + 0.4 * cos(14 * x * y))
        }
    }
}
