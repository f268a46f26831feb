package org.rmpsam.demo.screens

import android.app.Activity
import android.content.ClipData
import android.content.ClipboardManager
import android.os.Bundle
import android.os.PowerManager
import android.view.View
import android.view.WindowManager
import android.widget.TextView
import android.widget.Toast
import org.rmpsam.core.Json
import org.rmpsam.core.LatencyReport
import org.rmpsam.core.Series
import org.rmpsam.core.Step
import org.rmpsam.demo.R
import org.rmpsam.demo.bench.BenchRequest
import org.rmpsam.demo.bench.BenchRun
import org.rmpsam.demo.engine.Engine
import org.rmpsam.demo.session

/** How long each step takes here: of the runs so far, and by the same protocol that `bench` uses over a cable. */
class LatencyActivity : Activity() {
    private lateinit var steps: TextView
    private lateinit var result: TextView
    private var report: String? = null

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        setContentView(R.layout.latency)
        steps = findViewById(R.id.steps)
        result = findViewById(R.id.result)
        findViewById<View>(R.id.measure).setOnClickListener { measure() }
        result.setOnLongClickListener { copyReport() }
        findViewById<View>(R.id.copy).setOnClickListener { copyReport() }
    }

    override fun onResume() {
        super.onResume()
        steps.text = session.engine?.let(::describe) ?: getString(R.string.status_no_model)
    }

    private fun describe(engine: Engine): String {
        val power = getSystemService(PowerManager::class.java)
        val facts =
            getString(R.string.latency_facts, engine.bundle.manifest.name, engine.bundle.shortHash, engine.threads)
        val thermal = resources.getStringArray(R.array.thermal_states).getOrNull(power.currentThermalStatus)
        val head = "$facts\n${getString(R.string.latency_thermal, thermal)}"
        val names = resources.getStringArray(R.array.steps)
        val rows = Step.entries.map { stepRow(names[it.ordinal], engine.timings.of(it)) }
        return (listOf(head) + rows).joinToString("\n\n")
    }

    private fun stepRow(
        name: String,
        times: List<Double>,
    ): String =
        if (times.isEmpty()) {
            getString(R.string.latency_step_unknown, name)
        } else {
            getString(R.string.latency_step, name, times.last(), Series.median(times), Series.quantile(times, 0.9))
        }

    private fun measure() {
        val engine = session.engine ?: return
        val request = BenchRequest(bundlePath = engine.bundle.folder.path, threads = engine.threads)
        window.addFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON)
        result.setText(R.string.latency_measuring)
        val work = { own: Engine ->
            own.trim() // the run loads the files anew and must have the memory to itself
            BenchRun(applicationContext, request).run { round ->
                runOnUiThread {
                    result.text =
                        progress(round.graph.key, round.index)
                }
            }
        }
        session.onEngine(work) { outcome ->
            window.clearFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON)
            outcome.onSuccess(::show)
            outcome.onFailure { result.text = Sentences.of(it)(this) }
        }
    }

    private fun progress(
        graph: String,
        round: Int,
    ) = getString(R.string.latency_round, graph, round + 1)

    private fun show(measured: LatencyReport) {
        report = Json.write(measured.toJson())
        val reasons = measured.reasons
        result.text =
            if (reasons.isNotEmpty()) {
                getString(R.string.latency_refused, reasons.joinToString())
            } else {
                measured.graphs.joinToString("\n") { timing ->
                    val summary = Series.summary(timing.rounds.flatMap { it.samplesMs })
                    getString(R.string.latency_graph, timing.graph.key, summary.p50, summary.p90)
                }
            }
        findViewById<View>(R.id.copy).isEnabled = true
    }

    private fun copyReport(): Boolean {
        val text = report ?: return false
        getSystemService(ClipboardManager::class.java).setPrimaryClip(ClipData.newPlainText(LatencyReport.SCHEMA, text))
        Toast.makeText(this, R.string.latency_copied, Toast.LENGTH_SHORT).show()
        return true
    }
}
