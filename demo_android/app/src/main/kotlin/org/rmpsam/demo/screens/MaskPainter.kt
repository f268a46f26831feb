package org.rmpsam.demo.screens

import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Color
import android.graphics.ColorMatrix
import android.graphics.ColorMatrixColorFilter
import android.graphics.Matrix
import android.graphics.Paint
import org.rmpsam.core.Extent
import org.rmpsam.core.Fit
import org.rmpsam.core.GraphSizes
import org.rmpsam.core.PanopticMap
import org.rmpsam.demo.engine.FoundObject
import kotlin.math.exp
import kotlin.math.roundToInt

/**
 * Draws masks over a picture. A mask stays a bitmap of the mask grid; the graphics processor scales it, and a colour
 * matrix after the scaling makes its border sharp. Objects differ by colour, outline and number.
 *
 * @param colours safe for colour-blind eyes, from the resources.
 * @param density pixels of the screen for one dp.
 */
internal class MaskPainter(
    private val colours: IntArray,
    private val density: Float,
) {
    private val fill = Paint(Paint.FILTER_BITMAP_FLAG)
    private val light = line(Color.WHITE, OUTER_DP)
    private val inner = line(Color.BLACK, INNER_DP)
    private val text =
        Paint(Paint.ANTI_ALIAS_FLAG).apply {
            textSize = TEXT_DP * density
            textAlign = Paint.Align.CENTER
            setShadowLayer(SHADOW_DP * density, 0f, 0f, Color.BLACK)
        }

    private class Layer(
        val found: FoundObject,
        val alpha: Bitmap,
    )

    private var layers = emptyList<Layer>()
    private var map: Pair<PanopticMap, Bitmap>? = null

    /** Takes [objects] in; those that were there already keep their bitmaps. */
    fun show(
        objects: List<FoundObject>,
        panoptic: PanopticMap?,
        grid: Extent?,
    ) {
        layers = objects.mapNotNull { found -> layers.find { it.found === found } ?: grid?.let { layer(found, it) } }
        map = panoptic?.let { wanted -> map?.takeIf { it.first === wanted } ?: (wanted to coloured(wanted)) }
    }

    /** Draws onto a canvas in the source-image frame; one picture pixel is [scale] pixels of the screen. */
    fun draw(
        canvas: Canvas,
        fit: Fit,
        scale: Float,
    ) {
        map?.let { (panoptic, bitmap) -> drawMap(canvas, panoptic, bitmap, fit.picture, scale) }
        layers.forEachIndexed { index, layer -> drawLayer(canvas, layer, index, fit, scale) }
    }

    private fun drawLayer(
        canvas: Canvas,
        layer: Layer,
        index: Int,
        fit: Fit,
        scale: Float,
    ) {
        val stride = GraphSizes.STRIDE.toFloat()
        val toPicture = Matrix()
        toPicture.setScale(
            stride * fit.picture.width / fit.fitted.width,
            stride * fit.picture.height / fit.fitted.height,
        )
        fill.colorFilter = sharpened(colours[index % colours.size])
        canvas.save()
        canvas.clipRect(0, 0, fit.picture.width, fit.picture.height)
        val opacity = (OPACITY * BYTE).roundToInt()
        canvas.saveLayerAlpha(0f, 0f, fit.picture.width.toFloat(), fit.picture.height.toFloat(), opacity)
        canvas.drawBitmap(layer.alpha, toPicture, fill)
        canvas.restore()
        light.strokeWidth = OUTER_DP * density / scale
        inner.strokeWidth = INNER_DP * density / scale
        inner.color = colours[index % colours.size]
        canvas.drawLines(layer.found.outline, light)
        canvas.drawLines(layer.found.outline, inner)
        canvas.restore()
        middle(layer.found.outline)?.let { (x, y) -> label(canvas, (index + 1).toString(), x, y, scale) }
    }

    private fun drawMap(
        canvas: Canvas,
        panoptic: PanopticMap,
        bitmap: Bitmap,
        picture: Extent,
        scale: Float,
    ) {
        val toPicture = Matrix()
        val scaleX = picture.width.toFloat() / panoptic.extent.width
        val scaleY = picture.height.toFloat() / panoptic.extent.height
        toPicture.setScale(scaleX, scaleY)
        fill.colorFilter = null
        canvas.drawBitmap(bitmap, toPicture, fill)
        panoptic.segments.forEachIndexed { index, segment ->
            val (left, top, right, bottom) = segment.box
            label(canvas, (index + 1).toString(), (left + right) * scaleX / 2, (top + bottom) * scaleY / 2, scale)
        }
    }

    private fun label(
        canvas: Canvas,
        number: String,
        x: Float,
        y: Float,
        scale: Float,
    ) {
        text.textSize = TEXT_DP * density / scale
        text.color = Color.WHITE
        canvas.drawText(number, x, y, text)
    }

    private fun middle(outline: FloatArray): Pair<Float, Float>? {
        if (outline.isEmpty()) return null
        val xs = outline.indices.step(2).map { outline[it] }
        val ys = outline.indices.step(2).map { outline[it + 1] }
        return (xs.min() + xs.max()) / 2 to (ys.min() + ys.max()) / 2
    }

    /** Sets the colour, and steepens alpha around the middle, where the mask ends. */
    private fun sharpened(colour: Int): ColorMatrixColorFilter {
        val values = FloatArray(MATRIX)
        values[RED_ROW] = Color.red(colour).toFloat()
        values[GREEN_ROW] = Color.green(colour).toFloat()
        values[BLUE_ROW] = Color.blue(colour).toFloat()
        values[ALPHA_FACTOR] = STEEPNESS
        values[ALPHA_ROW] = BYTE * (1 - STEEPNESS) / 2
        return ColorMatrixColorFilter(ColorMatrix(values))
    }

    private fun layer(
        found: FoundObject,
        grid: Extent,
    ): Layer {
        val pixels =
            IntArray(grid.area) {
                val probability = 1 / (1 + exp(-found.logits[it]))
                (BYTE * probability).roundToInt() shl ALPHA_SHIFT or RGB
            }
        return Layer(found, Bitmap.createBitmap(pixels, grid.width, grid.height, Bitmap.Config.ARGB_8888))
    }

    private fun coloured(panoptic: PanopticMap): Bitmap {
        val alpha = (OPACITY * BYTE).roundToInt() shl ALPHA_SHIFT
        val colourOf =
            panoptic.segments
                .withIndex()
                .associate { (index, segment) -> segment.id to (alpha or (colours[index % colours.size] and RGB)) }
        val pixels = IntArray(panoptic.values.size) { colourOf[panoptic.values[it]] ?: 0 }
        return Bitmap.createBitmap(pixels, panoptic.extent.width, panoptic.extent.height, Bitmap.Config.ARGB_8888)
    }

    private fun line(
        of: Int,
        width: Float,
    ) = Paint(Paint.ANTI_ALIAS_FLAG).apply {
        color = of
        strokeWidth = width
        strokeCap = Paint.Cap.ROUND
        style = Paint.Style.STROKE
    }

    private companion object {
        const val OUTER_DP = 4f
        const val INNER_DP = 2f
        const val TEXT_DP = 16f
        const val SHADOW_DP = 2f
        const val OPACITY = 0.5f
        const val STEEPNESS = 8f
        const val BYTE = 255f
        const val ALPHA_SHIFT = 24
        const val RGB = 0xffffff
        const val MATRIX = 20
        const val RED_ROW = 4
        const val GREEN_ROW = 9
        const val BLUE_ROW = 14
        const val ALPHA_FACTOR = 18
        const val ALPHA_ROW = 19
    }
}
