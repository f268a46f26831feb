package org.rmpsam.core

/** Height and width in pixels. */
public data class Extent(
    val height: Int,
    val width: Int,
) {
    /** Number of pixels. */
    val area: Int get() = height * width
}

/** The separately run parts of the model. */
public enum class Graph(
    /** The name in the manifest. */
    public val key: String,
) {
    /** pixel_values to mask_features. */
    ENCODER("encoder"),

    /** mask_features to every object of the picture. */
    OBJECTS("objects"),

    /** mask_features and prompts to one mask a slot. */
    PROMPTS("prompts"),

    /** The mask features of several frames to the objects of a clip. */
    CLIP("clip"),
    ;

    public companion object {
        /** The graph named [key] in a manifest, or null. */
        public fun of(key: String): Graph? = entries.find { it.key == key }
    }
}

/**
 * The numbers that fix every shape.
 *
 * @property size of the model input, sides multiples of 32.
 * @property channels of the mask features.
 * @property queryWidth null where queries are as wide as the mask features.
 * @property numSlots prompts in one run.
 * @property numPoints points of one prompt.
 * @property clipFrames 0 where there is no clip graph.
 */
public data class GraphSizes(
    val size: Extent,
    val channels: Int,
    val queryWidth: Int?,
    val numQueries: Int,
    val numClasses: Int,
    val numSlots: Int,
    val numPoints: Int,
    val clipFrames: Int,
) {
    /** The mask grid: a quarter of the model input. */
    val grid: Extent get() = Extent(size.height / STRIDE, size.width / STRIDE)

    public companion object {
        /** Model input pixels for one cell of the mask grid. */
        public const val STRIDE: Int = 4
    }
}

/**
 * Where logits become answers.
 *
 * @property mask a pixel belongs to a mask where its logit is above.
 * @property objectMask class score that a query needs to enter a panoptic map.
 * @property iou share of its own mask that it must keep there.
 */
public data class Thresholds(
    val mask: Double,
    val objectMask: Double,
    val iou: Double,
    val maxInstances: Int,
)

/**
 * What whoever runs a model must know besides its graphs.
 *
 * @property mean of 8-bit RGB values; pixel_values are (value - mean) / std.
 * @property clickHalfWidth half the side in model input pixels that a click stands for; the graph has it built in.
 * @property classNames things first.
 * @property numThings classes below this index are countable.
 */
public data class ModelContract(
    val preset: String,
    val trained: Boolean,
    val sizes: GraphSizes,
    val mean: List<Double>,
    val std: List<Double>,
    val clickHalfWidth: Double,
    val classNames: List<String>,
    val numThings: Int,
    val thresholds: Thresholds,
)

/** Values of the prompt graph's labels. */
public object PointLabel {
    /** This belongs to the object. */
    public const val FOREGROUND: Int = 1

    /** This does not. */
    public const val BACKGROUND: Int = 0

    /** No point here. */
    public const val EMPTY: Int = -1
}
