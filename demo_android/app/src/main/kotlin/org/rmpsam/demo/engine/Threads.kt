package org.rmpsam.demo.engine

/** How many threads a run gets where nobody says otherwise. */
internal object Threads {
    private const val MOST = 4

    /**
     * Half of the cores, at most four: with all cores the slow ones hold up the fast ones. ExecuTorch's own figures on a
     * phone of two, two and four cores are 9.8 ms with one thread, 6.7 ms with four and 79 ms with eight.
     */
    val usual: Int get() = (Runtime.getRuntime().availableProcessors() / 2).coerceIn(1, MOST)
}
