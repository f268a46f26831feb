package org.rmpsam.demo.bench

import android.app.ActivityManager
import android.content.Context
import android.content.Intent
import android.content.IntentFilter
import android.content.pm.ApplicationInfo
import android.os.BatteryManager
import android.os.Build
import android.os.Debug
import android.os.PowerManager
import org.rmpsam.core.Conditions
import org.rmpsam.core.TargetFacts
import org.rmpsam.core.ThermalSample

/** What a report says of this device, and of how it fared since this object was made. */
internal class DeviceFacts(
    private val context: Context,
) {
    private val started = System.nanoTime()
    private val power = context.getSystemService(PowerManager::class.java)
    private val thermal = mutableListOf<ThermalSample>()
    private val waits = mutableListOf<Double>()
    private var peakMb = 0.0

    /** Seconds that [coolDown] has waited, call by call. */
    val cooldowns: List<Double> get() = waits.toList()

    /** Whether this build can be debugged, which slows it down. */
    val isDebuggable: Boolean get() = context.applicationInfo.flags and ApplicationInfo.FLAG_DEBUGGABLE != 0

    /** Model, chip and system. */
    fun target(): TargetFacts {
        val hasSoc = Build.VERSION.SDK_INT >= Build.VERSION_CODES.S
        val memory = ActivityManager.MemoryInfo()
        context.getSystemService(ActivityManager::class.java).getMemoryInfo(memory)
        return TargetFacts(
            model = Build.MODEL,
            soc = if (hasSoc) "${Build.SOC_MANUFACTURER} ${Build.SOC_MODEL}" else Build.HARDWARE,
            os = Build.VERSION.RELEASE,
            api = Build.VERSION.SDK_INT,
            abi = Build.SUPPORTED_ABIS.firstOrNull(),
            fingerprint = Build.FINGERPRINT,
            emulated = EMULATORS.any { it in Build.HARDWARE },
            ramMb = memory.totalMem / BYTES_PER_MB,
        )
    }

    /** Battery, screen, and the thermal samples so far. */
    fun conditions(): Conditions {
        val battery = context.registerReceiver(null, IntentFilter(Intent.ACTION_BATTERY_CHANGED))
        val level = battery?.getIntExtra(BatteryManager.EXTRA_LEVEL, -1)?.takeIf { it >= 0 }
        val scale = battery?.getIntExtra(BatteryManager.EXTRA_SCALE, -1)?.takeIf { it > 0 }
        return Conditions(
            power = battery?.let { SOURCES[it.getIntExtra(BatteryManager.EXTRA_PLUGGED, -1)] },
            batteryPercent = if (level != null && scale != null) PERCENT * level / scale else null,
            powerSaver = power.isPowerSaveMode,
            screenOn = power.isInteractive,
            thermal = thermal.toList(),
        )
    }

    /** The thermal status now, 0 none to 6 shutdown; kept for [conditions]. */
    fun thermalStatus(): Int {
        val status = power.currentThermalStatus
        thermal += ThermalSample((System.nanoTime() - started) / NANOS_PER_MS, status)
        return status
    }

    /** Waits until the thermal status is none, [seconds] at most. */
    fun coolDown(seconds: Double) {
        val start = System.nanoTime()
        var waited = 0.0
        while (power.currentThermalStatus > PowerManager.THERMAL_STATUS_NONE && waited < seconds) {
            Thread.sleep(COOL_DOWN_STEP_MS)
            waited = (System.nanoTime() - start) / NANOS
        }
        waits += waited
    }

    /** Proportional set size of this process in MB; the largest answer is kept as [peak]. */
    fun memoryMb(): Double = (Debug.getPss() / KB_PER_MB).also { peakMb = maxOf(peakMb, it) }

    /** The largest memory seen by [memoryMb]. */
    fun peak(): Double = peakMb

    companion object {
        private const val BYTES_PER_MB = 1048576.0
        private const val KB_PER_MB = 1024.0
        private const val NANOS = 1e9
        private const val NANOS_PER_MS = 1_000_000L
        private const val COOL_DOWN_STEP_MS = 1000L
        private const val PERCENT = 100
        private const val CLOCK_TRIES = 1000
        private val EMULATORS = listOf("goldfish", "ranchu")
        private val SOURCES =
            mapOf(
                0 to "battery",
                BatteryManager.BATTERY_PLUGGED_AC to "ac",
                BatteryManager.BATTERY_PLUGGED_USB to "usb",
                BatteryManager.BATTERY_PLUGGED_WIRELESS to "wireless",
            )

        /** The smallest step between two readings of the clock, in nanoseconds. */
        fun clockStepNs(): Long =
            (0 until CLOCK_TRIES).minOf {
                val start = System.nanoTime()
                var now = System.nanoTime()
                while (now == start) now = System.nanoTime()
                now - start
            }
    }
}
