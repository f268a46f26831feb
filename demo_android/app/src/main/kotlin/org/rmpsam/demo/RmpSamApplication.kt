package org.rmpsam.demo

import android.app.Application
import android.content.ComponentCallbacks2
import android.content.Context

/** Holds what outlives a screen and its rotation. */
class RmpSamApplication : Application() {
    internal val session: Session by lazy { Session(this) }

    override fun onTrimMemory(level: Int) {
        super.onTrimMemory(level)
        if (level >= ComponentCallbacks2.TRIM_MEMORY_UI_HIDDEN) session.trim()
    }
}

/** The one session of this process. */
internal val Context.session: Session get() = (applicationContext as RmpSamApplication).session
