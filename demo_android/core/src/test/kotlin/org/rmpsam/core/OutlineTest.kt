package org.rmpsam.core

import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import kotlin.math.abs
import kotlin.math.hypot

class OutlineTest {
    private val grid = Extent(16, 24)

    private fun logits(of: (Double, Double) -> Double) =
        FloatArray(grid.area) { of(4 * (it % grid.width + 0.5), 4 * (it / grid.width + 0.5)).toFloat() }

    @Test
    fun aDiscHasARoundOutline() {
        val fit = Fit.of(Extent(128, 192), Extent(64, 96))
        val outline = Outline.of(logits { x, y -> 20 - hypot(x - 40, y - 30) }, 0, grid, fit, 0.0)
        assertTrue(outline.size > 40)
        for (at in outline.indices step 2) {
            assertEquals(40.0, hypot(outline[at] - 80.0, outline[at + 1] - 60.0), 0.6)
        }
    }

    @Test
    fun theOutlineRunsThroughTheDecodedMasksBorder() {
        val fit = Fit.of(Extent(100, 70), Extent(64, 96))
        val values = logits { x, y -> x + 0.5 * y - 40 }
        val decoded = MaskDecoder(fit, grid).logits(values)
        val outline = Outline.of(values, 0, grid, fit, 0.0)
        for (at in outline.indices step 2) {
            val x = outline[at].toInt().coerceAtMost(69)
            val y = outline[at + 1].toInt().coerceAtMost(99)
            assertTrue("at $x, $y", abs(decoded[y * 70 + x]) < 1.5)
        }
        assertEquals(0f, outline.filterIndexed { index, _ -> index % 2 == 1 }.min(), 0f)
        assertEquals(100f, outline.filterIndexed { index, _ -> index % 2 == 1 }.max(), 0f)
    }

    @Test
    fun nothingInsideHasNoOutline() {
        val fit = Fit.of(Extent(64, 96), Extent(64, 96))
        assertEquals(0, Outline.of(logits { _, _ -> -1.0 }, 0, grid, fit, 0.0).size)
    }

    @Test
    fun cornersThatTouchAreJoinedByTheMiddleBetweenThem() {
        val fit = Fit.of(Extent(64, 96), Extent(64, 96))
        for (outside in listOf(-3.0, -1.0 / 3)) {
            val checkered = logits { x, y -> if ((x < 48) == (y < 32)) 1.0 else outside }
            val segments = Outline.of(checkered, 0, grid, fit, 0.0).asList().chunked(4)
            val slanted = segments.filter { (x1, y1, x2, y2) -> x1 != x2 && y1 != y2 }
            assertEquals(2, slanted.size)
            // Cut off is the corner that is alone: the wanted one where the middle is outside, else the other one.
            slanted.forEach { (x1, y1, x2, y2) -> assertEquals(1.41f, hypot(x2 - x1, y2 - y1), 0.1f) }
        }
    }

    @Test
    fun theCursorStaysInsideThePicture() {
        val picture = Extent(300, 400)
        var cursor = GridCursor.centred(picture)
        assertEquals(Extent(12, 16), Extent(cursor.rows, cursor.columns))
        repeat(50) { cursor = cursor.moved(1, 1) }
        assertEquals(Position(387.5, 287.5), cursor.position)
        repeat(50) { cursor = cursor.moved(-1, -1) }
        assertEquals(Position(12.5, 12.5), cursor.position)
        assertEquals(1, GridCursor.centred(Extent(3, 4000)).rows)
    }
}
