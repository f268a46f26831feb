package org.rmpsam.demo

import android.content.Context
import android.graphics.Bitmap
import android.net.Uri
import android.os.Handler
import android.os.Looper
import org.rmpsam.core.Bundle
import org.rmpsam.core.Fit
import org.rmpsam.core.Graph
import org.rmpsam.core.PanopticMap
import org.rmpsam.core.Problem
import org.rmpsam.core.Prompt
import org.rmpsam.core.PromptHistory
import org.rmpsam.core.RmpSamException
import org.rmpsam.core.RuntimeVersion
import org.rmpsam.core.Stage
import org.rmpsam.core.StagedWorker
import org.rmpsam.core.UnsupportedException
import org.rmpsam.demo.engine.Engine
import org.rmpsam.demo.engine.FoundObject
import org.rmpsam.demo.engine.Threads
import org.rmpsam.demo.models.ModelFolders
import org.rmpsam.demo.models.SelfTest
import org.rmpsam.demo.photo.CutOutFile
import org.rmpsam.demo.photo.PictureReader
import org.rmpsam.demo.photo.toPicture
import org.rmpsam.demo.screens.Sentence
import org.rmpsam.demo.screens.Sentences
import java.io.File

/** What a screen shows; replaced as a whole. */
internal data class Shown(
    val model: Bundle? = null,
    val picture: Bitmap? = null,
    val source: Uri? = null,
    val fit: Fit? = null,
    val objects: List<FoundObject> = emptyList(),
    val panoptic: PanopticMap? = null,
    val message: Sentence? = null,
    val isBusy: Boolean = false,
) {
    /** Whether the model can name every object. */
    val hasObjects: Boolean get() = model?.manifest?.artifact(Graph.OBJECTS) != null
}

/** Model, picture and prompts of the person at work. Called on the main thread; the engine lives on its own. */
internal class Session(
    private val context: Context,
) {
    private val main = Handler(Looper.getMainLooper())
    private val worker = StagedWorker({ main.post(it) }, "engine")
    private val selfTest = SelfTest(context)

    /** Written on the engine's thread only. */
    @Volatile
    var engine: Engine? = null
        private set

    /** Bundles of this device. */
    val folders = ModelFolders(context)

    /** Prompts, step by step. */
    val history = PromptHistory()

    /** Told after each change of [shown]. */
    var listener: (() -> Unit)? = null

    /** What there is to see. */
    var shown = Shown()
        private set(value) {
            field = value
            listener?.invoke()
        }

    /** Opens the bundle in [folder]; without one the first that can be used. */
    fun openModel(folder: File? = null) {
        shown = shown.copy(isBusy = true, message = Sentences.of(R.string.status_opening))
        worker.submit(Stage.MODEL, { load(folder) }) { result ->
            shown = shown.copy(model = engine?.bundle, objects = emptyList(), panoptic = null, isBusy = false)
            result.onSuccess { loaded ->
                shown = shown.copy(message = loaded?.let(::selfTestMessage) ?: Sentences.of(R.string.status_no_model))
                shown.picture?.let(::encode)
            }
            result.onFailure(::fail)
        }
    }

    /** Decodes the picture at [uri], upright, encodes it and answers [prompts]. */
    fun openPicture(
        uri: Uri,
        prompts: List<Prompt> = emptyList(),
    ) {
        shown = shown.copy(isBusy = true, message = Sentences.of(R.string.status_reading))
        worker.submit(Stage.PICTURE, { PictureReader.read(context, uri) }) { result ->
            result.onSuccess { bitmap ->
                history.restore(prompts)
                shown = shown.copy(picture = bitmap, source = uri, fit = null, objects = emptyList(), panoptic = null)
                encode(bitmap)
            }
            result.onFailure(::fail)
        }
    }

    /** Changes the prompts and answers them. */
    fun prompt(change: PromptHistory.() -> Unit) {
        history.change()
        answer()
    }

    /** Answers the prompts as they are; with none of them, everything is forgotten but the picture. */
    fun answer() {
        val picture = shown.picture ?: return
        val prompts = history.current
        if (prompts.isEmpty()) {
            worker.cancel(Stage.PROMPT)
            val ready = Sentences.of(R.string.status_ready)
            shown = shown.copy(objects = emptyList(), panoptic = null, isBusy = false, message = ready)
            return
        }
        onFeatures(picture, { it.segment(prompts) }) { objects ->
            shown =
                shown.copy(
                    objects = objects,
                    panoptic = null,
                    isBusy = false,
                    message = Sentences.found(objects.last()),
                )
        }
    }

    /** Names every object of the picture. */
    fun everything() {
        val picture = shown.picture ?: return
        onFeatures(picture, Engine::everything) { map ->
            shown = shown.copy(panoptic = map, objects = emptyList(), isBusy = false, message = Sentences.found(map))
        }
    }

    /** Names every object of one camera frame; the frames between two answers are never seen. */
    fun frame(
        bitmap: Bitmap,
        deliver: (Result<PanopticMap>) -> Unit,
    ) {
        if (shown.isBusy) shown = shown.copy(isBusy = false) // what the photo waited for is not coming any more
        worker.submit(Stage.PICTURE, { encoded(bitmap).everything() }, deliver)
    }

    /** Encodes the photo where something else came between. */
    fun resume() {
        if (!shown.isBusy && shown.model != null && shown.fit == null) shown.picture?.let(::encode)
    }

    /** Writes the objects, cut out in the picture's own size, and hands over where they can be read from. */
    fun cutOut(deliver: (Uri?) -> Unit) {
        val (_, picture, _, fit, objects) = shown
        if (picture == null || fit == null || objects.isEmpty()) return deliver(null)
        shown = shown.copy(isBusy = true, message = Sentences.of(R.string.status_cutting))
        val work = {
            val masks = engineOrFail().let { engine -> objects.map { engine.fullMask(it, fit) } }
            CutOutFile.write(context, picture.toPicture(), masks)
        }
        worker.submit(Stage.PROMPT, work) { result ->
            result.onSuccess {
                shown = shown.copy(isBusy = false, message = null)
                deliver(it)
            }
            result.onFailure(::fail)
        }
    }

    /** Runs [work] on the engine's thread, after everything before it. */
    fun <T> onEngine(
        work: (Engine) -> T,
        deliver: (Result<T>) -> Unit,
    ) = worker.submit(Stage.PROMPT, { work(engineOrFail()) }, deliver)

    /** Runs [work] on the engine's thread; no engine is needed. */
    fun <T> onModels(
        work: () -> T,
        deliver: (Result<T>) -> Unit,
    ) = worker.always {
        val result = runCatching(work)
        main.post { deliver(result) }
    }

    /** Frees files and features while nobody looks. */
    fun trim() = worker.always { engine?.trim() }

    /** One sentence on the self-test of [bundle], in the language of [on]. */
    fun selfTestSentence(
        bundle: Bundle,
        on: Context,
    ): String = selfTest.sentence(bundle, on)

    private fun selfTestMessage(loaded: Engine): Sentence = { on -> selfTest.sentence(loaded.bundle, on) }

    private fun load(folder: File?): Engine? {
        val bundle =
            if (folder != null) Bundle.open(folder) else folders.find().firstNotNullOfOrNull { it.bundle.getOrNull() }
        engine?.close()
        engine = null
        if (bundle == null) return null
        val wanted = bundle.manifest.lowestRuntime["executorch"].orEmpty()
        if (!RuntimeVersion.isAtLeast(BuildConfig.EXECUTORCH_VERSION, wanted)) {
            throw UnsupportedException(
                Problem.BUNDLE_NEWER,
                "needs ExecuTorch $wanted; this app has ${BuildConfig.EXECUTORCH_VERSION}",
            )
        }
        val loaded = Engine(bundle, Threads.usual)
        if (!selfTest.passes(loaded)) {
            loaded.close()
            throw UnsupportedException(Problem.SELF_TEST_FAILED, selfTest.sentence(bundle, context))
        }
        engine = loaded
        return loaded
    }

    private fun encode(bitmap: Bitmap) {
        if (shown.model == null) {
            shown = shown.copy(isBusy = false, message = Sentences.of(R.string.status_no_model))
            return
        }
        shown = shown.copy(isBusy = true, message = Sentences.of(R.string.status_encoding))
        worker.submit(Stage.PICTURE, { encoded(bitmap).fit }) { result ->
            result.onSuccess {
                shown = shown.copy(fit = it, isBusy = false, message = Sentences.of(R.string.status_ready))
                if (history.current.isNotEmpty()) answer()
            }
            result.onFailure(::fail)
        }
    }

    private fun <T> onFeatures(
        bitmap: Bitmap,
        work: (Engine) -> T,
        deliver: (T) -> Unit,
    ) {
        shown = shown.copy(isBusy = true)
        val both = { encoded(bitmap).let { it.fit to work(it) } }
        worker.submit(Stage.PROMPT, both) { result ->
            result.onSuccess { (fit, answer) ->
                shown = shown.copy(fit = fit)
                deliver(answer)
            }
            result.onFailure(::fail)
        }
    }

    /** The engine with the features of [bitmap], which memory pressure or the camera may have taken away. */
    private fun encoded(bitmap: Bitmap): Engine =
        engineOrFail().also { if (it.encodedKey !== bitmap) it.encode(bitmap.toPicture(), key = bitmap) }

    private fun engineOrFail(): Engine =
        engine ?: throw UnsupportedException(Problem.GRAPH_MISSING, "no model is open; import one")

    private fun fail(error: Throwable) {
        // A prompt that can never be answered must not stay in the way of the next one.
        if (error is RmpSamException && error.problem in UNANSWERABLE) history.undo()
        shown = shown.copy(isBusy = false, message = Sentences.of(error))
    }

    private companion object {
        val UNANSWERABLE = setOf(Problem.PROMPT_TOO_LARGE, Problem.POINT_OUTSIDE, Problem.BOX_EMPTY)
    }
}
