package org.rmpsam.program

import android.app.Activity
import android.app.ActivityManager
import android.content.BroadcastReceiver
import android.content.Context
import android.content.Intent
import android.content.IntentFilter
import android.content.pm.ApplicationInfo
import android.os.Bundle
import android.os.PowerManager
import org.pytorch.executorch.StubRuntime
import org.rmpsam.demo.bench.BenchInstrumentation
import org.rmpsam.stub.StubHost
import java.io.DataInputStream
import java.io.DataOutputStream
import kotlin.system.exitProcess

/** A phone's services, as steady as a property says. */
private class Phone : Context() {
    override fun getApplicationInfo() = ApplicationInfo().apply { flags = Integer.getInteger("stub.flags", 0) }

    override fun registerReceiver(
        receiver: BroadcastReceiver?,
        filter: IntentFilter,
    ): Intent =
        object : Intent("battery") {
            override fun getIntExtra(
                name: String,
                defaultValue: Int,
            ) = mapOf("level" to 83, "scale" to 100, "plugged" to 2)[name] ?: defaultValue
        }

    @Suppress("UNCHECKED_CAST")
    override fun <T> getSystemService(serviceClass: Class<T>): T =
        when (serviceClass) {
            PowerManager::class.java -> Power()
            ActivityManager::class.java -> Activities()
            else -> error("no $serviceClass here")
        } as T
}

private class Power : PowerManager() {
    override fun getCurrentThermalStatus() = StubHost.number("thermal")

    override fun isPowerSaveMode() = false

    override fun isInteractive() = true
}

private class Activities : ActivityManager() {
    override fun getMemoryInfo(outInfo: MemoryInfo) {
        outInfo.totalMem = 8L shl 30
    }
}

/** Prints what `am instrument -w -r` prints. */
private object Printer : StubHost.Program {
    override fun status(
        code: Int,
        values: Map<String, Any?>,
    ) {
        values.forEach { (key, value) -> println("INSTRUMENTATION_STATUS: $key=$value") }
        println("INSTRUMENTATION_STATUS_CODE: $code")
    }

    override fun finished(
        code: Int,
        values: Map<String, Any?>,
    ) {
        values.forEach { (key, value) -> println("INSTRUMENTATION_RESULT: $key=$value") }
        println("INSTRUMENTATION_CODE: $code")
    }

    override fun targetContext(): Context = Phone()
}

/** Asks another process, which runs the real file; numbers are big-endian as Java writes them. */
private class Runtime(
    command: List<String>,
) {
    private val process = ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start()
    private val out = DataOutputStream(process.outputStream.buffered(1 shl 20))
    private val from = DataInputStream(process.inputStream.buffered(1 shl 20))

    fun answer(
        path: String,
        method: String,
        inputs: List<FloatArray>,
    ): List<Pair<FloatArray, LongArray>> {
        out.writeUTF(path)
        out.writeUTF(method)
        out.writeInt(inputs.size)
        inputs.forEach { values ->
            out.writeInt(values.size)
            values.forEach(out::writeFloat)
        }
        out.flush()
        return List(from.readInt()) {
            val values = FloatArray(from.readInt()) { from.readFloat() }
            values to longArrayOf(values.size.toLong())
        }
    }
}

/** `KEY=VALUE...` as after `-e`; the system property `program.runtime` is the command that answers runs. */
fun main(arguments: Array<String>) {
    StubHost.program = Printer
    val runtime = Runtime(System.getProperty("program.runtime").split('\n'))
    StubRuntime.answer = runtime::answer
    val bundle = Bundle()
    arguments.forEach { bundle.putString(it.substringBefore('='), it.substringAfter('=')) }
    try {
        BenchInstrumentation().onCreate(bundle)
    } catch (error: Throwable) {
        // what the system prints when the process dies
        val crash = Bundle()
        crash.putString("shortMsg", error.javaClass.name)
        crash.putString("longMsg", error.toString())
        Printer.finished(Activity.RESULT_CANCELED, StubHost.values(crash))
    }
    exitProcess(0)
}
