package org.rmpsam.demo.screens

import android.app.Activity
import android.content.ActivityNotFoundException
import android.content.Intent
import android.os.Bundle
import android.view.View
import android.widget.ArrayAdapter
import android.widget.ListView
import android.widget.TextView
import org.rmpsam.demo.R
import org.rmpsam.demo.models.FoundModel
import org.rmpsam.demo.session

/** The bundles of this device: choose one, import one from a zip file, read why one cannot be used. */
class ModelsActivity : Activity() {
    private lateinit var status: TextView
    private var models = emptyList<FoundModel>()

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        setContentView(R.layout.models)
        status = findViewById(R.id.status)
        findViewById<View>(R.id.import_model).setOnClickListener { pick() }
        findViewById<ListView>(R.id.models).setOnItemClickListener { _, _, position, _ -> choose(models[position]) }
        find()
    }

    override fun onActivityResult(
        request: Int,
        result: Int,
        data: Intent?,
    ) {
        val uri = data?.data ?: return
        status.setText(R.string.status_importing)
        session.onModels({ session.folders.import(uri) }) { imported ->
            imported.onSuccess { find() }
            imported.onFailure { status.text = Sentences.of(it)(this) }
        }
    }

    private fun find() {
        status.setText(R.string.status_checking)
        session.onModels(session.folders::find) { result ->
            result.onSuccess(::show)
            result.onFailure { status.text = Sentences.of(it)(this) }
        }
    }

    private fun show(found: List<FoundModel>) {
        models = found
        val rows = found.map(::describe)
        findViewById<ListView>(R.id.models).adapter = ArrayAdapter(this, R.layout.model_row, rows)
        status.text = resources.getQuantityString(R.plurals.models_found, found.size, found.size)
    }

    private fun describe(model: FoundModel): String {
        val bundle =
            model.bundle.getOrElse {
                return getString(R.string.model_unusable, model.folder.name, Sentences.of(it)(this))
            }
        val manifest = bundle.manifest
        val trained = getString(if (manifest.contract.trained) R.string.model_trained else R.string.model_untrained)
        val size = manifest.contract.sizes.size
        val facts =
            getString(
                R.string.model_facts,
                manifest.name,
                size.width,
                size.height,
                manifest.recipe.name,
                bundle.shortHash,
                trained,
            )
        return getString(R.string.model_row, facts, session.selfTestSentence(bundle, this))
    }

    private fun choose(model: FoundModel) {
        if (model.bundle.isFailure) return
        session.openModel(model.folder)
        finish()
    }

    private fun pick() {
        val intent = Intent(Intent.ACTION_OPEN_DOCUMENT).addCategory(Intent.CATEGORY_OPENABLE).setType(ZIP)
        try {
            startActivityForResult(intent, 0)
        } catch (missing: ActivityNotFoundException) {
            status.setText(R.string.no_such_app)
        }
    }

    private companion object {
        const val ZIP = "application/zip"
    }
}
