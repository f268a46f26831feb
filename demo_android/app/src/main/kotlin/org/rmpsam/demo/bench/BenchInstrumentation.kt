package org.rmpsam.demo.bench

import android.app.Activity
import android.app.Instrumentation
import android.content.Intent
import android.os.Bundle
import org.pytorch.executorch.ExecutorchRuntimeException
import org.rmpsam.core.Json
import org.rmpsam.core.RmpSamException
import org.rmpsam.core.Series
import java.util.Base64

/**
 * The entry of `adb shell am instrument -w -r -e bundle FOLDER ... PKG/.bench.BenchInstrumentation`. One status for each
 * round; the result holds `report` (a `rmpsam.latency/1` document as base64) or `error`.
 */
class BenchInstrumentation : Instrumentation() {
    private lateinit var arguments: Map<String, String>

    override fun onCreate(arguments: Bundle) {
        super.onCreate(arguments)
        this.arguments = arguments.keySet().associateWith { arguments.getString(it).orEmpty() }
        start()
    }

    override fun onStart() {
        val result = Bundle()
        val isGood = answer(result)
        finish(if (isGood) Activity.RESULT_OK else Activity.RESULT_CANCELED, result)
    }

    private fun answer(result: Bundle): Boolean =
        try {
            val request = BenchRequest.of(arguments)
            // A visible screen that stays on: background processes are held to the slow cores.
            val screen = Intent(targetContext, BenchActivity::class.java).addFlags(Intent.FLAG_ACTIVITY_NEW_TASK)
            startActivitySync(screen)
            val report = BenchRun(targetContext, request).run(::tell)
            result.putString("report", Base64.getEncoder().encodeToString(Json.write(report.toJson()).toByteArray()))
            true
        } catch (error: RmpSamException) {
            refuse(
                result,
                error.problem.name
                    .lowercase()
                    .replace('_', '-'),
                error,
            )
        } catch (error: ExecutorchRuntimeException) {
            refuse(result, "executorch error code ${error.errorCode}", error)
        } catch (error: IllegalArgumentException) {
            refuse(result, "bad-argument", error)
        }

    private fun refuse(
        result: Bundle,
        code: String,
        error: Exception,
    ): Boolean {
        result.putString("error", "$code: ${error.message.orEmpty().lineSequence().first()}")
        return false
    }

    private fun tell(round: FinishedRound) {
        val status = Bundle()
        status.putString("graph", round.graph.key)
        status.putString("round", round.index.toString())
        status.putString(
            "runs",
            round.timed.samplesMs.size
                .toString(),
        )
        status.putString(
            "p50_ms",
            round.timed.samplesMs
                .takeIf { it.isNotEmpty() }
                ?.let(Series::median)
                .toString(),
        )
        status.putString("thermal_status_max", round.timed.thermalStatusMax.toString())
        sendStatus(IN_PROGRESS, status)
    }

    private companion object {
        const val IN_PROGRESS = 0
    }
}
