package org.rmpsam.demo.photo

import android.content.Context
import android.graphics.Bitmap
import android.net.Uri
import org.rmpsam.core.Mask
import org.rmpsam.core.Picture
import org.rmpsam.core.cutOut

/** A cut-out as a PNG with a transparent ground. */
internal object CutOutFile {
    private const val NAME = "cut-out.png"
    private const val LOSSLESS = 100

    /** Writes the part of [picture] inside of [masks]; null where they are empty. */
    fun write(
        context: Context,
        picture: Picture,
        masks: List<Mask>,
    ): Uri? {
        val cut = picture.cutOut(masks) ?: return null
        val bitmap = Bitmap.createBitmap(cut.pixels, cut.extent.width, cut.extent.height, Bitmap.Config.ARGB_8888)
        PictureProvider
            .file(
                context,
                NAME,
            ).outputStream()
            .use { bitmap.compress(Bitmap.CompressFormat.PNG, LOSSLESS, it) }
        return PictureProvider.uri(context, NAME)
    }
}
