package org.rmpsam.demo.screens

import android.Manifest
import android.app.Activity
import android.content.ActivityNotFoundException
import android.content.ClipData
import android.content.Intent
import android.content.pm.PackageManager
import android.net.Uri
import android.os.Build
import android.os.Bundle
import android.provider.MediaStore
import android.view.Menu
import android.view.MenuItem
import android.view.View
import android.widget.ProgressBar
import android.widget.RadioGroup
import android.widget.TextView
import android.widget.Toast
import org.rmpsam.core.Box
import org.rmpsam.core.Position
import org.rmpsam.core.Prompt
import org.rmpsam.core.PromptPoint
import org.rmpsam.demo.R
import org.rmpsam.demo.photo.PictureProvider
import org.rmpsam.demo.session

/** One photo: point at an object and see its mask. */
class MainActivity : Activity() {
    private lateinit var picture: PictureView
    private lateinit var status: TextView
    private lateinit var progress: ProgressBar
    private var startsNew = true
    private val photo by lazy { PictureProvider.uri(this, PHOTO) }

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        setContentView(R.layout.main)
        picture = findViewById(R.id.picture)
        status = findViewById(R.id.status)
        progress = findViewById(R.id.progress)
        picture.onPoint = ::addPoint
        picture.onBox = ::setBox
        findViewById<RadioGroup>(R.id.tools).setOnCheckedChangeListener { _, id -> picture.tool = TOOLS.getValue(id) }
        listen(R.id.undo) { session.prompt { undo() } }
        listen(R.id.clear) { session.prompt { clear() } }
        listen(R.id.next_object) { startsNew = true }
        listen(R.id.everything) { session.everything() }
        listen(R.id.pick) { pick() }
        if (session.shown.model == null && !session.shown.isBusy) session.openModel()
        state?.let(::restore)
    }

    override fun onStart() {
        super.onStart()
        session.listener = ::refresh
        session.resume()
        refresh()
    }

    override fun onStop() {
        session.listener = null
        super.onStop()
    }

    override fun onSaveInstanceState(state: Bundle) {
        super.onSaveInstanceState(state)
        state.putString(PICTURE, session.shown.source?.toString())
        state.putDoubleArray(PROMPTS, SavedPrompts.pack(session.history.current))
        state.putBoolean(STARTS_NEW, startsNew)
    }

    override fun onCreateOptionsMenu(menu: Menu): Boolean {
        menuInflater.inflate(R.menu.main, menu)
        return true
    }

    override fun onOptionsItemSelected(item: MenuItem): Boolean {
        when (item.itemId) {
            R.id.camera -> withCamera(CAMERA_FOR_PHOTO, ::takePhoto)
            R.id.live -> withCamera(CAMERA_FOR_LIVE) { goTo(CameraActivity::class.java) }
            R.id.share -> session.cutOut(::share)
            R.id.models -> goTo(ModelsActivity::class.java)
            R.id.latency -> goTo(LatencyActivity::class.java)
            else -> return super.onOptionsItemSelected(item)
        }
        return true
    }

    override fun onRequestPermissionsResult(
        request: Int,
        permissions: Array<String>,
        results: IntArray,
    ) {
        when {
            results.firstOrNull() != PackageManager.PERMISSION_GRANTED -> say(R.string.camera_refused)
            request == CAMERA_FOR_PHOTO -> takePhoto()
            request == CAMERA_FOR_LIVE -> goTo(CameraActivity::class.java)
        }
    }

    override fun onActivityResult(
        request: Int,
        result: Int,
        data: Intent?,
    ) {
        if (result != RESULT_OK) return
        val uri = if (request == TAKE) photo else data?.data
        uri?.let(::show)
    }

    private fun show(uri: Uri) {
        startsNew = true
        session.openPicture(uri)
    }

    private fun refresh() {
        val shown = session.shown
        picture.show(shown, session.history.current)
        progress.visibility = if (shown.isBusy) View.VISIBLE else View.INVISIBLE
        findViewById<View>(R.id.empty).visibility = if (shown.picture == null) View.VISIBLE else View.GONE
        findViewById<View>(R.id.undo).isEnabled = session.history.canUndo
        findViewById<View>(R.id.everything).isEnabled = shown.fit != null && shown.hasObjects
        val text = shown.message?.invoke(this).orEmpty()
        if (text != status.text.toString()) status.text = text // a screen reader reads each change
    }

    private fun addPoint(
        at: Position,
        label: Int,
    ) {
        val point = PromptPoint(at.x, at.y, label)
        val limit =
            session.shown.model
                ?.manifest
                ?.contract
                ?.sizes
                ?.numPoints ?: return
        val last = session.history.current.lastOrNull()
        val isOneHint = limit == 1
        when {
            startsNew || last == null -> session.prompt { start(Prompt(listOf(point))) }
            isOneHint -> session.prompt { refine(Prompt(listOf(point))) }
            else -> session.prompt { refine(last.copy(points = last.points + point)) }
        }
        startsNew = false
    }

    private fun setBox(box: Box) {
        val limit =
            session.shown.model
                ?.manifest
                ?.contract
                ?.sizes
                ?.numPoints ?: return
        val last = session.history.current.lastOrNull()
        val points = if (startsNew || last == null || limit == 1) emptyList() else last.points
        session.prompt { if (startsNew) start(Prompt(points, box)) else refine(Prompt(points, box)) }
        startsNew = false
    }

    private fun restore(state: Bundle) {
        startsNew = state.getBoolean(STARTS_NEW, true)
        val source = state.getString(PICTURE)
        if (session.shown.picture != null || source == null) return
        val prompts = SavedPrompts.unpack(state.getDoubleArray(PROMPTS) ?: DoubleArray(0))
        session.openPicture(Uri.parse(source), prompts)
    }

    private fun pick() {
        val intent =
            if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.TIRAMISU) {
                Intent(MediaStore.ACTION_PICK_IMAGES)
            } else {
                Intent(Intent.ACTION_OPEN_DOCUMENT).addCategory(Intent.CATEGORY_OPENABLE).setType(IMAGES)
            }
        start(intent, PICK)
    }

    private fun takePhoto() {
        PictureProvider.file(this, PHOTO).createNewFile()
        val intent = Intent(MediaStore.ACTION_IMAGE_CAPTURE).putExtra(MediaStore.EXTRA_OUTPUT, photo)
        intent.clipData = ClipData.newRawUri(null, photo)
        intent.addFlags(Intent.FLAG_GRANT_WRITE_URI_PERMISSION or Intent.FLAG_GRANT_READ_URI_PERMISSION)
        start(intent, TAKE)
    }

    private fun share(uri: Uri?) {
        if (uri == null) return say(R.string.share_nothing)
        val intent = Intent(Intent.ACTION_SEND).setType(PNG).putExtra(Intent.EXTRA_STREAM, uri)
        intent.clipData = ClipData.newRawUri(null, uri)
        intent.addFlags(Intent.FLAG_GRANT_READ_URI_PERMISSION)
        startActivity(Intent.createChooser(intent, getString(R.string.share)))
    }

    private fun start(
        intent: Intent,
        request: Int,
    ) {
        try {
            startActivityForResult(intent, request)
        } catch (missing: ActivityNotFoundException) {
            say(R.string.no_such_app)
        }
    }

    private fun withCamera(
        request: Int,
        action: () -> Unit,
    ) {
        val granted = checkSelfPermission(Manifest.permission.CAMERA) == PackageManager.PERMISSION_GRANTED
        if (granted) action() else requestPermissions(arrayOf(Manifest.permission.CAMERA), request)
    }

    private fun say(id: Int) = Toast.makeText(this, id, Toast.LENGTH_LONG).show()

    private fun goTo(screen: Class<out Activity>) = startActivity(Intent(this, screen))

    private fun listen(
        id: Int,
        action: () -> Unit,
    ) = findViewById<View>(id).setOnClickListener { action() }

    private companion object {
        const val PICK = 1
        const val TAKE = 2
        const val CAMERA_FOR_PHOTO = 3
        const val CAMERA_FOR_LIVE = 4
        const val PHOTO = "photo.jpg"
        const val PICTURE = "picture"
        const val PROMPTS = "prompts"
        const val STARTS_NEW = "starts_new"
        const val IMAGES = "image/*"
        const val PNG = "image/png"
        val TOOLS =
            mapOf(
                R.id.tool_object to Tool.OBJECT,
                R.id.tool_background to Tool.BACKGROUND,
                R.id.tool_box to Tool.BOX,
            )
    }
}
