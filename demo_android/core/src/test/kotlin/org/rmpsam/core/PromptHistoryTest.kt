package org.rmpsam.core

import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Test

class PromptHistoryTest {
    private val tap = Prompt(listOf(PromptPoint(1.0, 2.0, PointLabel.FOREGROUND)))
    private val box = Prompt(box = Box(0.0, 0.0, 3.0, 3.0))

    @Test
    fun eachStepIsUndone() {
        val history = PromptHistory()
        history.start(tap)
        history.refine(box)
        history.start(tap)
        history.clear()
        val seen = generateSequence { history.current.also { history.undo() } }.take(5).toList()
        assertEquals(listOf(emptyList(), listOf(box, tap), listOf(box), listOf(tap), emptyList()), seen)
        assertFalse(history.canUndo)
        assertEquals(emptyList<Prompt>(), history.current)
    }

    @Test
    fun refiningNothingStarts() {
        assertEquals(listOf(tap), PromptHistory().apply { refine(tap) }.current)
    }

    @Test
    fun aRestoredHistoryCanBeUndoneToNothing() {
        val history = PromptHistory().apply { restore(listOf(tap, box)) }
        history.undo()
        assertEquals(emptyList<Prompt>(), history.current)
    }

    @Test
    fun tooManyObjectsAreRefused() {
        val fit = Fit.of(Extent(10, 10), contract().sizes.size)
        assertProblem(Problem.PROMPT_TOO_LARGE) { PromptSlots.of(List(5) { tap }, fit, contract().sizes) }
    }

    @Test
    fun aModelOfOnePointTakesOneHint() {
        val one = contract(numPoints = 1)
        val both = tap.copy(box = box.box)
        assertProblem(Problem.PROMPT_TOO_LARGE) { both.checked(one, Extent(10, 10)) }
        assertEquals(tap, tap.checked(one, Extent(10, 10)))
    }

    @Test
    fun numbersThatAreNotFiniteAreRefused() {
        val nowhere = Prompt(listOf(PromptPoint(Double.NaN, 1.0, PointLabel.FOREGROUND)))
        assertProblem(Problem.POINT_OUTSIDE) { nowhere.checked(contract(), Extent(10, 10)) }
        assertProblem(
            Problem.BOX_EMPTY,
        ) { Prompt(box = Box(Double.NaN, 0.0, 1.0, 1.0)).checked(contract(), Extent(10, 10)) }
    }
}
