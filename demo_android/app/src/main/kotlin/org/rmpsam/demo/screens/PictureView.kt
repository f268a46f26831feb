package org.rmpsam.demo.screens

import android.content.Context
import android.graphics.Canvas
import android.graphics.Color
import android.graphics.Matrix
import android.graphics.Paint
import android.util.AttributeSet
import android.view.GestureDetector
import android.view.KeyEvent
import android.view.MotionEvent
import android.view.View
import org.rmpsam.core.Box
import org.rmpsam.core.Extent
import org.rmpsam.core.GridCursor
import org.rmpsam.core.PointLabel
import org.rmpsam.core.Position
import org.rmpsam.core.Prompt
import org.rmpsam.demo.R
import org.rmpsam.demo.Shown

/** What a finger or a key means. */
internal enum class Tool { OBJECT, BACKGROUND, BOX }

/**
 * A picture with its masks and prompts. Taps and drags arrive in the source-image frame, wherever the picture lies on
 * the screen. Keys and screen readers move a cursor instead.
 */
class PictureView(
    context: Context,
    attributes: AttributeSet,
) : View(context, attributes) {
    private val painter = MaskPainter(resources.getIntArray(R.array.mask_colours), resources.displayMetrics.density)
    private val bitmapPaint = Paint(Paint.FILTER_BITMAP_FLAG)
    private val mark = Paint(Paint.ANTI_ALIAS_FLAG).apply { style = Paint.Style.STROKE }
    private val toView = Matrix()
    private val toPicture = Matrix()
    private val gestures = GestureDetector(context, Gestures())
    private val access = PictureAccess(this)
    private var shown = Shown()
    private var prompts = emptyList<Prompt>()
    private var dragged: Box? = null

    /** What the next tap or drag means. */
    internal var tool = Tool.OBJECT

    /** Whether the picture itself is drawn; over a camera preview only the masks are. */
    internal var showsPicture = true

    /** A point was set; the label is one of [PointLabel]. */
    internal var onPoint: (Position, Int) -> Unit = { _, _ -> }

    /** A box was drawn. */
    internal var onBox: (Box) -> Unit = {}

    /** Where keys and screen readers point at; null without a picture or while fingers are used. */
    internal var cursor: GridCursor? = null
        set(value) {
            field = value
            invalidate()
        }

    init {
        isFocusable = true
        isClickable = true
        accessibilityDelegate = access
    }

    /** Shows another state. */
    internal fun show(
        shown: Shown,
        prompts: List<Prompt>,
    ) {
        if (shown.picture !== this.shown.picture) cursor = null
        this.shown = shown
        this.prompts = prompts
        val grid =
            shown.model
                ?.manifest
                ?.contract
                ?.sizes
                ?.grid
        painter.show(shown.objects, shown.panoptic, grid)
        place()
        invalidate()
    }

    /** The picture's size, or null. */
    internal val extent: Extent? get() = shown.picture?.let { Extent(it.height, it.width) }

    override fun onSizeChanged(
        width: Int,
        height: Int,
        oldWidth: Int,
        oldHeight: Int,
    ) = place()

    override fun onDraw(canvas: Canvas) {
        val picture = shown.picture ?: return
        val scale = toView.mapRadius(1f)
        canvas.save()
        canvas.concat(toView)
        if (showsPicture) canvas.drawBitmap(picture, 0f, 0f, bitmapPaint)
        shown.fit?.let { painter.draw(canvas, it, scale) }
        prompts.forEach { drawPrompt(canvas, it, scale) }
        dragged?.let { drawBox(canvas, it, scale) }
        cursor?.let { drawCursor(canvas, it.position, scale) }
        canvas.restore()
    }

    override fun onTouchEvent(event: MotionEvent): Boolean {
        if (shown.picture == null) return false
        cursor = null
        return if (tool == Tool.BOX) drag(event) else gestures.onTouchEvent(event)
    }

    override fun performClick(): Boolean {
        super.performClick()
        access.pointAtCursor(PointLabel.FOREGROUND)
        return true
    }

    override fun onKeyDown(
        keyCode: Int,
        event: KeyEvent,
    ): Boolean = access.onKey(keyCode, event) || super.onKeyDown(keyCode, event)

    private fun place() {
        val extent = extent ?: return
        val scale = minOf(width.toFloat() / extent.width, height.toFloat() / extent.height)
        toView.setScale(scale, scale)
        toView.postTranslate((width - scale * extent.width) / 2, (height - scale * extent.height) / 2)
        toView.invert(toPicture)
    }

    /** From this view to the source-image frame; null outside of the picture. */
    private fun pictureAt(event: MotionEvent): Position? {
        val extent = extent ?: return null
        val point = floatArrayOf(event.x, event.y)
        toPicture.mapPoints(point)
        val inside = point[0] in 0f..extent.width.toFloat() && point[1] in 0f..extent.height.toFloat()
        return if (inside) Position(point[0].toDouble(), point[1].toDouble()) else null
    }

    private fun drag(event: MotionEvent): Boolean {
        val point = FloatArray(2)
        toPicture.mapPoints(point, floatArrayOf(event.x, event.y))
        val x = point[0].toDouble()
        val y = point[1].toDouble()
        when (event.actionMasked) {
            MotionEvent.ACTION_DOWN -> dragged = Box(x, y, x, y)
            MotionEvent.ACTION_MOVE -> dragged = dragged?.copy(x2 = x, y2 = y)
            MotionEvent.ACTION_UP -> dragged?.let { finishBox(it.copy(x2 = x, y2 = y)) }
            MotionEvent.ACTION_CANCEL -> dragged = null
        }
        invalidate()
        return true
    }

    private fun finishBox(box: Box) {
        dragged = null
        onBox(Box(minOf(box.x1, box.x2), minOf(box.y1, box.y2), maxOf(box.x1, box.x2), maxOf(box.y1, box.y2)))
    }

    private fun drawPrompt(
        canvas: Canvas,
        prompt: Prompt,
        scale: Float,
    ) {
        val radius = POINT_DP * resources.displayMetrics.density / scale
        for (point in prompt.points) {
            val isWanted = point.label == PointLabel.FOREGROUND
            stroke(canvas, scale) { paint ->
                canvas.drawCircle(point.x.toFloat(), point.y.toFloat(), radius, paint)
                drawSign(canvas, point.x.toFloat(), point.y.toFloat(), radius / 2, isWanted, paint)
            }
        }
        prompt.box?.let { drawBox(canvas, it, scale) }
    }

    /** A plus for what is wanted, a minus for what is not: not by colour alone. */
    private fun drawSign(
        canvas: Canvas,
        x: Float,
        y: Float,
        half: Float,
        isPlus: Boolean,
        paint: Paint,
    ) {
        canvas.drawLine(x - half, y, x + half, y, paint)
        if (isPlus) canvas.drawLine(x, y - half, x, y + half, paint)
    }

    private fun drawBox(
        canvas: Canvas,
        box: Box,
        scale: Float,
    ) = stroke(canvas, scale) {
        canvas.drawRect(box.x1.toFloat(), box.y1.toFloat(), box.x2.toFloat(), box.y2.toFloat(), it)
    }

    private fun drawCursor(
        canvas: Canvas,
        at: Position,
        scale: Float,
    ) {
        val arm = CURSOR_DP * resources.displayMetrics.density / scale
        stroke(canvas, scale) { drawSign(canvas, at.x.toFloat(), at.y.toFloat(), arm, true, it) }
    }

    /** Black under white: seen on any ground. */
    private fun stroke(
        canvas: Canvas,
        scale: Float,
        draw: (Paint) -> Unit,
    ) {
        canvas.save()
        for ((colour, width) in listOf(Color.BLACK to OUTER_DP, Color.WHITE to INNER_DP)) {
            mark.color = colour
            mark.strokeWidth = width * resources.displayMetrics.density / scale
            draw(mark)
        }
        canvas.restore()
    }

    private inner class Gestures : GestureDetector.SimpleOnGestureListener() {
        override fun onDown(event: MotionEvent): Boolean = true

        override fun onSingleTapUp(event: MotionEvent): Boolean {
            val label = if (tool == Tool.BACKGROUND) PointLabel.BACKGROUND else PointLabel.FOREGROUND
            pictureAt(event)?.let { onPoint(it, label) }
            return true
        }

        override fun onLongPress(event: MotionEvent) {
            pictureAt(event)?.let { onPoint(it, PointLabel.BACKGROUND) }
        }
    }

    private companion object {
        const val POINT_DP = 10f
        const val CURSOR_DP = 16f
        const val OUTER_DP = 4f
        const val INNER_DP = 2f
    }
}
