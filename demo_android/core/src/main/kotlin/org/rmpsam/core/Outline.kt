package org.rmpsam.core

/**
 * The border of a mask as line segments, from the logits of the mask grid by marching squares. It costs a fraction of a
 * resampled mask and stays sharp at any zoom, so a screen can draw it with every tap.
 */
public object Outline {
    private const val SIDES = 4

    /**
     * Finds where the bilinear surface through the grid's cell centres crosses [threshold].
     *
     * @param logits of one mask, [h, w] row-major, from [offset] on.
     * @param fit only the part of the grid that the picture covers is looked at.
     * @return x1, y1, x2, y2 of each segment, source-image frame.
     */
    public fun of(
        logits: FloatArray,
        offset: Int,
        grid: Extent,
        fit: Fit,
        threshold: Double,
    ): FloatArray {
        val rows = covered(fit.fitted.height, grid.height)
        val columns = covered(fit.fitted.width, grid.width)
        val found = Segments(fit)
        // From -1 to the last row: outside of the grid its edge goes on, so that a border reaches the picture's edge.
        for (row in -1 until rows) {
            for (column in -1 until columns) {
                val corners =
                    FloatArray(SIDES) { corner ->
                        val y = (row + (corner shr 1)).coerceIn(0, rows - 1)
                        val x = (column + (corner and 1)).coerceIn(0, columns - 1)
                        logits[offset + y * grid.width + x] - threshold.toFloat()
                    }
                found.addCell(row, column, corners)
            }
        }
        return found.toArray()
    }

    private fun covered(
        fitted: Int,
        grid: Int,
    ) = ((fitted + GraphSizes.STRIDE - 1) / GraphSizes.STRIDE).coerceIn(1, grid)
}

private class Segments(
    private val fit: Fit,
) {
    private var values = FloatArray(1024)
    private var size = 0

    fun toArray(): FloatArray = values.copyOf(size)

    /** Corners: top left, top right, bottom left, bottom right. */
    fun addCell(
        row: Int,
        column: Int,
        corners: FloatArray,
    ) {
        val (topLeft, topRight, bottomLeft, bottomRight) = corners.toList()
        val top = crossing(topLeft, topRight)?.let { place(row.toFloat(), column + it) }
        val bottom = crossing(bottomLeft, bottomRight)?.let { place(row + 1f, column + it) }
        val left = crossing(topLeft, bottomLeft)?.let { place(row + it, column.toFloat()) }
        val right = crossing(topRight, bottomRight)?.let { place(row + it, column + 1f) }
        val points = listOfNotNull(top, right, bottom, left)
        when (points.size) {
            2 -> add(points[0], points[1])
            4 -> addSaddle(points, corners)
        }
    }

    /** Two borders cross one cell; the mean of its corners says which corners belong together. */
    private fun addSaddle(
        points: List<Position>,
        corners: FloatArray,
    ) {
        val (top, right, bottom, left) = points
        val joined = (corners.average() > 0) == (corners[0] > 0)
        add(top, if (joined) right else left)
        add(bottom, if (joined) left else right)
    }

    private fun crossing(
        from: Float,
        to: Float,
    ): Float? = if ((from > 0) == (to > 0)) null else from / (from - to)

    private fun place(
        row: Float,
        column: Float,
    ): Position {
        val stride = GraphSizes.STRIDE
        val inside = Position((column + 0.5) * stride, (row + 0.5) * stride)
        val point = fit.toPicture(inside)
        return Position(
            point.x.coerceIn(0.0, fit.picture.width.toDouble()),
            point.y.coerceIn(0.0, fit.picture.height.toDouble()),
        )
    }

    private fun add(
        from: Position,
        to: Position,
    ) {
        if (size + 4 > values.size) values = values.copyOf(2 * values.size)
        for (value in doubleArrayOf(from.x, from.y, to.x, to.y)) values[size++] = value.toFloat()
    }
}
