package org.rmpsam.demo.bench

import org.rmpsam.core.Golden
import org.rmpsam.core.GoldenCheck
import org.rmpsam.core.Graph
import org.rmpsam.core.GraphTiming
import org.rmpsam.core.Manifest
import org.rmpsam.core.StepTimings
import org.rmpsam.core.TimedRound
import org.rmpsam.demo.engine.GraphModule
import java.nio.FloatBuffer

/** One finished round of one graph; index from 0. */
internal class FinishedRound(
    val graph: Graph,
    val index: Int,
    val timed: TimedRound,
)

/**
 * Times one loaded graph on the inputs that lie in its buffers. The clock runs around execution alone; the outputs are
 * read once after each run, so that nothing stays undone.
 */
internal class GraphTimer(
    private val graph: Graph,
    private val module: GraphModule,
    private val request: BenchRequest,
    private val device: DeviceFacts,
) {
    private var first: List<FloatArray>? = null
    private var last: List<FloatArray>? = null

    /** Runs all rounds and checks the outputs of the first and of the last run against [golden]. */
    fun time(
        manifest: Manifest,
        golden: Golden,
        onRound: (FinishedRound) -> Unit,
    ): GraphTiming {
        val rounds =
            List(request.rounds) { index ->
                val timed = round()
                onRound(FinishedRound(graph, index, timed))
                timed
            }
        return GraphTiming(graph, rounds, check(manifest, golden))
    }

    private fun round(): TimedRound {
        device.coolDown(request.cooldownS)
        val before = device.thermalStatus()
        val warmUntil = System.nanoTime() + seconds(minOf(WARM_S, request.minRoundS))
        var warm = 0
        while (warm < request.warmup || (request.warmup > 0 && System.nanoTime() < warmUntil)) {
            run()
            warm++
        }
        val samples = samples()
        val after = device.thermalStatus()
        return TimedRound(samples, listOfNotNull(before, after).maxOrNull())
    }

    private fun samples(): List<Double> {
        val start = System.nanoTime()
        val samples = mutableListOf<Double>()
        while (true) {
            val elapsed = System.nanoTime() - start
            val isEnough = samples.size >= request.runs && elapsed >= seconds(request.minRoundS)
            if (isEnough || elapsed >= seconds(request.maxRoundS) || samples.size >= MOST_SAMPLES) return samples
            samples += run()
        }
    }

    private fun run(): Double {
        val start = System.nanoTime()
        val answers = module.execute()
        val milliseconds = (System.nanoTime() - start) / StepTimings.NANOS_PER_MS
        module.read(answers)
        // Every run could be the last one; what is kept is thinned later, so this is a copy and no more.
        last = module.outputs.mapIndexed { index, buffer -> copied(buffer, last?.get(index)) }
        if (first == null) first = last?.map { it.clone() }
        return milliseconds
    }

    private fun copied(
        buffer: FloatBuffer,
        into: FloatArray?,
    ): FloatArray = (into ?: FloatArray(buffer.capacity())).also { buffer.duplicate().get(it) }

    private fun check(
        manifest: Manifest,
        golden: Golden,
    ): GoldenCheck? {
        val outputs = listOf(first ?: return null, last ?: return null)
        val names = checkNotNull(manifest.artifact(graph)).outputs.map { "${graph.key}/${it.name}" }
        val judged = outputs.flatMap { run -> golden.of(graph).judge(Golden(names.zip(run.map(Golden::thin)).toMap())) }
        return GoldenCheck(judged, outputs[0].zip(outputs[1]).all { (one, other) -> one.contentEquals(other) })
    }

    private fun seconds(count: Double) = (count * NANOS).toLong()

    private companion object {
        const val WARM_S = 0.5
        const val NANOS = 1e9

        /** Keeps the report below what a Binder transaction carries. */
        const val MOST_SAMPLES = 2000
    }
}
