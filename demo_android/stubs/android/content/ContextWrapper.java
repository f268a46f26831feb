package android.content;

import org.jetbrains.annotations.Nullable;
import org.rmpsam.stub.StubHost;

public class ContextWrapper extends android.content.Context {
    public ContextWrapper(android.content.Context base) {
    }

    public int checkSelfPermission(String permission) {
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

    public @Nullable java.io.File getExternalFilesDir(String type) {
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

    public android.content.SharedPreferences getSharedPreferences(String name, int mode) {
        throw StubHost.unknown();
    }

    public android.content.Intent registerReceiver(android.content.BroadcastReceiver receiver, android.content.IntentFilter filter) {
        throw StubHost.unknown();
    }
}
