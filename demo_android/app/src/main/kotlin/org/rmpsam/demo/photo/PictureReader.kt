package org.rmpsam.demo.photo

import android.content.Context
import android.graphics.Bitmap
import android.graphics.ImageDecoder
import android.net.Uri
import org.rmpsam.core.Extent
import org.rmpsam.core.Picture

/** Pictures of this device, decoded upright. */
internal object PictureReader {
    /** Pixels that a picture is decoded to at most; 16 MB. A camera's 12 to 50 million would not fit beside a model. */
    private const val MOST_PIXELS = 4_000_000L

    /**
     * Decodes the picture at [uri]; EXIF orientation is applied by the decoder.
     *
     * @throws java.io.IOException it cannot be read or is no picture.
     */
    fun read(
        context: Context,
        uri: Uri,
    ): Bitmap =
        ImageDecoder.decodeBitmap(ImageDecoder.createSource(context.contentResolver, uri)) { decoder, info, _ ->
            decoder.allocator = ImageDecoder.ALLOCATOR_SOFTWARE // pixels are read by the processor
            var sample = 1
            while (info.size.width.toLong() * info.size.height / (sample * sample) > MOST_PIXELS) sample++
            decoder.setTargetSampleSize(sample)
        }
}

/** Copies the pixels out. */
internal fun Bitmap.toPicture(): Picture {
    val pixels = IntArray(width * height)
    getPixels(pixels, 0, width, 0, 0, width, height)
    return Picture(Extent(height, width), pixels)
}
