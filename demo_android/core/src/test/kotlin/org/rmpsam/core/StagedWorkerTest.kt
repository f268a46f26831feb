package org.rmpsam.core

import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit

class StagedWorkerTest {
    private val delivered = ConcurrentLinkedQueue<String>()
    private val started = ConcurrentLinkedQueue<String>()
    private val worker = StagedWorker({ it.run() }, "test")
    private val gate = CountDownLatch(1)

    @After
    fun close() = worker.close()

    private fun submit(
        stage: Stage,
        name: String,
        wait: Boolean = false,
    ) = worker.submit(
        stage,
        {
            started += name
            if (wait) gate.await()
            name
        },
        { delivered += it.getOrThrow() },
    )

    private fun finish() {
        gate.countDown()
        val done = CountDownLatch(1)
        worker.always(done::countDown)
        assertTrue(done.await(10, TimeUnit.SECONDS))
    }

    @Test
    fun onlyTheNewestOfAStageIsDelivered() {
        submit(Stage.PROMPT, "first", wait = true)
        listOf("second", "third").forEach { submit(Stage.PROMPT, it) }
        finish()
        assertEquals(listOf("third"), delivered.toList())
        assertTrue("second" !in started)
    }

    @Test
    fun aNewPictureMakesOldPromptsPointless() {
        submit(Stage.PROMPT, "prompt", wait = true)
        submit(Stage.PICTURE, "picture")
        finish()
        assertEquals(listOf("picture"), delivered.toList())
    }

    @Test
    fun aPromptDoesNotStopItsPicture() {
        submit(Stage.PICTURE, "picture", wait = true)
        submit(Stage.PROMPT, "prompt")
        finish()
        assertEquals(listOf("picture", "prompt"), delivered.toList())
    }

    @Test
    fun whatWasCancelledIsNotDelivered() {
        submit(Stage.PICTURE, "picture", wait = true)
        submit(Stage.PROMPT, "prompt")
        worker.cancel(Stage.PROMPT)
        finish()
        assertEquals(listOf("picture"), delivered.toList())
    }

    @Test
    fun anErrorArrivesAsAResult() {
        var failure: Throwable? = null
        worker.submit(Stage.MODEL, { error("no") }, { failure = it.exceptionOrNull() })
        finish()
        assertEquals("no", failure?.message)
    }
}
