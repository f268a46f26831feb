package org.rmpsam.core

import java.io.File
import java.io.IOException
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.util.zip.ZipFile

/** float32 arrays of a `.npz` file: a zip of `.npy` entries, little-endian, C order. Shapes are not kept. */
internal object Npz {
    private val MAGIC = byteArrayOf(0x93.toByte()) + "NUMPY".toByteArray()
    private val SHAPE = Regex("""'shape':\s*\(([\d,\s]*)\)""")
    private const val VERSION_AT = 6
    private const val SHORT_HEADER_AT = 10
    private const val LONG_HEADER_AT = 12
    private const val SHORT = 0xffff

    /** Reads every array by its name without `.npy`. */
    fun read(file: File): Map<String, FloatArray> =
        try {
            ZipFile(file).use { archive ->
                archive.entries().asSequence().associate { entry ->
                    val name = entry.name
                    if (!name.endsWith(".npy")) unreadable(file, "$name is no .npy")
                    name.removeSuffix(".npy") to values(archive.getInputStream(entry).readBytes(), file, name)
                }
            }
        } catch (error: IOException) {
            unreadable(file, error.message ?: "no zip")
        }

    private fun values(
        bytes: ByteArray,
        file: File,
        name: String,
    ): FloatArray {
        if (bytes.size < LONG_HEADER_AT || !bytes.startsWith(MAGIC)) unreadable(file, "$name has no .npy header")
        val buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN)
        val isShort = bytes[VERSION_AT].toInt() == 1
        val start = if (isShort) SHORT_HEADER_AT else LONG_HEADER_AT
        val length = if (isShort) buffer.getShort(start - 2).toInt() and SHORT else buffer.getInt(start - 4)
        if (length < 0 || length > bytes.size - start) unreadable(file, "$name ends inside of its header")
        val header = bytes.decodeToString(start, start + length)
        val isPlain = "'<f4'" in header && "'fortran_order': False" in header
        if (!isPlain) unreadable(file, "$name is not float32 in C order")
        val shape = SHAPE.find(header)?.groupValues?.get(1) ?: unreadable(file, "$name has no shape")
        val sides = shape.split(',').mapNotNull { it.trim().toLongOrNull() }
        val numel = sides.fold(1L, Long::times)
        val given = bytes.size - start - length
        if (given.toLong() != numel * Float.SIZE_BYTES) unreadable(file, "$name holds $given bytes for $numel values")
        buffer.position(start + length)
        return FloatArray(numel.toInt()) { buffer.getFloat() }
    }

    private fun ByteArray.startsWith(other: ByteArray) = other.indices.all { this[it] == other[it] }

    private fun unreadable(
        file: File,
        what: String,
    ): Nothing = throw InputException(Problem.GOLDEN_DAMAGED, "${file.name}: $what; export the bundle again")
}
