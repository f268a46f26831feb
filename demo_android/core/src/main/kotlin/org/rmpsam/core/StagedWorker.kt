package org.rmpsam.core

import java.util.concurrent.Executor
import java.util.concurrent.ExecutorService
import java.util.concurrent.Executors

/** What an engine is asked for; a new job makes unfinished jobs of its own and of later stages pointless. */
public enum class Stage {
    /** Open another model. */
    MODEL,

    /** Encode another picture. */
    PICTURE,

    /** Answer other prompts. */
    PROMPT,
}

/**
 * One thread that owns an engine. A run cannot be interrupted, so jobs carry a generation number: what has become
 * pointless is not started any more, and its result is not delivered.
 *
 * @param deliverOn where results arrive, such as a main thread; jobs must be submitted there too.
 */
public class StagedWorker(
    private val deliverOn: Executor,
    name: String,
) : AutoCloseable {
    private val thread: ExecutorService = Executors.newSingleThreadExecutor { Thread(it, name) }
    private val newest = IntArray(Stage.entries.size)
    private val lock = Any()
    private var counter = 0

    /** Runs [work] on the engine's thread and hands its result to [deliver], unless a newer job made it pointless. */
    public fun <T> submit(
        stage: Stage,
        work: () -> T,
        deliver: (Result<T>) -> Unit,
    ) {
        val mine = synchronized(lock) { (++counter).also { newest[stage.ordinal] = it } }
        thread.execute {
            if (isPointless(stage, mine)) return@execute
            val result = runCatching(work)
            deliverOn.execute { if (!isPointless(stage, mine)) deliver(result) }
        }
    }

    /** Makes unfinished jobs of [stage] and of later stages pointless. */
    public fun cancel(stage: Stage): Unit = synchronized(lock) { newest[stage.ordinal] = ++counter }

    /** Runs [work] after all jobs before it, whatever comes later; nobody hears of its result. */
    public fun always(work: () -> Unit): Unit = thread.execute(work)

    /** Lets the jobs that are waiting finish, and takes no more. */
    override fun close(): Unit = thread.shutdown()

    private fun isPointless(
        stage: Stage,
        mine: Int,
    ) = synchronized(lock) { (0..stage.ordinal).any { newest[it] > mine } }
}
