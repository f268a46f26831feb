package org.rmpsam.core

import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder
import java.io.ByteArrayOutputStream
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.util.zip.ZipEntry
import java.util.zip.ZipOutputStream

class GoldenTest {
    @get:Rule
    val temporary = TemporaryFolder()

    @Test
    fun valuesAreThinnedByAnOddStride() {
        assertEquals(4096, Golden.thin(FloatArray(4096) { it.toFloat() }).size)
        assertArrayEquals(floatArrayOf(0f, 3f), Golden.thin(FloatArray(4097 * 2) { it.toFloat() }).copyOf(2), 0f)
        assertEquals(2732, Golden.thin(FloatArray(4097 * 2)).size)
        assertEquals(0, Golden.thin(FloatArray(0)).size)
    }

    @Test
    fun otherTensorsAreRefused() {
        val stored = Golden(mapOf("encoder/mask_features" to floatArrayOf(1f)))
        assertProblem(Problem.GOLDEN_DAMAGED) { stored.judge(Golden(emptyMap())) }
        assertProblem(Problem.GOLDEN_DAMAGED) { Golden(mapOf("what/x" to floatArrayOf(1f))).let { it.judge(it) } }
    }

    @Test
    fun aTensorThatIsNotFiniteOrOfAnotherSizeFails() {
        val stored = Golden(mapOf("prompts/iou" to floatArrayOf(1f, 2f)))
        for (bad in listOf(floatArrayOf(1f), floatArrayOf(1f, Float.NaN))) {
            assertFalse(stored.judge(Golden(mapOf("prompts/iou" to bad))).single().passes)
        }
        assertTrue(stored.judge(Golden(mapOf("prompts/iou" to floatArrayOf(9f, -9f)))).single().passes)
    }

    @Test
    fun allGraphsOfTheManifestAreRunOnTheFormulasInputs() {
        val manifest = Manifest.of(Vectors.read("manifests")["good"])
        val asked = mutableListOf<Pair<Graph, List<Int>>>()
        val golden =
            Golden.record(manifest) { graph, inputs ->
                asked += graph to inputs.map { it.size }
                manifest.artifact(graph)!!.outputs.map { FloatArray(it.numel) { at -> at.toFloat() } }
            }
        val wanted =
            listOf("encoder", "prompts").map {
                Graph.of(it) to
                    manifest.graphs
                        .getValue(it)
                        .inputs
                        .map { spec -> spec.numel }
            }
        assertEquals(wanted, asked)
        assertEquals(setOf("encoder/mask_features", "prompts/mask_logits", "prompts/iou"), golden.values.keys)
    }

    @Test
    fun framesOfAClipLieUnderOneAnother() {
        val manifest = Manifest.of(Vectors.read("manifests")["good"])
        val sizes = manifest.contract.sizes
        val features = FloatArray(sizes.channels * sizes.grid.area) { it.toFloat() }
        val stacked = GoldenInputs.of(manifest.contract).of(Graph.CLIP, features).single()
        val map = sizes.grid.area
        assertEquals(2 * features.size, stacked.size)
        assertArrayEquals(features.copyOfRange(map, 2 * map), stacked.copyOfRange(2 * map, 3 * map), 0f)
        assertArrayEquals(features.copyOfRange(map, 2 * map), stacked.copyOfRange(3 * map, 4 * map), 0f)
    }

    @Test
    fun numpysFilesAreRead() {
        val file =
            npz(
                "a/b" to npy("(2, 3)", floatArrayOf(1f, 2f, 3f, 4f, 5f, -0.5f)),
                "scalar" to npy("()", floatArrayOf(7f)),
            )
        val values = Npz.read(file)
        assertArrayEquals(floatArrayOf(1f, 2f, 3f, 4f, 5f, -0.5f), values.getValue("a/b"), 0f)
        assertArrayEquals(floatArrayOf(7f), values.getValue("scalar"), 0f)
    }

    @Test
    fun otherFilesAreRefused() {
        val good = npy("(2,)", floatArrayOf(1f, 2f))
        val bad =
            listOf(
                npz("cut" to good.copyOf(good.size - 1)),
                npz("short" to good.copyOf(8)),
                npz("double" to npy("(1,)", floatArrayOf(1f, 2f), "<f8")),
                npz("fortran" to npy("(2,)", floatArrayOf(1f, 2f), isFortran = true)),
                npz("long header" to good.copyOf().also { it[9] = 0x7f }),
                npz("other" to ByteArray(20)),
                temporary.newFile().apply { writeText("no zip") },
                File(temporary.root, "nothing.npz"),
            )
        bad.forEach { file -> assertProblem(Problem.GOLDEN_DAMAGED) { Npz.read(file) } }
    }

    private fun npy(
        shape: String,
        values: FloatArray,
        dtype: String = "<f4",
        isFortran: Boolean = false,
    ): ByteArray {
        val order = if (isFortran) "True" else "False"
        val header = "{'descr': '$dtype', 'fortran_order': $order, 'shape': $shape, }".padEnd(117) + "\n"
        val buffer = ByteBuffer.allocate(10 + header.length + 4 * values.size).order(ByteOrder.LITTLE_ENDIAN)
        buffer.put(0x93.toByte()).put("NUMPY".toByteArray()).put(byteArrayOf(1, 0))
        buffer.putShort(header.length.toShort()).put(header.toByteArray())
        values.forEach(buffer::putFloat)
        return buffer.array()
    }

    private fun npz(vararg entries: Pair<String, ByteArray>): File {
        val bytes = ByteArrayOutputStream()
        ZipOutputStream(bytes).use { zip ->
            for ((name, content) in entries) {
                zip.putNextEntry(ZipEntry("$name.npy"))
                zip.write(content)
            }
        }
        return temporary.newFile().apply { writeBytes(bytes.toByteArray()) }
    }
}
