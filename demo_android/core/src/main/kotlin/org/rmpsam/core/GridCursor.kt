package org.rmpsam.core

/**
 * A cursor that moves over a picture in steps, so that a point can be set by keys or by a screen reader.
 *
 * @property column from 0.
 * @property row from 0.
 */
public data class GridCursor(
    val picture: Extent,
    val column: Int,
    val row: Int,
) {
    /** Steps across. */
    val columns: Int get() = steps(picture.width)

    /** Steps down; cells are about square. */
    val rows: Int get() = steps(picture.height)

    /** The middle of its cell, source-image frame. */
    val position: Position
        get() = Position((column + 0.5) * picture.width / columns, (row + 0.5) * picture.height / rows)

    /** Moves by cells and stops at the edge. */
    public fun moved(
        right: Int,
        down: Int,
    ): GridCursor = copy(column = (column + right).coerceIn(0, columns - 1), row = (row + down).coerceIn(0, rows - 1))

    private fun steps(side: Int): Int {
        val longer = maxOf(picture.height, picture.width)
        return (LONGER_SIDE * side / longer).coerceIn(1, LONGER_SIDE)
    }

    public companion object {
        private const val LONGER_SIDE = 16

        /** A cursor in the middle of [picture]. */
        public fun centred(picture: Extent): GridCursor {
            val corner = GridCursor(picture, 0, 0)
            return corner.moved(corner.columns / 2, corner.rows / 2)
        }
    }
}
