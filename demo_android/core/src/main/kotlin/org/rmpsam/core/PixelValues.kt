package org.rmpsam.core

import java.nio.FloatBuffer

/** From a picture to the encoder's input, by the mean and std of a manifest. */
public class PixelValues(
    contract: ModelContract,
) {
    private val size = contract.sizes.size
    private val tables =
        List(Picture.CHANNELS) { channel ->
            val mean = contract.mean[channel].toFloat()
            val std = contract.std[channel].toFloat()
            FloatArray(1 shl Byte.SIZE_BITS) { (it - mean) / std }
        }

    /** Number of values of the model input, 3 x H x W. */
    public val numel: Int get() = Picture.CHANNELS * size.area

    /**
     * Resizes, normalises and pads [picture] into [canvas], float32 [1, 3, H, W] from its start. Padding is zero after
     * normalisation, that is the mean colour. Returns how the picture lies in it.
     */
    public fun write(
        picture: Picture,
        canvas: FloatBuffer,
    ): Fit {
        val fit = Fit.of(picture.extent, size)
        val resized = picture.resized(fit.fitted)
        val row = FloatArray(size.width)
        canvas.clear()
        for ((channel, table) in tables.withIndex()) {
            val shift = Picture.shiftOf(channel)
            for (y in 0 until size.height) {
                row.fill(0f)
                if (y < fit.fitted.height) {
                    val start = y * fit.fitted.width
                    for (x in 0 until fit.fitted.width) {
                        row[x] = table[resized.pixels[start + x] shr shift and Picture.BYTE]
                    }
                }
                canvas.put(row)
            }
        }
        canvas.rewind()
        return fit
    }
}
