package org.rmpsam.demo.photo

import android.content.ContentProvider
import android.content.ContentValues
import android.content.Context
import android.database.Cursor
import android.database.MatrixCursor
import android.net.Uri
import android.os.ParcelFileDescriptor
import android.provider.OpenableColumns
import java.io.File
import java.io.FileNotFoundException

/**
 * Lends single pictures of the cache to other apps: a cut-out to read, an empty file to a camera app to write. Not
 * exported; whoever is meant gets a grant with the intent.
 */
class PictureProvider : ContentProvider() {
    override fun onCreate(): Boolean = true

    override fun openFile(
        uri: Uri,
        mode: String,
    ): ParcelFileDescriptor = ParcelFileDescriptor.open(file(uri), ParcelFileDescriptor.parseMode(mode))

    override fun getType(uri: Uri): String =
        if (uri.lastPathSegment.orEmpty().endsWith(".png")) "image/png" else "image/jpeg"

    override fun query(
        uri: Uri,
        projection: Array<String>?,
        selection: String?,
        selectionArgs: Array<String>?,
        sortOrder: String?,
    ): Cursor {
        val file = file(uri)
        val known = mapOf(OpenableColumns.DISPLAY_NAME to file.name, OpenableColumns.SIZE to file.length())
        val columns = projection?.filter(known::containsKey) ?: known.keys.toList()
        return MatrixCursor(
            columns.toTypedArray(),
            1,
        ).apply { addRow(columns.map<String, Any?>(known::get).toTypedArray()) }
    }

    override fun insert(
        uri: Uri,
        values: ContentValues?,
    ): Uri? = throw UnsupportedOperationException()

    override fun update(
        uri: Uri,
        values: ContentValues?,
        selection: String?,
        selectionArgs: Array<String>?,
    ): Int = throw UnsupportedOperationException()

    override fun delete(
        uri: Uri,
        selection: String?,
        selectionArgs: Array<String>?,
    ): Int = throw UnsupportedOperationException()

    private fun file(uri: Uri): File {
        val name = uri.lastPathSegment?.takeIf { uri.pathSegments.size == 1 && File(it).name == it && it != ".." }
        return file(context ?: throw FileNotFoundException(), name ?: throw FileNotFoundException(uri.toString()))
    }

    companion object {
        private const val FOLDER = "pictures"

        /** The file called [name]; its folder is there. */
        internal fun file(
            context: Context,
            name: String,
        ): File =
            context.cacheDir
                .resolve(FOLDER)
                .apply { mkdirs() }
                .resolve(name)

        /** The address under which another app may open it. */
        internal fun uri(
            context: Context,
            name: String,
        ): Uri = Uri.parse("content://${context.packageName}.pictures/$name")
    }
}
