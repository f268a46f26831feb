package org.rmpsam.demo.bench

import android.content.Context
import org.rmpsam.core.Bundle
import org.rmpsam.core.Extent
import org.rmpsam.core.Golden
import org.rmpsam.core.GoldenInputs
import org.rmpsam.core.Graph
import org.rmpsam.core.GraphTiming
import org.rmpsam.core.LatencyReport
import org.rmpsam.core.LoadTiming
import org.rmpsam.core.MemoryUse
import org.rmpsam.core.Picture
import org.rmpsam.core.PipelineTiming
import org.rmpsam.core.Prompt
import org.rmpsam.core.PromptPoint
import org.rmpsam.core.Protocol
import org.rmpsam.core.RunnerFacts
import org.rmpsam.core.Series
import org.rmpsam.core.Step
import org.rmpsam.core.StepTimings
import org.rmpsam.demo.BuildConfig
import org.rmpsam.demo.engine.Engine
import org.rmpsam.demo.engine.GraphFiles
import org.rmpsam.demo.engine.fill
import java.io.File
import java.time.Instant
import java.time.temporal.ChronoUnit

/** One measurement by the protocol of [BenchRequest], from the hash of the files to the report. */
internal class BenchRun(
    context: Context,
    private val request: BenchRequest,
) {
    private val device = DeviceFacts(context)
    private val started = now()
    private val baselineMb = device.memoryMb()

    /**
     * Runs it. Takes minutes on a phone; not for the main thread.
     *
     * @throws org.rmpsam.core.RmpSamException a bundle that does not verify or has not this graph.
     */
    fun run(onRound: (FinishedRound) -> Unit): LatencyReport {
        val bundle = Bundle.open(File(request.bundlePath))
        val engine = Engine(bundle, request.threads)
        val graphs =
            request.graphs ?: bundle.manifest.graphs.values
                .map { it.graph }
        graphs.forEach(GraphFiles(bundle)::check) // before anything is timed
        val loadMs = elapsedMs { graphs.forEach(engine::module) }
        val inputs = GoldenInputs.of(bundle.manifest.contract)
        val firstRunMs = firstRun(engine, inputs, graphs)
        val golden = Golden.read(bundle)
        val timings = if (request.rounds > 0) graphs.map { timed(engine, it, golden, onRound) } else emptyList()
        val pipeline = if (Graph.PROMPTS in graphs && request.rounds > 0) pipeline(engine) else NO_PIPELINE
        val runner = runner(engine, graphs)
        device.memoryMb()
        engine.close()
        return report(bundle, runner, LoadTiming(listOf(loadMs), firstRunMs), timings, pipeline)
    }

    /** Runs each graph once on the golden inputs, which stay in its buffers. Returns the milliseconds of all. */
    private fun firstRun(
        engine: Engine,
        inputs: GoldenInputs,
        graphs: List<Graph>,
    ): Double {
        val encoder = engine.module(Graph.ENCODER) // the other graphs need its features, asked for or not
        val features = FloatArray(encoder.outputs.first().capacity())
        encoder.inputs.first().fill(inputs.pixels)
        val encoderMs = elapsedMs(encoder::run)
        encoder.outputs
            .first()
            .duplicate()
            .get(features)
        val others =
            (graphs - Graph.ENCODER).sumOf { graph ->
                val module = engine.module(graph)
                inputs.of(graph, features).zip(module.inputs) { values, buffer -> buffer.fill(values) }
                elapsedMs(module::run)
            }
        return if (Graph.ENCODER in graphs) encoderMs + others else others
    }

    private fun timed(
        engine: Engine,
        graph: Graph,
        golden: Golden,
        onRound: (FinishedRound) -> Unit,
    ): GraphTiming =
        GraphTimer(graph, engine.module(graph), request, device).time(engine.bundle.manifest, golden) { round ->
            device.memoryMb()
            onRound(round)
        }

    /** The way from a photo to the mask under a tap, step by step. */
    private fun pipeline(engine: Engine): PipelineTiming {
        val picture = Picture(PHOTO, IntArray(PHOTO.area) { it * COLOUR_STEP })
        val middle = Prompt(listOf(PromptPoint(PHOTO.width / 2.0, PHOTO.height / 2.0, 1)))
        repeat(PIPELINE_RUNS + 1) { run ->
            val fit = engine.encode(picture, key = run)
            engine.fullMask(engine.segment(listOf(middle)).first(), fit)
        }
        return PipelineTiming(
            preprocessMs = engine.timings.median(Step.PREPROCESS),
            encoderMs = engine.timings.median(Step.ENCODER),
            promptMs = engine.timings.median(Step.PROMPTS),
            postprocessMs = engine.timings.median(Step.POSTPROCESS),
        )
    }

    private fun StepTimings.median(step: Step): Double? =
        of(step).drop(1).takeIf { it.isNotEmpty() }?.let(Series::median)

    private fun runner(
        engine: Engine,
        graphs: List<Graph>,
    ): RunnerFacts {
        val delegations = graphs.mapNotNull { engine.bundle.manifest.artifact(it) }.map { it.delegation }
        return RunnerFacts(
            id = BuildConfig.APPLICATION_ID,
            version = BuildConfig.VERSION_NAME,
            debuggable = device.isDebuggable,
            runtimeVersion = BuildConfig.EXECUTORCH_VERSION,
            delegates = graphs.flatMap { engine.module(it).delegates }.distinct(),
            delegatedShare = delegations.minOfOrNull { it.macShare },
            threads = request.threads,
            loadMode = "mmap",
        )
    }

    private fun report(
        bundle: Bundle,
        runner: RunnerFacts,
        load: LoadTiming,
        timings: List<GraphTiming>,
        pipeline: PipelineTiming,
    ) = LatencyReport(
        started = started,
        finished = now(),
        bundle = bundle,
        target = device.target(),
        runner = runner,
        conditions = device.conditions(),
        protocol = protocol(),
        load = load,
        graphs = timings,
        pipeline = pipeline,
        memory = MemoryUse(baselineMb, device.peak(), device.memoryMb()),
    )

    private fun protocol() =
        Protocol(
            rounds = request.rounds,
            warmup = request.warmup,
            runs = request.runs,
            minRoundS = request.minRoundS,
            cooldownS = device.cooldowns,
            clockStepNs = DeviceFacts.clockStepNs(),
        )

    private fun elapsedMs(action: () -> Unit): Double {
        val start = System.nanoTime()
        action()
        return (System.nanoTime() - start) / StepTimings.NANOS_PER_MS
    }

    private fun now() = Instant.now().truncatedTo(ChronoUnit.SECONDS).toString()

    private companion object {
        /** The picture that the pipeline starts from; `bench --on host` takes the same size. */
        val PHOTO = Extent(1080, 1440)
        const val COLOUR_STEP = 65_793 // so that neighbouring pixels differ in all channels
        const val PIPELINE_RUNS = 10
        val NO_PIPELINE = PipelineTiming(null, null, null, null)
    }
}
