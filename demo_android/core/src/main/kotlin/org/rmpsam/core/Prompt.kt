package org.rmpsam.core

/** A point of the source image in xy pixels, with its label. */
public data class PromptPoint(
    val x: Double,
    val y: Double,
    val label: Int,
)

/** What a person points at, for one object, in the source-image frame: points, and at most one box. */
public data class Prompt(
    val points: List<PromptPoint> = emptyList(),
    val box: Box? = null,
) {
    /** Whether there is nothing in it. */
    val isEmpty: Boolean get() = points.isEmpty() && box == null

    /**
     * Returns the prompt with its box clamped to [picture].
     *
     * @throws InputException nothing given, a point outside of the picture, or a box without area inside it.
     * @throws UnsupportedException more hints than this model reads in one prompt.
     */
    public fun checked(
        contract: ModelContract,
        picture: Extent,
    ): Prompt {
        points.forEach { checkPoint(it, picture) }
        if (isEmpty) throw InputException(Problem.PROMPT_EMPTY, "no point and no box; give at least one")
        checkKinds(contract)
        return copy(box = box?.let { clamped(it, picture) })
    }

    private fun checkPoint(
        point: PromptPoint,
        picture: Extent,
    ) {
        val inside = point.x >= 0 && point.x <= picture.width && point.y >= 0 && point.y <= picture.height
        if (!inside) {
            throw InputException(
                Problem.POINT_OUTSIDE,
                "point ${point.x},${point.y} lies outside of the picture of ${picture.width} x ${picture.height} px",
            )
        }
        if (point.label != PointLabel.FOREGROUND && point.label != PointLabel.BACKGROUND) {
            throw InputException(Problem.LABEL_UNKNOWN, "label ${point.label}; known: 1 foreground, 0 background")
        }
    }

    private fun checkKinds(contract: ModelContract) {
        val limit = contract.sizes.numPoints
        val hasBackground = points.any { it.label == PointLabel.BACKGROUND }
        val boxes = if (box == null) 0 else 1
        // Official models take one click or one box, mobile ones a set of both.
        if (points.size > limit || (limit == 1 && (points.size + boxes > 1 || hasBackground))) {
            throw UnsupportedException(
                Problem.PROMPT_TOO_LARGE,
                "${contract.preset} reads up to $limit points a prompt; got ${points.size} points and $boxes boxes",
            )
        }
        if (box == null && points.none { it.label == PointLabel.FOREGROUND }) {
            throw InputException(Problem.PROMPT_NOTHING_WANTED, "${points.size} background points and nothing wanted")
        }
    }

    private fun clamped(
        box: Box,
        picture: Extent,
    ): Box {
        val inside =
            Box(
                maxOf(box.x1, 0.0),
                maxOf(box.y1, 0.0),
                minOf(box.x2, picture.width.toDouble()),
                minOf(box.y2, picture.height.toDouble()),
            )
        val hasArea = inside.x2 - inside.x1 > 0 && inside.y2 - inside.y1 > 0 // false for NaN too
        if (!hasArea) {
            throw InputException(
                Problem.BOX_EMPTY,
                "$box has no area inside the picture of ${picture.width} x ${picture.height} px",
            )
        }
        return inside
    }
}

/** The prompts of one picture as a person makes them, step by step; each step can be undone. */
public class PromptHistory {
    private val steps = ArrayDeque<List<Prompt>>().apply { add(emptyList()) }

    /** Prompts as they are now, one an object; the last one is being worked on. */
    public val current: List<Prompt> get() = steps.last()

    /** Whether [undo] changes anything. */
    public val canUndo: Boolean get() = steps.size > 1

    /** Starts a new object with [prompt]. */
    public fun start(prompt: Prompt): Unit = push(current + prompt)

    /** Replaces the last object's prompt by [prompt]; starts one if there is none. */
    public fun refine(prompt: Prompt): Unit = push(current.dropLast(1) + prompt)

    /** Takes all prompts away; this too can be undone. */
    public fun clear() {
        if (current.isNotEmpty()) push(emptyList())
    }

    /** Goes back one step. */
    public fun undo() {
        if (canUndo) steps.removeLast()
    }

    /** Forgets all steps and starts from [prompts], for example those of a screen that was rotated. */
    public fun restore(prompts: List<Prompt>) {
        steps.clear()
        steps.add(emptyList())
        if (prompts.isNotEmpty()) steps.add(prompts)
    }

    private fun push(prompts: List<Prompt>) {
        steps.add(prompts)
        if (steps.size > MOST_STEPS) steps.removeFirst()
    }

    private companion object {
        const val MOST_STEPS = 100
    }
}
