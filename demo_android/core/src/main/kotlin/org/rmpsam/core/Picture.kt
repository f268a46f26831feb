package org.rmpsam.core

/**
 * An upright 8-bit picture.
 *
 * @property extent its size.
 * @property pixels row-major, 0xAARRGGBB each, as `Bitmap.getPixels` gives them; alpha is ignored.
 */
public class Picture(
    public val extent: Extent,
    public val pixels: IntArray,
) {
    init {
        require(pixels.size == extent.area) { "${pixels.size} pixels for $extent" }
    }

    /**
     * Resizes to [target], equal to OpenCV's INTER_LINEAR on 8 bit bit by bit: two taps an axis with half-pixel centres
     * and 11-bit coefficients, no smoothing when shrinking, as the network was trained.
     */
    public fun resized(target: Extent): Picture {
        if (target == extent) return this
        val rows = Taps.of(extent.height, target.height)
        val columns = Taps.of(extent.width, target.width)
        val upper = Line(target.width, columns)
        val lower = Line(target.width, columns)
        val resized = IntArray(target.area)
        for (y in 0 until target.height) {
            // Neighbouring output rows often need the same source rows.
            if (lower.row == rows.first[y]) upper.takeFrom(lower)
            upper.fill(this, rows.first[y])
            lower.fill(this, rows.second[y])
            blend(upper, lower, rows, y, resized, target.width)
        }
        return Picture(target, resized)
    }

    private fun blend(
        upper: Line,
        lower: Line,
        rows: Taps,
        y: Int,
        resized: IntArray,
        width: Int,
    ) {
        val upperWeight = rows.firstWeight[y]
        val lowerWeight = rows.secondWeight[y]
        for (x in 0 until width) {
            var pixel = OPAQUE
            for (channel in 0 until CHANNELS) {
                val at = x * CHANNELS + channel
                val sum = (upper.sums[at] * upperWeight shr 16) + (lower.sums[at] * lowerWeight shr 16)
                pixel = pixel or ((sum + 2 shr 2) and BYTE shl shiftOf(channel))
            }
            resized[y * width + x] = pixel
        }
    }

    internal companion object {
        const val CHANNELS = 3
        const val BYTE = 0xff
        const val OPAQUE = BYTE shl 24

        /** Where the 8 bits of a channel lie; channels in the order red, green, blue. */
        fun shiftOf(channel: Int): Int = 16 - 8 * channel
    }
}

/** One source row, resampled along x: three integers a pixel, 11 + 8 - 4 bits each. */
private class Line(
    width: Int,
    private val columns: Taps,
) {
    var sums = IntArray(width * Picture.CHANNELS)
    var row = -1

    fun takeFrom(other: Line) {
        sums = other.sums.also { other.sums = sums }
        row = other.row.also { other.row = row }
    }

    fun fill(
        picture: Picture,
        wanted: Int,
    ) {
        if (row == wanted) return
        row = wanted
        val start = wanted * picture.extent.width
        for (x in columns.first.indices) {
            val left = picture.pixels[start + columns.first[x]]
            val right = picture.pixels[start + columns.second[x]]
            for (channel in 0 until Picture.CHANNELS) {
                val shift = Picture.shiftOf(channel)
                val sum =
                    (left shr shift and Picture.BYTE) * columns.firstWeight[x] +
                        (right shr shift and Picture.BYTE) * columns.secondWeight[x]
                sums[x * Picture.CHANNELS + channel] = sum shr 4 // so that the products of the second pass fit 32 bits
            }
        }
    }
}

/** For each output pixel of one axis the two source indices and their weights, which add up to 2048. */
private class Taps(
    val first: IntArray,
    val second: IntArray,
    val firstWeight: IntArray,
    val secondWeight: IntArray,
) {
    companion object {
        private const val ONE = 2048f

        fun of(
            source: Int,
            target: Int,
        ): Taps {
            // Each step in the precision OpenCV uses: the inverse of the inverse in double, the fraction in float.
            val step = 1.0 / (target.toDouble() / source)
            val positions = FloatArray(target) { ((it + 0.5) * step - 0.5).toFloat() }
            val floors = IntArray(target) { Math.floor(positions[it].toDouble()).toInt() }
            val fractions = FloatArray(target) { positions[it] - floors[it] }
            return Taps(
                first = IntArray(target) { floors[it].coerceIn(0, source - 1) },
                second = IntArray(target) { (floors[it] + 1).coerceIn(0, source - 1) },
                firstWeight = IntArray(target) { rounded((1f - fractions[it]) * ONE) },
                secondWeight = IntArray(target) { rounded(fractions[it] * ONE) },
            )
        }

        private fun rounded(value: Float) = Math.rint(value.toDouble()).toInt()
    }
}
