package org.rmpsam.demo.engine

import org.rmpsam.core.Bundle
import org.rmpsam.core.Graph
import org.rmpsam.core.Problem
import org.rmpsam.core.UnsupportedException
import java.nio.FloatBuffer

/** Which of a bundle's files ExecuTorch's Android library can run, and how. */
internal class GraphFiles(
    private val bundle: Bundle,
) {
    /**
     * Loads one graph.
     *
     * @throws UnsupportedException there is no such graph, or it is made for another engine.
     */
    fun load(
        graph: Graph,
        threads: Int,
        features: FloatBuffer,
    ): GraphModule {
        check(graph)
        val artifacts = bundle.manifest.graphs
        val artifact = artifacts.getValue(graph.key)
        val sharesFile = artifacts.values.count { it.path == artifact.path } > 1
        return GraphModule(bundle.file(graph), if (sharesFile) graph.key else FORWARD, artifact, threads, features)
    }

    /**
     * Says before anything is loaded whether that will do.
     *
     * @throws UnsupportedException there is no such graph, or it is made for another engine.
     */
    fun check(graph: Graph) {
        val file = bundle.file(graph)
        val target = bundle.manifest.artifact(graph)?.target
        if (target !in TARGETS) missing("${file.name} is made for $target; this app runs ${TARGETS.joinToString()}")
        // The library's Module takes one file: weights beside the program cannot be handed over.
        val weights = file.resolveSibling("${file.nameWithoutExtension}.ptd")
        if (weights.exists()) missing("${file.name} keeps its weights in ${weights.name}; export it as one file")
    }

    private fun missing(what: String): Nothing = throw UnsupportedException(Problem.ENGINE_MISSING, what)

    private companion object {
        const val FORWARD = "forward"
        val TARGETS = setOf("xnnpack", "portable")
    }
}
