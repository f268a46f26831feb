package org.rmpsam.core

import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Assert.assertThrows
import org.junit.Test

class PictureTest {
    private val picture = Picture(Extent(2, 3), IntArray(6) { it })

    private fun mask(vararg at: Int) = Mask(picture.extent, BooleanArray(6) { it in at })

    @Test
    fun aCutOutIsCroppedAndTransparentAround() {
        val cut = picture.cutOut(listOf(mask(1), mask(5)))!!
        assertEquals(Extent(2, 2), cut.extent)
        assertEquals(listOf(Picture.OPAQUE or 1, 0, 0, Picture.OPAQUE or 5), cut.pixels.toList())
    }

    @Test
    fun nothingIsCutOutOfNothing() {
        assertNull(picture.cutOut(listOf(mask())))
        assertNull(picture.cutOut(emptyList()))
    }

    @Test
    fun masksKnowTheirBoxAndShare() {
        assertEquals(listOf(1, 0, 3, 2), mask(1, 5).box)
        assertEquals(listOf(0, 0, 0, 0), mask().box)
        assertEquals(1 / 3.0, mask(1, 5).coverage, 1e-12)
    }

    @Test
    fun aPictureWithoutPixelsIsRefused() {
        assertProblem(Problem.PICTURE_EMPTY) { Fit.of(Extent(0, 5), Extent(32, 32)) }
        assertThrows(IllegalArgumentException::class.java) { Picture(Extent(2, 2), IntArray(3)) }
    }

    @Test
    fun theLastTimesOfAStepAreKept() {
        val timings = StepTimings()
        repeat(120) { timings.add(Step.ENCODER, it.toDouble()) }
        assertEquals((20..119).map { it.toDouble() }, timings.of(Step.ENCODER))
        assertEquals(7, timings.time(Step.PROMPTS) { 7 })
        assertEquals(1, timings.of(Step.PROMPTS).size)
    }
}
