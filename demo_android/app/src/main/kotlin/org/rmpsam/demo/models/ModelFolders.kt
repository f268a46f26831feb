package org.rmpsam.demo.models

import android.content.Context
import android.content.res.AssetManager
import android.net.Uri
import org.rmpsam.core.Bundle
import org.rmpsam.core.BundleArchive
import org.rmpsam.core.InputException
import org.rmpsam.core.Problem
import org.rmpsam.core.RmpSamException
import java.io.File
import java.io.FileNotFoundException

/** A folder that looks like a bundle: opened, or the reason why not. */
internal class FoundModel(
    val folder: File,
    val bundle: Result<Bundle>,
)

/**
 * Where bundles lie: `models` of the app's external files, which `adb push` reaches, and `models` of its private files,
 * where imported bundles and the one in the package go.
 */
internal class ModelFolders(
    private val context: Context,
) {
    private val private get() = context.filesDir.resolve(FOLDER)
    private val external get() = context.getExternalFilesDir(FOLDER)

    /** Opens every folder with a manifest, by name. Hashes all bytes: not for the main thread. */
    fun find(): List<FoundModel> {
        unpackAsset()
        return folders().map { FoundModel(it, open(it)) }
    }

    /** Opens the bundle in [folder], or keeps the reason why it cannot be used. */
    fun open(folder: File): Result<Bundle> =
        try {
            Result.success(Bundle.open(folder))
        } catch (error: RmpSamException) {
            Result.failure(error)
        }

    /** Imports a zipped bundle that a person picked. */
    fun import(uri: Uri): Bundle {
        val stream =
            try {
                context.contentResolver.openInputStream(uri)
            } catch (error: FileNotFoundException) {
                throw InputException(Problem.BUNDLE_DAMAGED, "the file cannot be read (${error.message})")
            }
        return stream.use {
            BundleArchive.unpack(
                it ?: throw InputException(Problem.BUNDLE_DAMAGED, "no file"),
                private,
            )
        }
    }

    private fun folders() =
        listOfNotNull(private, external)
            .flatMap { it.listFiles().orEmpty().toList() }
            .filter { it.resolve(Bundle.MANIFEST).isFile && !it.name.startsWith(".") }
            .sortedBy { it.name }

    /** Files in the package cannot be mapped into memory: the bundle there is copied out once. */
    private fun unpackAsset() {
        val names = context.assets.list(ASSET).orEmpty()
        val target = private.resolve(ASSET)
        if (Bundle.MANIFEST !in names || target.exists()) return
        val part = private.resolve(".$ASSET.part")
        part.deleteRecursively()
        part.mkdirs()
        names.forEach { copy(context.assets, it, part) }
        Bundle.open(part)
        part.renameTo(target)
    }

    private fun copy(
        assets: AssetManager,
        name: String,
        folder: File,
    ) {
        assets.open("$ASSET/$name").use { from -> folder.resolve(name).outputStream().use(from::copyTo) }
    }

    private companion object {
        const val FOLDER = "models"
        const val ASSET = "bundle"
    }
}
