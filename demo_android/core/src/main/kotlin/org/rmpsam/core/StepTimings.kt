package org.rmpsam.core

/** The steps from a picture to a mask. */
public enum class Step {
    /** Picture to pixel_values. */
    PREPROCESS,

    /** The encoder graph. */
    ENCODER,

    /** The prompt graph. */
    PROMPTS,

    /** The object graph. */
    OBJECTS,

    /** Logits to masks. */
    POSTPROCESS,
}

/** How long the last runs of each step took; safe to read from another thread. */
public class StepTimings {
    private val kept = Step.entries.associateWith { ArrayDeque<Double>() }

    /** Runs [action] and keeps its time under [step]. */
    public inline fun <T> time(
        step: Step,
        action: () -> T,
    ): T {
        val start = System.nanoTime()
        return action().also { add(step, (System.nanoTime() - start) / NANOS_PER_MS) }
    }

    /** Keeps one time in milliseconds. */
    @Synchronized
    public fun add(
        step: Step,
        milliseconds: Double,
    ) {
        val times = kept.getValue(step)
        times.addLast(milliseconds)
        if (times.size > MOST) times.removeFirst()
    }

    /** The times of [step] in milliseconds, oldest first; up to 100. */
    @Synchronized
    public fun of(step: Step): List<Double> = kept.getValue(step).toList()

    public companion object {
        /** Nanoseconds in a millisecond. */
        public const val NANOS_PER_MS: Double = 1e6
        private const val MOST = 100
    }
}
