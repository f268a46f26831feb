package org.rmpsam.demo.screens

import org.rmpsam.core.Box
import org.rmpsam.core.Prompt
import org.rmpsam.core.PromptPoint

/** Prompts as plain numbers, to outlive the process: for each one the number of points and boxes, then their numbers. */
internal object SavedPrompts {
    private const val POINT = 3
    private const val BOX = 4

    fun pack(prompts: List<Prompt>): DoubleArray =
        prompts
            .flatMap { prompt ->
                val points = prompt.points.flatMap { listOf(it.x, it.y, it.label.toDouble()) }
                val box = prompt.box?.let { listOf(it.x1, it.y1, it.x2, it.y2) }.orEmpty()
                listOf(prompt.points.size.toDouble(), box.size.toDouble() / BOX) + points + box
            }.toDoubleArray()

    fun unpack(numbers: DoubleArray): List<Prompt> {
        val left = ArrayDeque(numbers.asList())

        fun take(count: Int) = List(count) { left.removeFirst() }
        return buildList {
            while (left.isNotEmpty()) {
                val (numPoints, numBoxes) = take(2).map { it.toInt() }
                val points = List(numPoints) { take(POINT).let { (x, y, label) -> PromptPoint(x, y, label.toInt()) } }
                val box = if (numBoxes > 0) take(BOX).let { (x1, y1, x2, y2) -> Box(x1, y1, x2, y2) } else null
                add(Prompt(points, box))
            }
        }
    }
}
