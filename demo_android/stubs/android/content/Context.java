package android.content;

import org.jetbrains.annotations.Nullable;
import org.rmpsam.stub.StubHost;

public abstract class Context {
    public static final int MODE_PRIVATE = 0;

    public Context() {
    }

    public int checkSelfPermission(String arg1) {
        throw StubHost.unknown();
    }

    public android.content.Context getApplicationContext() {
        throw StubHost.unknown();
    }

    public android.content.pm.ApplicationInfo getApplicationInfo() {
        throw StubHost.unknown();
    }

    public android.content.res.AssetManager getAssets() {
        throw StubHost.unknown();
    }

    public java.io.File getCacheDir() {
        throw StubHost.unknown();
    }

    public android.content.ContentResolver getContentResolver() {
        throw StubHost.unknown();
    }

    public @Nullable java.io.File getExternalFilesDir(String arg1) {
        throw StubHost.unknown();
    }

    public java.io.File getFilesDir() {
        throw StubHost.unknown();
    }

    public java.util.concurrent.Executor getMainExecutor() {
        throw StubHost.unknown();
    }

    public String getPackageName() {
        throw StubHost.unknown();
    }

    public android.content.res.Resources getResources() {
        throw StubHost.unknown();
    }

    public android.content.SharedPreferences getSharedPreferences(String arg1, int arg2) {
        throw StubHost.unknown();
    }

    public String getString(int resId) {
        throw StubHost.unknown();
    }

    public String getString(int resId, Object... formatArgs) {
        throw StubHost.unknown();
    }

    public <T> T getSystemService(Class<T> serviceClass) {
        throw StubHost.unknown();
    }

    public @Nullable android.content.Intent registerReceiver(android.content.BroadcastReceiver arg1, android.content.IntentFilter arg2) {
        throw StubHost.unknown();
    }
}
