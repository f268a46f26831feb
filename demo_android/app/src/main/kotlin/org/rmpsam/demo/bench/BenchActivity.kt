package org.rmpsam.demo.bench

import android.app.Activity
import android.os.Bundle
import android.view.WindowManager
import org.rmpsam.demo.R

/** A dark screen that stays on while a measurement runs. */
class BenchActivity : Activity() {
    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        window.addFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON)
        setContentView(R.layout.bench)
    }
}
