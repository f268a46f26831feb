package org.rmpsam.core

/**
 * Which pixels belong to an object.
 *
 * @property extent of the picture that it belongs to.
 * @property inside row-major.
 */
public class Mask(
    public val extent: Extent,
    public val inside: BooleanArray,
) {
    /** Number of pixels inside. */
    public val area: Int by lazy { inside.count { it } }

    /** Share of the picture that it covers, 0 to 1. */
    public val coverage: Double get() = area.toDouble() / extent.area

    /** The tight box x1, y1, x2, y2, right and bottom exclusive; zeros for an empty mask. */
    public val box: List<Int> by lazy { tightBox() }

    private fun tightBox(): List<Int> {
        var left = extent.width
        var top = extent.height
        var right = 0
        var bottom = 0
        for (y in 0 until extent.height) {
            for (x in 0 until extent.width) {
                if (!inside[y * extent.width + x]) continue
                left = minOf(left, x)
                right = maxOf(right, x + 1)
                top = minOf(top, y)
                bottom = y + 1
            }
        }
        return if (right == 0) listOf(0, 0, 0, 0) else listOf(left, top, right, bottom)
    }
}

/**
 * Mask logits of the mask grid brought to the source image: RMP-SAM's two bilinear resamplings in their order
 * (arXiv 2401.10228, official code): to the padded model input, cropped to the fitted picture, then to the picture.
 * Both are linear, so each axis needs one list of taps. `fit.picture` may also be a smaller frame, such as the screen's.
 */
public class MaskDecoder(
    private val fit: Fit,
    grid: Extent,
) {
    private val rows = GridTaps.of(grid.height, fit.size.height, fit.fitted.height, fit.picture.height)
    private val columns = GridTaps.of(grid.width, fit.size.width, fit.fitted.width, fit.picture.width)
    private val gridWidth = grid.width

    /** Height and width of what [logits] returns. */
    public val extent: Extent get() = fit.picture

    /**
     * Resamples one mask.
     *
     * @param grid mask logits [h, w] of the mask grid, row-major, from [offset] on.
     * @return logits [H, W] of the picture, row-major.
     * @throws InputException NaN or infinity among them.
     */
    public fun logits(
        grid: FloatArray,
        offset: Int = 0,
    ): FloatArray {
        val result = FloatArray(fit.picture.area)
        val line = FloatArray(gridWidth)
        for (y in 0 until fit.picture.height) {
            blendRows(grid, offset, y, line)
            val start = y * fit.picture.width
            for (x in 0 until fit.picture.width) result[start + x] = columns.apply(x, line)
        }
        return result
    }

    /** Decodes one mask: where the resampled logits are above [threshold]. */
    public fun mask(
        grid: FloatArray,
        offset: Int,
        threshold: Double,
    ): Mask {
        val logits = logits(grid, offset)
        return Mask(fit.picture, BooleanArray(logits.size) { logits[it] > threshold })
    }

    private fun blendRows(
        grid: FloatArray,
        offset: Int,
        y: Int,
        line: FloatArray,
    ) {
        for (x in line.indices) {
            var sum = 0f
            for (tap in 0 until GridTaps.COUNT) {
                sum +=
                    grid[offset + (rows.first[y] + tap).coerceAtMost(rows.last) * gridWidth + x] * rows.weight(y, tap)
            }
            if (!sum.isFinite()) throw InputException(Problem.OUTPUT_UNUSABLE, "mask logits hold NaN or infinity")
            line[x] = sum
        }
    }
}

/** For each sample of the picture the first of three neighbouring grid cells, and three weights that add up to one. */
private class GridTaps(
    val first: IntArray,
    private val weights: FloatArray,
    val last: Int,
) {
    fun weight(
        at: Int,
        tap: Int,
    ) = weights[at * COUNT + tap]

    fun apply(
        at: Int,
        line: FloatArray,
    ): Float {
        var sum = 0f
        for (tap in 0 until COUNT) sum += line[(first[at] + tap).coerceAtMost(last)] * weights[at * COUNT + tap]
        return sum
    }

    companion object {
        /** Two neighbouring pixels of the padded input lie in at most three neighbouring cells: it is 4 times finer. */
        const val COUNT = 3

        fun of(
            grid: Int,
            padded: Int,
            fitted: Int,
            picture: Int,
        ): GridTaps {
            val outer = Bilinear(fitted, picture)
            val inner = Bilinear(grid, padded)
            val first = IntArray(picture) { inner.first(outer.first(it)) }
            val weights = DoubleArray(picture * COUNT)
            for (at in 0 until picture) {
                for ((pixel, share) in outer.taps(at)) {
                    for ((cell, weight) in inner.taps(pixel)) weights[at * COUNT + cell - first[at]] += share * weight
                }
            }
            return GridTaps(first, FloatArray(weights.size) { weights[it].toFloat() }, grid - 1)
        }
    }
}

/** Bilinear resampling of one axis with half-pixel centres, edges repeated. */
private class Bilinear(
    private val source: Int,
    private val target: Int,
) {
    private fun position(at: Int) =
        ((at + 0.5) * (source.toDouble() / target) - 0.5).coerceIn(0.0, (source - 1).toDouble())

    fun first(at: Int): Int = position(at).toInt()

    fun taps(at: Int): List<Pair<Int, Double>> {
        val first = first(at)
        val fraction = position(at) - first
        return listOf(first to 1 - fraction, minOf(first + 1, source - 1) to fraction)
    }
}
