package org.rmpsam.core

import java.io.File
import java.io.IOException
import java.security.MessageDigest

/** An opened bundle: every byte is what its manifest says. */
public class Bundle private constructor(
    /** Where it lies. */
    public val folder: File,
    /** What it says of itself. */
    public val manifest: Manifest,
    /** SHA-256 of manifest.json, lower-case hex: names this bundle and no other. */
    public val manifestSha256: String,
) {
    /** The first letters of [manifestSha256], for people. */
    public val shortHash: String get() = manifestSha256.take(SHORT_HASH)

    /**
     * The file of [graph].
     *
     * @throws UnsupportedException the bundle has no such graph; says why if the manifest does.
     */
    public fun file(graph: Graph): File {
        val artifact =
            manifest.artifact(graph) ?: throw UnsupportedException(
                Problem.GRAPH_MISSING,
                "${manifest.name} has no ${graph.key} graph: ${manifest.leftOut[graph.key] ?: "it was not exported"}",
            )
        return folder.resolve(artifact.path)
    }

    public companion object {
        /** The manifest's name in the folder. */
        public const val MANIFEST: String = "manifest.json"

        /** The list of hashes, as `sha256sum -c` reads it. */
        public const val SUMS: String = "SHA256SUMS"

        private const val SHORT_HASH = 12
        private const val LONGEST_MANIFEST = 4L shl 20

        /**
         * Opens the bundle in [folder] and verifies every file.
         *
         * @throws InputException no bundle, a missing file, another size or hash, or a path that leaves the folder.
         * @throws UnsupportedException a manifest of a newer schema.
         */
        public fun open(folder: File): Bundle {
            val path = folder.resolve(MANIFEST)
            val length = path.length()
            if (length > LONGEST_MANIFEST) damaged("$MANIFEST has $length bytes, too many for a manifest")
            val bytes = readOrDamaged(path)
            val manifest = Manifest.parse(bytes.toString(Charsets.UTF_8))
            manifest.files.keys.forEach { refuseLeavingLink(folder, it) }
            val sum = sha256(bytes)
            verifySums(folder, mapOf(MANIFEST to sum) + manifest.files.mapValues { it.value.sha256 })
            manifest.files.forEach { (name, entry) -> verify(folder.resolve(name), name, entry) }
            val paths = manifest.graphs.values.map { it.path }
            paths.find { !folder.resolve(it).exists() }?.let { damaged("$it is missing") }
            return Bundle(folder, manifest, sum)
        }

        private fun verifySums(
            folder: File,
            expected: Map<String, String>,
        ) {
            val text = readOrDamaged(folder.resolve(SUMS)).toString(Charsets.UTF_8)
            if (text == expected.entries.joinToString("") { (name, sha) -> "$sha  $name\n" }) return
            val listed = text.split('\n').associate { it.substringAfter("  ") to it.substringBefore("  ") }
            val wrong = expected.keys.firstOrNull { listed[it] != expected[it] }
            damaged(
                wrong?.let { "$it: its sha256 is not the one in $SUMS" } ?: "$SUMS lists other files than the manifest",
            )
        }

        private fun verify(
            file: File,
            name: String,
            entry: FileEntry,
        ) {
            if (!file.isFile) damaged("$name is missing")
            if (file.length() != entry.sizeBytes) damaged("$name has ${file.length()} bytes; wanted ${entry.sizeBytes}")
            if (sha256(file) != entry.sha256) damaged("$name: its sha256 is not the one in the manifest")
        }

        private fun readOrDamaged(file: File): ByteArray =
            try {
                file.readBytes()
            } catch (error: IOException) {
                damaged("${file.name} cannot be read (${error.message})")
            }
    }
}

/** Refuses a name that points out of its folder by itself: `..`, an absolute path, a drive, a backslash. */
internal fun refuseLeavingName(name: String) {
    val leaves = name.isEmpty() || name.startsWith("/") || ".." in name.split("/") || '\\' in name || ':' in name
    if (leaves) unsafe(name)
}

private fun refuseLeavingLink(
    folder: File,
    name: String,
) {
    if (!folder.resolve(name).canonicalFile.startsWith(folder.canonicalFile)) unsafe(name)
}

private fun unsafe(name: String): Nothing =
    throw InputException(
        Problem.BUNDLE_UNSAFE,
        "the manifest names \"$name\", which lies outside of the bundle; do not use this bundle",
    )

/** SHA-256 of [bytes] as lower-case hex. */
public fun sha256(bytes: ByteArray): String = hex(MessageDigest.getInstance("SHA-256").digest(bytes))

/** SHA-256 of [file] as lower-case hex, read in pieces. */
public fun sha256(file: File): String {
    val digest = MessageDigest.getInstance("SHA-256")
    file.inputStream().use { stream ->
        val piece = ByteArray(1 shl 16)
        while (true) {
            val count = stream.read(piece)
            if (count < 0) break
            digest.update(piece, 0, count)
        }
    }
    return hex(digest.digest())
}

private fun hex(bytes: ByteArray) = bytes.joinToString("") { "%02x".format(it) }
