package org.rmpsam.core

/** The program that was timed; null is unknown. */
public data class RunnerFacts(
    val id: String,
    val version: String?,
    val debuggable: Boolean,
    val runtimeVersion: String,
    val delegates: List<String>,
    val delegatedShare: Double?,
    val threads: Int,
    val loadMode: String,
)

/** The device; null is unknown. */
public data class TargetFacts(
    val model: String?,
    val soc: String?,
    val os: String?,
    val api: Int,
    val abi: String?,
    val fingerprint: String?,
    val emulated: Boolean,
    val ramMb: Double?,
)

/** The device's thermal status at a moment after the start: 0 none to 6 shutdown, null unknown. */
public data class ThermalSample(
    val atMs: Long,
    val status: Int?,
)

/** What the device was doing meanwhile; null is unknown. */
public data class Conditions(
    val power: String?,
    val batteryPercent: Int?,
    val powerSaver: Boolean?,
    val screenOn: Boolean?,
    val thermal: List<ThermalSample>,
)

/** How it was timed. */
public data class Protocol(
    val rounds: Int,
    val warmup: Int,
    val runs: Int,
    val minRoundS: Double,
    val cooldownS: List<Double>,
    val clockStepNs: Long,
)

/** One round of one graph. */
public data class TimedRound(
    val samplesMs: List<Double>,
    val thermalStatusMax: Int?,
)

/** Whether the first and the last run gave the golden output, and the same. */
public data class GoldenCheck(
    val tensors: List<GoldenTensor>,
    val repeatable: Boolean,
) {
    /** No figure without it. */
    val passes: Boolean get() = repeatable && tensors.all { it.passes }

    /** Errors are relative to the largest stored value; only the encoder has a limit for them. */
    internal fun toJson(): Map<String, Any?> {
        val encoder = tensors.find { it.graph == Graph.ENCODER }
        return mapOf(
            "golden_max_abs" to tensors.maxOfOrNull { it.relativeError }?.takeIf { it.isFinite() },
            "tolerance" to encoder?.let { GoldenTensor.LARGEST_ERROR },
            "sign_agreement" to tensors.filter { it.isMask }.minOfOrNull { it.signAgreement },
            "passes" to passes,
            "repeatable" to repeatable,
        )
    }
}

/** All rounds of one graph; check is null where nothing was run. */
public data class GraphTiming(
    val graph: Graph,
    val rounds: List<TimedRound>,
    val check: GoldenCheck?,
)

/** Loading, in milliseconds. */
public data class LoadTiming(
    val coldMs: List<Double>,
    val firstRunMs: Double?,
)

/** Medians in milliseconds of the steps around the graphs; null where a step was not timed. */
public data class PipelineTiming(
    val preprocessMs: Double?,
    val encoderMs: Double?,
    val promptMs: Double?,
    val postprocessMs: Double?,
) {
    /** From a tap to its mask, once the features are there. */
    val tapToMaskMs: Double? get() = if (promptMs != null && postprocessMs != null) promptMs + postprocessMs else null
}

/** Proportional set size of the process in MB: before loading, the largest seen, after closing. */
public data class MemoryUse(
    val baselineMb: Double?,
    val peakMb: Double?,
    val retainedMb: Double?,
)

/**
 * A `rmpsam.latency/1` document as the device knows it. What only a computer at the other end of the cable knows (serial
 * number, clusters of cores, temperatures) is null here and filled in there.
 */
public data class LatencyReport(
    val started: String,
    val finished: String,
    val bundle: Bundle,
    val target: TargetFacts,
    val runner: RunnerFacts,
    val conditions: Conditions,
    val protocol: Protocol,
    val load: LoadTiming,
    val graphs: List<GraphTiming>,
    val pipeline: PipelineTiming,
    val memory: MemoryUse,
) {
    /** Why there is no figure; empty for a report that can be believed. */
    public val reasons: List<String> by lazy {
        val found = graphs.flatMap { timing -> Series.refusals(timing.samples(), protocol.clockStepNs / NANOS_PER_MS) }
        val throttled = graphs.any { timing -> timing.rounds.any { (it.thermalStatusMax ?: 0) > 0 } }
        buildList {
            if (graphs.any { it.check?.passes == false }) add("output-mismatch")
            addAll(found.distinct())
            if (throttled) add("throttled")
            if (target.emulated) add("emulator")
            if (conditions.powerSaver == true) add("power-saver")
            if (conditions.screenOn == false) add("screen-off")
        }
    }

    /** The whole document as plain JSON values. */
    public fun toJson(): Map<String, Any?> =
        mapOf(
            "schema" to SCHEMA,
            "status" to if (reasons.isEmpty()) "ok" else "refused",
            "reasons" to reasons,
            "warnings" to warnings(),
            "tool" to mapOf("name" to runner.id, "version" to runner.version, "git" to null, "command" to null),
            "started" to started,
            "finished" to finished,
            "bundle" to bundleJson(),
            "target" to targetJson(),
            "runner" to runnerJson(),
            "conditions" to conditionsJson(),
            "protocol" to protocolJson(),
            "load" to mapOf("cold_ms" to load.coldMs, "first_run_ms" to load.firstRunMs, "compiled_cache" to null),
            "graphs" to graphs.map(::graphJson),
            "pipeline" to pipelineJson(),
            "memory" to memoryJson(),
        )

    private fun warnings(): List<String> =
        buildList {
            if ("nonpositive-sample" !in reasons) {
                addAll(graphs.filter { it.samples().isNotEmpty() }.flatMap { Series.warnings(it.samples()) }.distinct())
            }
            if (runner.debuggable) add("debuggable")
            if (conditions.power != null && conditions.power != "battery") add("charging")
        }

    private fun bundleJson() =
        mapOf(
            "name" to bundle.manifest.name,
            "manifest_sha256" to bundle.manifestSha256,
            "files" to
                bundle.manifest.graphs.values.map {
                    mapOf(
                        "graph" to it.graph.key,
                        "path" to it.path,
                        "bytes" to it.sizeBytes,
                        "sha256" to bundle.manifest.files[it.path]?.sha256,
                        "verified_on_device" to true, // a bundle that does not verify is never opened
                    )
                },
        )

    private fun targetJson() =
        mapOf(
            "kind" to "android",
            "link" to null,
            "serial_hash" to null,
            "model" to target.model,
            "soc" to target.soc,
            "os" to target.os,
            "api" to target.api,
            "abi" to target.abi,
            "fingerprint" to target.fingerprint,
            "emulated" to target.emulated,
            "cores" to null,
            "ram_mb" to target.ramMb,
        )

    private fun runnerJson() =
        mapOf(
            "kind" to "app",
            "id" to runner.id,
            "version" to runner.version,
            "debuggable" to runner.debuggable,
            "runtime" to "executorch",
            "runtime_version" to runner.runtimeVersion,
            "delegates" to runner.delegates,
            "delegated_share" to runner.delegatedShare,
            "threads" to runner.threads,
            "cpu_mask" to null,
            "compute_units" to null,
            "load_mode" to runner.loadMode,
        )

    private fun conditionsJson() =
        mapOf(
            "power" to conditions.power,
            "battery_percent" to conditions.batteryPercent,
            "power_saver" to conditions.powerSaver,
            "screen_on" to conditions.screenOn,
            "clocks" to null,
            "thermal" to
                conditions.thermal.map {
                    mapOf(
                        "at_ms" to it.atMs,
                        "status" to it.status,
                        "skin_c" to null,
                        "cpu_c" to null,
                        "battery_c" to null,
                    )
                },
        )

    private fun protocolJson() =
        mapOf(
            "rounds" to protocol.rounds,
            "warmup" to protocol.warmup,
            "runs" to protocol.runs,
            "min_round_s" to protocol.minRoundS,
            "cooldown_s" to protocol.cooldownS,
            "clock" to "System.nanoTime",
            "clock_step_ns" to protocol.clockStepNs,
            "input" to "golden:0",
        )

    private fun graphJson(timing: GraphTiming) =
        mapOf(
            "graph" to timing.graph.key,
            "rounds" to
                timing.rounds.map { mapOf("samples_ms" to it.samplesMs, "thermal_status_max" to it.thermalStatusMax) },
            "summary" to if (reasons.isEmpty()) summaryJson(Series.summary(timing.samples().flatten())) else null,
            "check" to timing.check?.toJson(),
        )

    private fun summaryJson(summary: Summary) =
        mapOf(
            "n" to summary.n,
            "min" to summary.min,
            "p50" to summary.p50,
            "mean" to summary.mean,
            "p90" to summary.p90,
            "p95" to summary.p95,
            "p99" to summary.p99,
            "max" to summary.max,
            "stdev" to summary.stdev,
        )

    private fun pipelineJson() =
        mapOf(
            "preprocess_ms_p50" to pipeline.preprocessMs,
            "encoder_ms_p50" to pipeline.encoderMs,
            "prompt_ms_p50" to pipeline.promptMs,
            "postprocess_ms_p50" to pipeline.postprocessMs,
            "tap_to_mask_ms_p50" to pipeline.tapToMaskMs,
        )

    private fun memoryJson() =
        mapOf(
            "baseline_mb" to memory.baselineMb,
            "peak_mb" to memory.peakMb,
            "retained_mb" to memory.retainedMb,
            "method" to "pss",
        )

    private fun GraphTiming.samples() = rounds.map { it.samplesMs }

    public companion object {
        /** The document's schema. */
        public const val SCHEMA: String = "rmpsam.latency/1"
        private const val NANOS_PER_MS = 1e6
    }
}
