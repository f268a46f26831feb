package org.rmpsam.core

import java.io.File
import java.io.IOException
import java.io.InputStream
import java.util.zip.ZipEntry
import java.util.zip.ZipException
import java.util.zip.ZipInputStream

/** Bundles as one zip file, the way they travel through a phone's file picker. */
public object BundleArchive {
    private const val MOST_FILES = 64
    private const val ROOM_TO_KEEP = 64L shl 20

    /**
     * Unpacks a zipped bundle below [models] and opens it; a folder around the bundle inside the archive is allowed.
     * Nothing is left behind when it fails. A bundle of the same name is replaced.
     *
     * @throws InputException no zip, a name that leaves the folder, no room, or a bundle that does not verify.
     * @throws UnsupportedException a newer schema.
     */
    public fun unpack(
        stream: InputStream,
        models: File,
    ): Bundle {
        models.mkdirs()
        val temporary = models.resolve(".import-${System.nanoTime()}")
        try {
            val room = models.usableSpace - ROOM_TO_KEEP
            try {
                ZipInputStream(stream.buffered()).use { extract(it, temporary, room) }
            } catch (error: ZipException) {
                damaged("the archive cannot be read (${error.message})")
            }
            val root =
                temporary
                    .walk()
                    .maxDepth(2)
                    .find { it.name == Bundle.MANIFEST }
                    ?.parentFile
            val bundle = Bundle.open(root ?: damaged("the archive has no ${Bundle.MANIFEST}"))
            return Bundle.open(replace(bundle.folder, models.resolve(folderName(bundle))))
        } finally {
            temporary.deleteRecursively()
        }
    }

    private fun folderName(bundle: Bundle): String {
        val name = bundle.manifest.name
        val plain = name.isNotEmpty() && name.all { it.isLetterOrDigit() || it in "._-" } && !name.startsWith(".")
        return if (plain) name else "bundle-${bundle.shortHash}"
    }

    private fun replace(
        from: File,
        target: File,
    ): File {
        val old = target.resolveSibling(".old-${System.nanoTime()}")
        if (target.exists() && !target.renameTo(old)) throw IOException("$target cannot be replaced")
        if (!from.renameTo(target)) {
            old.renameTo(target)
            throw IOException("$target cannot be written")
        }
        old.deleteRecursively()
        return target
    }

    private fun extract(
        archive: ZipInputStream,
        folder: File,
        room: Long,
    ) {
        var left = room
        var files = 0
        generateSequence { archive.nextEntry }.filterNot(ZipEntry::isDirectory).forEach { entry ->
            refuseLeavingName(entry.name)
            if (++files > MOST_FILES) throw InputException(Problem.NO_ROOM, "more than $MOST_FILES files are no bundle")
            val target = folder.resolve(entry.name)
            if (!target.canonicalFile.startsWith(folder.canonicalFile)) refuseLeavingName("../${entry.name}")
            target.parentFile?.mkdirs()
            left -= copy(archive, target, left)
        }
    }

    private fun copy(
        from: InputStream,
        target: File,
        room: Long,
    ): Long {
        var written = 0L
        target.outputStream().use { out ->
            val piece = ByteArray(1 shl 16)
            while (true) {
                val count = from.read(piece)
                if (count < 0) break
                written += count
                if (written > room) throw InputException(Problem.NO_ROOM, "$room bytes are free, the bundle needs more")
                out.write(piece, 0, count)
            }
        }
        return written
    }
}
