package org.rmpsam.demo.models

import android.content.Context
import android.os.Build
import org.rmpsam.core.Bundle
import org.rmpsam.core.GoldenTensor
import org.rmpsam.core.Graph
import org.rmpsam.demo.R
import org.rmpsam.demo.engine.Engine

/** The golden pair, run once for each bundle and system version; what came out is kept and shown. */
internal class SelfTest(
    private val context: Context,
) {
    private val results = context.getSharedPreferences("self_test", Context.MODE_PRIVATE)

    /** Tests where that has not been done. Returns whether the outputs may be trusted. */
    fun passes(engine: Engine): Boolean {
        val key = key(engine.bundle)
        if (!results.contains(key)) keep(key, engine.selfTest())
        return results.getString(key, null).isNullOrEmpty()
    }

    /** One sentence on the last test of [bundle] on this system, in the language of [on]. */
    fun sentence(
        bundle: Bundle,
        on: Context,
    ): String {
        val key = key(bundle)
        if (!results.contains(key)) return on.getString(R.string.self_test_pending)
        val failed = results.getString(key, null)
        if (!failed.isNullOrEmpty()) return on.getString(R.string.self_test_failed, failed)
        val error = PERCENT * results.getFloat(key + ERROR, 0f)
        return on.getString(R.string.self_test_passed, error, PERCENT * results.getFloat(key + AGREEMENT, 0f))
    }

    private fun keep(
        key: String,
        tensors: List<GoldenTensor>,
    ) {
        val failed = tensors.filterNot { it.passes }.joinToString { "${it.graph.key}/${it.name}" }
        val error = tensors.filter { it.graph == Graph.ENCODER }.maxOfOrNull { it.relativeError } ?: 0.0
        val agreement = tensors.filter { it.isMask }.minOfOrNull { it.signAgreement } ?: 1.0
        results
            .edit()
            .putString(key, failed)
            .putFloat(key + ERROR, error.toFloat())
            .putFloat(key + AGREEMENT, agreement.toFloat())
            .apply()
    }

    private fun key(bundle: Bundle) = "${bundle.manifestSha256}/${Build.FINGERPRINT}"

    private companion object {
        const val ERROR = "/error"
        const val AGREEMENT = "/agreement"
        const val PERCENT = 100f
    }
}
