package org.rmpsam.core

import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder
import java.io.ByteArrayInputStream
import java.io.ByteArrayOutputStream
import java.io.File
import java.util.zip.ZipEntry
import java.util.zip.ZipOutputStream

class BundleTest {
    @get:Rule
    val temporary = TemporaryFolder()

    private val graph = "encoder".toByteArray()

    /** A bundle with two graphs that share one file's bytes. */
    private fun bundle(change: (MutableMap<String, Any?>) -> Unit = {}): File {
        val folder = temporary.newFolder()
        val manifest =
            (Vectors.read("manifests")["good"] as Map<*, *>).entries.associateTo(LinkedHashMap()) {
                it.key as String to
                    it.value
            }
        val entry = mapOf("sha256" to sha256(graph), "size_bytes" to graph.size)
        manifest["files"] = mapOf("encoder.pte" to entry, "prompts.pte" to entry)
        change(manifest)
        listOf("encoder.pte", "prompts.pte").forEach { folder.resolve(it).writeBytes(graph) }
        folder.resolve(Bundle.MANIFEST).writeText(Json.write(manifest))
        writeSums(folder)
        return folder
    }

    private fun writeSums(folder: File) {
        val names = listOf(Bundle.MANIFEST, "encoder.pte", "prompts.pte")
        folder.resolve(Bundle.SUMS).writeText(names.joinToString("") { "${sha256(folder.resolve(it))}  $it\n" })
    }

    @Test
    fun aWholeBundleOpens() {
        val bundle = Bundle.open(bundle())
        assertEquals("encoder.pte", bundle.file(Graph.ENCODER).name)
        assertEquals(64, bundle.manifestSha256.length)
        val missing = assertProblem(Problem.GRAPH_MISSING) { bundle.file(Graph.OBJECTS) }
        assertTrue(missing.message.orEmpty().contains("no class embeddings"))
    }

    @Test
    fun aChangedByteIsFound() {
        val folder = bundle()
        folder.resolve("prompts.pte").writeText("encodes")
        assertProblem(Problem.BUNDLE_DAMAGED) { Bundle.open(folder) }
    }

    @Test
    fun aShorterFileIsFound() {
        val folder = bundle()
        folder.resolve("prompts.pte").writeText("enc")
        assertTrue(
            assertProblem(Problem.BUNDLE_DAMAGED) {
                Bundle.open(folder)
            }.message.orEmpty().contains("3 bytes; wanted 7"),
        )
    }

    @Test
    fun aChangedManifestIsFoundThroughTheSums() {
        val folder = bundle()
        folder
            .resolve(
                Bundle.MANIFEST,
            ).apply { writeText(readText().replace("\"trained\": false", "\"trained\": true")) }
        assertProblem(Problem.BUNDLE_DAMAGED) { Bundle.open(folder) }
    }

    @Test
    fun aFileMoreInTheSumsIsFound() {
        val folder = bundle()
        folder.resolve(Bundle.SUMS).appendText("${sha256(graph)}  more\n")
        assertProblem(Problem.BUNDLE_DAMAGED) { Bundle.open(folder) }
    }

    @Test
    fun namesThatLeaveTheFolderAreRefused() {
        for (name in listOf("../x", "/x", "a/../../x", "a\\x", "c:x", "", "..")) {
            val folder =
                bundle {
                    it["files"] =
                        mapOf(name to mapOf("sha256" to sha256(graph), "size_bytes" to graph.size))
                }
            assertProblem(Problem.BUNDLE_UNSAFE) { Bundle.open(folder) }
        }
    }

    @Test
    fun linksThatLeaveTheFolderAreRefused() {
        val folder = bundle()
        val outside = temporary.newFile().apply { writeBytes(graph) }
        folder.resolve("prompts.pte").delete()
        java.nio.file.Files
            .createSymbolicLink(folder.resolve("prompts.pte").toPath(), outside.toPath())
        assertProblem(Problem.BUNDLE_UNSAFE) { Bundle.open(folder) }
    }

    @Test
    fun aFolderThatIsNoBundleIsRefused() {
        assertProblem(Problem.BUNDLE_DAMAGED) { Bundle.open(temporary.newFolder()) }
        val folder = bundle()
        folder.resolve(Bundle.MANIFEST).writeText("{")
        assertProblem(Problem.BUNDLE_DAMAGED) { Bundle.open(folder) }
    }

    @Test
    fun aZippedBundleIsUnpackedUnderItsName() {
        val models = temporary.newFolder()
        for (around in listOf("", "folder/")) {
            val bundle = BundleArchive.unpack(zipped(bundle(), around), models)
            assertEquals(models.resolve("small_64x96"), bundle.folder)
            assertEquals(listOf("small_64x96"), models.list()?.toList())
        }
    }

    @Test
    fun aBadArchiveLeavesNothingBehind() {
        val models = temporary.newFolder()
        val damaged = bundle().apply { resolve("encoder.pte").writeText("x") }
        assertProblem(Problem.BUNDLE_DAMAGED) { BundleArchive.unpack(zipped(damaged), models) }
        assertProblem(
            Problem.BUNDLE_DAMAGED,
        ) { BundleArchive.unpack(ByteArrayInputStream("no zip".toByteArray()), models) }
        assertProblem(Problem.BUNDLE_UNSAFE) { BundleArchive.unpack(zipped(bundle(), "../"), models) }
        val cut = zipped(bundle()).readBytes().let { ByteArrayInputStream(it, 0, it.size / 2) }
        assertThrows(Exception::class.java) { BundleArchive.unpack(cut, models) }
        assertEquals(emptyList<String>(), models.list()?.toList())
    }

    private fun zipped(
        folder: File,
        around: String = "",
    ): ByteArrayInputStream {
        val bytes = ByteArrayOutputStream()
        ZipOutputStream(bytes).use { zip ->
            folder.listFiles().orEmpty().forEach {
                zip.putNextEntry(ZipEntry(around + it.name))
                zip.write(it.readBytes())
            }
        }
        return ByteArrayInputStream(bytes.toByteArray())
    }
}
