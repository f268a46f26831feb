package org.rmpsam.core

import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import java.io.File

/** The golden vectors that Python writes and that Python, Kotlin and Swift all read: tests/golden/vectors. */
internal object Vectors {
    private val folder = File(checkNotNull(System.getProperty("rmpsam.vectors")) { "set -Drmpsam.vectors=FOLDER" })

    fun read(name: String): Any? = Json.parse(folder.resolve("$name.json").readText())
}

internal fun Any?.list(): List<Any?> = this as List<Any?>

@Suppress("UNCHECKED_CAST")
internal operator fun Any?.get(name: String): Any? =
    (this as Map<String, Any?>).also { check(name in it) { "no key $name" } }.getValue(name)

internal fun Any?.text(): String = this as String

internal fun Any?.int(): Int = (this as Long).toInt()

internal fun Any?.double(): Double = (this as Number).toDouble()

internal fun Any?.doubles(): List<Double> = list().map { it.double() }

internal fun Any?.ints(): List<Int> = list().map { it.int() }

internal fun Any?.floats(): FloatArray = doubles().let { all -> FloatArray(all.size) { all[it].toFloat() } }

internal fun Any?.extent(): Extent = ints().let { Extent(it[0], it[1]) }

internal fun Any?.values(): Any? = this["values"]

internal fun Any?.picture(): Picture {
    val (height, width) = this["shape"].ints()
    val bytes = values().ints()
    val pixels =
        IntArray(height * width) {
            Picture.OPAQUE or (bytes[3 * it] shl 16) or (bytes[3 * it + 1] shl 8) or
                bytes[3 * it + 2]
        }
    return Picture(Extent(height, width), pixels)
}

internal fun Any?.prompt(): Prompt {
    val labels = this["labels"].ints()
    val points =
        this["points"].list().mapIndexed {
            index,
            xy,
            ->
            PromptPoint(xy.doubles()[0], xy.doubles()[1], labels[index])
        }
    return Prompt(points, this["box"]?.doubles()?.let { Box(it[0], it[1], it[2], it[3]) })
}

/** The contract of the vectors: small shapes, everything else as released. */
internal fun contract(
    size: Extent = Extent(64, 96),
    mean: List<Double> = listOf(123.675, 116.28, 103.53),
    std: List<Double> = listOf(58.395, 57.12, 57.375),
    numPoints: Int = 3,
): ModelContract =
    ModelContract(
        preset = "rmpsam-mobile-tiny",
        trained = true,
        sizes = GraphSizes(size, 8, null, 6, 5, 4, numPoints, 0),
        mean = mean,
        std = std,
        clickHalfWidth = 3.0,
        classNames = listOf("person", "cat", "bus", "sky", "road"),
        numThings = 3,
        thresholds = Thresholds(0.0, 0.8, 0.8, 100),
    )

internal fun assertClose(
    message: String,
    wanted: List<Double>,
    got: List<Double>,
    tolerance: Double,
) {
    assertEquals("$message: count", wanted.size, got.size)
    wanted.indices.forEach { assertEquals("$message [$it]", wanted[it], got[it], tolerance) }
}

internal fun assertProblem(
    problem: Problem,
    action: () -> Unit,
): RmpSamException =
    assertThrows(RmpSamException::class.java) {
        action()
    }.also { assertEquals(it.message, problem, it.problem) }
