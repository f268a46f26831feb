package org.rmpsam.core

import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Assume.assumeTrue
import org.junit.Test
import java.io.File

/** A bundle that `rmpsam-mobile export` wrote, named by `-Drmpsam.bundle`. What was read is printed for Python. */
class PythonBundleTest {
    @Test
    fun aBundleThatPythonExportedOpens() {
        val path = System.getProperty("rmpsam.bundle")
        assumeTrue("-Drmpsam.bundle names no bundle", path != null)
        val bundle = Bundle.open(File(path))
        val manifest = bundle.manifest
        val golden = Golden.read(bundle)
        val outputs =
            manifest.graphs.values.flatMap { artifact ->
                artifact.outputs.map { "${artifact.graph.key}/${it.name}" to Golden.thin(FloatArray(it.numel)).size }
            }
        assertEquals(outputs.toMap(), golden.values.mapValues { it.value.size })
        assertTrue(golden.judge(golden).all { it.passes })
        val read =
            mapOf(
                "name" to manifest.name,
                "manifest_sha256" to bundle.manifestSha256,
                "graphs" to manifest.graphs.mapValues { it.value.path },
                "classes" to manifest.contract.classNames.size,
                "golden" to
                    golden.values.mapValues { (_, all) ->
                        listOf(all.size, all.min().toDouble(), all.max().toDouble())
                    },
            )
        println("BUNDLE ${Json.write(read)}")
    }
}
