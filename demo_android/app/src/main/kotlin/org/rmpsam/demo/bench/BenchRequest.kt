package org.rmpsam.demo.bench

import org.rmpsam.core.Graph
import org.rmpsam.demo.engine.Threads

/**
 * What `am instrument -e KEY VALUE` asks for.
 *
 * @property graphs to time; null is every graph of the bundle. With the prompt graph goes the way from photo to mask.
 * @property rounds 0 loads and runs once, to time a cold start in a new process.
 * @property warmup runs before each round that are not counted.
 * @property runs timed runs of a round; more until [minRoundS] is over.
 * @property maxRoundS a round ends then, with fewer runs if it must.
 * @property cooldownS how long to wait at most before a round for a thermal status of none.
 */
internal data class BenchRequest(
    val bundlePath: String,
    val graphs: List<Graph>? = null,
    val rounds: Int = 3,
    val warmup: Int = 5,
    val runs: Int = 50,
    val threads: Int = Threads.usual,
    val minRoundS: Double = 2.0,
    val maxRoundS: Double = 60.0,
    val cooldownS: Double = 300.0,
) {
    companion object {
        private const val ALL = "all"
        private val KNOWN =
            setOf("bundle", "graph", "rounds", "warmup", "runs", "threads", "min_round_s", "max_round_s", "cooldown_s")

        /**
         * Reads the arguments; those that are absent keep their defaults.
         *
         * @throws IllegalArgumentException an unknown key, no bundle, or a value out of range.
         */
        fun of(arguments: Map<String, String>): BenchRequest {
            val unknown = arguments.keys - KNOWN
            require(unknown.isEmpty()) { "unknown: ${unknown.sorted().joinToString()}; known: ${KNOWN.joinToString()}" }
            val usual = BenchRequest(requireNotNull(arguments["bundle"]) { "no bundle; give -e bundle FOLDER" })
            return usual.copy(
                graphs = arguments["graph"]?.takeIf { it != ALL }?.let { listOf(graph(it)) },
                rounds = arguments.whole("rounds", 0..100) ?: usual.rounds,
                warmup = arguments.whole("warmup", 0..1000) ?: usual.warmup,
                runs = arguments.whole("runs", 1..10_000) ?: usual.runs,
                threads = arguments.whole("threads", 1..64) ?: usual.threads,
                minRoundS = arguments.seconds("min_round_s") ?: usual.minRoundS,
                maxRoundS = arguments.seconds("max_round_s") ?: usual.maxRoundS,
                cooldownS = arguments.seconds("cooldown_s") ?: usual.cooldownS,
            )
        }

        private fun graph(key: String) =
            requireNotNull(Graph.of(key)) { "graph $key; known: $ALL, ${Graph.entries.joinToString { it.key }}" }

        private fun Map<String, String>.whole(
            key: String,
            limits: IntRange,
        ): Int? =
            get(key)?.let { text ->
                requireNotNull(text.toIntOrNull()?.takeIf { it in limits }) { "$key $text; wanted $limits" }
            }

        private fun Map<String, String>.seconds(key: String): Double? =
            get(key)?.let { text ->
                requireNotNull(
                    text.toDoubleOrNull()?.takeIf { it.isFinite() && it >= 0 },
                ) { "$key $text; wanted seconds" }
            }
    }
}
