package org.rmpsam.core

import kotlin.math.floor
import kotlin.math.sqrt

/** Numbers of one series of milliseconds; p99 is null below 100 samples. */
public data class Summary(
    val n: Int,
    val min: Double,
    val p50: Double,
    val mean: Double,
    val p90: Double,
    val p95: Double,
    val p99: Double?,
    val max: Double,
    val stdev: Double,
)

/**
 * Whether a series of latencies can be believed. A round is a list of milliseconds in the order in which they were
 * measured. The same rules as in Python and Swift; golden vectors pin them.
 */
public object Series {
    private const val FEWEST_SAMPLES = 20
    private const val CLOCK_STEPS = 50
    private const val ROUND_RATIO = 1.10
    private const val SLOWER = 1.10
    private const val FASTER = 0.90
    private const val SPREAD = 0.20
    private const val LONG_TAIL = 3.0
    private const val FEWEST_FOR_P99 = 100

    /** Linear interpolation between order statistics at index (n - 1) * [share]. */
    public fun quantile(
        values: List<Double>,
        share: Double,
    ): Double {
        val ordered = values.sorted()
        val position = (ordered.size - 1) * share
        val below = floor(position).toInt()
        val above = minOf(below + 1, ordered.lastIndex)
        return ordered[below] + (ordered[above] - ordered[below]) * (position - below)
    }

    /**
     * Codes of what makes the rounds unfit for a figure, in a fixed order; none for a steady series. A broken sample
     * ends the list: nothing can be computed from it.
     */
    public fun refusals(
        rounds: List<List<Double>>,
        clockStepMs: Double,
    ): List<String> {
        val samples = rounds.flatten()
        if (samples.any { !it.isFinite() || it <= 0 }) return listOf("nonpositive-sample")
        if (rounds.isEmpty() || rounds.minOf { it.size } < FEWEST_SAMPLES) return listOf("too-few-samples")
        val medians = rounds.map(::median)
        val drifts = rounds.map(::drift)
        return buildList {
            if (median(samples) < CLOCK_STEPS * clockStepMs) add("below-timer-resolution")
            if (samples.distinct().size <= maxOf(2.0, samples.size / 20.0)) add("samples-repeat")
            if (medians.max() / medians.min() > ROUND_RATIO) add("rounds-disagree")
            if (drifts.max() > SLOWER) add("slows-down")
            if (drifts.min() < FASTER) add("still-warming-up")
        }
    }

    /** Codes of what a reader should know of rounds that were not refused. */
    public fun warnings(rounds: List<List<Double>>): List<String> {
        val samples = rounds.flatten()
        val middle = median(samples)
        return buildList {
            if ((quantile(samples, 0.75) - quantile(samples, 0.25)) / middle > SPREAD) add("spread")
            if (samples.size >= FEWEST_FOR_P99 && quantile(samples, 0.99) / middle > LONG_TAIL) add("long-tail")
        }
    }

    /** Summarises [samples], at least one; a single one has no spread. */
    public fun summary(samples: List<Double>): Summary {
        val mean = samples.average()
        val squares = samples.sumOf { (it - mean) * (it - mean) }
        return Summary(
            n = samples.size,
            min = samples.min(),
            p50 = median(samples),
            mean = mean,
            p90 = quantile(samples, 0.9),
            p95 = quantile(samples, 0.95),
            p99 = if (samples.size >= FEWEST_FOR_P99) quantile(samples, 0.99) else null,
            max = samples.max(),
            stdev = if (samples.size > 1) sqrt(squares / (samples.size - 1)) else 0.0,
        )
    }

    /** The middle value, or the mean of the two middle ones. */
    public fun median(values: List<Double>): Double = quantile(values, 0.5)

    private fun drift(taken: List<Double>): Double {
        val quarter = taken.size / 4
        return median(taken.takeLast(quarter)) / median(taken.take(quarter))
    }
}
