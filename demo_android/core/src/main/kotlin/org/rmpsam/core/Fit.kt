package org.rmpsam.core

/** A position in xy pixels; which frame is said where it is used. */
public data class Position(
    val x: Double,
    val y: Double,
)

/** A box x1, y1, x2, y2 in pixels, right and bottom exclusive. */
public data class Box(
    val x1: Double,
    val y1: Double,
    val x2: Double,
    val y2: Double,
)

/**
 * How a picture lies in the model input: resized in proportion, in the top left corner of the canvas. Coordinates scale
 * by fitted / picture side without a half-pixel shift.
 *
 * @property picture the source image.
 * @property fitted the picture inside the model input.
 * @property size the model input.
 */
public data class Fit(
    val picture: Extent,
    val fitted: Extent,
    val size: Extent,
) {
    private val scaleX get() = fitted.width.toDouble() / picture.width
    private val scaleY get() = fitted.height.toDouble() / picture.height

    /** From the source-image frame to the model-input frame. */
    public fun toInput(point: Position): Position = Position(point.x * scaleX, point.y * scaleY)

    /** From the source-image frame to the model-input frame. */
    public fun toInput(box: Box): Box = Box(box.x1 * scaleX, box.y1 * scaleY, box.x2 * scaleX, box.y2 * scaleY)

    /** From the model-input frame to the source-image frame. */
    public fun toPicture(point: Position): Position = Position(point.x / scaleX, point.y / scaleY)

    public companion object {
        /**
         * Fits a picture into the model input [size], as large as its proportions allow.
         *
         * @throws InputException a side below one pixel.
         */
        public fun of(
            picture: Extent,
            size: Extent,
        ): Fit {
            if (picture.height < 1 || picture.width < 1) {
                throw InputException(
                    Problem.PICTURE_EMPTY,
                    "${picture.width} x ${picture.height} px is no size; each side needs 1 pixel",
                )
            }
            val scale = minOf(size.width.toDouble() / picture.width, size.height.toDouble() / picture.height)
            val height = scaled(picture.height, scale, size.height)
            return Fit(picture, Extent(height, scaled(picture.width, scale, size.width)), size)
        }

        private fun scaled(
            side: Int,
            scale: Double,
            limit: Int,
        ) = (side * scale + 0.5).toInt().coerceIn(1, limit)
    }
}
