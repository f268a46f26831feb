package org.rmpsam.core

/**
 * The prompt graph's inputs besides the features, N slots of P points, model-input frame.
 *
 * @property points float32 [1, N, P, 2].
 * @property labels float32 [1, N, P + 1]; the last one of a slot is the box's.
 * @property boxes float32 [1, N, 4].
 * @property imageSize float32 [1, 2], height and width of the fitted picture.
 */
public class PromptSlots private constructor(
    public val points: FloatArray,
    public val labels: FloatArray,
    public val boxes: FloatArray,
    public val imageSize: FloatArray,
) {
    /** In the order in which the graph takes them. */
    public val inOrder: List<FloatArray> get() = listOf(points, labels, boxes, imageSize)

    public companion object {
        /**
         * Lays checked prompts into slots.
         *
         * @throws UnsupportedException more prompts than slots.
         */
        public fun of(
            prompts: List<Prompt>,
            fit: Fit,
            sizes: GraphSizes,
        ): PromptSlots {
            if (prompts.size > sizes.numSlots) {
                throw UnsupportedException(
                    Problem.PROMPT_TOO_LARGE,
                    "${prompts.size} objects; this model reads ${sizes.numSlots} at once",
                )
            }
            val slots = empty(sizes, fit.fitted)
            prompts.forEachIndexed { slot, prompt -> slots.put(slot, prompt, fit, sizes.numPoints) }
            return slots
        }

        internal fun empty(
            sizes: GraphSizes,
            fitted: Extent,
        ) = PromptSlots(
            points = FloatArray(sizes.numSlots * sizes.numPoints * 2),
            labels = FloatArray(sizes.numSlots * (sizes.numPoints + 1)) { PointLabel.EMPTY.toFloat() },
            boxes = FloatArray(sizes.numSlots * BOX),
            imageSize = floatArrayOf(fitted.height.toFloat(), fitted.width.toFloat()),
        )

        private const val BOX = 4
    }

    private fun put(
        slot: Int,
        prompt: Prompt,
        fit: Fit,
        numPoints: Int,
    ) {
        prompt.points.forEachIndexed { index, point ->
            val (x, y) = fit.toInput(Position(point.x, point.y))
            putPoint(slot * numPoints + index, x, y)
            labels[slot * (numPoints + 1) + index] = point.label.toFloat()
        }
        prompt.box?.let { putBox(slot, fit.toInput(it), numPoints) }
    }

    internal fun putPoint(
        index: Int,
        x: Double,
        y: Double,
    ) {
        points[2 * index] = x.toFloat()
        points[2 * index + 1] = y.toFloat()
    }

    internal fun putBox(
        slot: Int,
        box: Box,
        numPoints: Int,
    ) {
        listOf(box.x1, box.y1, box.x2, box.y2).forEachIndexed { index, side ->
            boxes[BOX * slot + index] =
                side.toFloat()
        }
        labels[slot * (numPoints + 1) + numPoints] = PointLabel.FOREGROUND.toFloat()
    }
}
