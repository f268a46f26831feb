package android.content;

import org.jetbrains.annotations.Nullable;
import org.rmpsam.stub.StubHost;

public abstract class ContentProvider implements android.content.ComponentCallbacks2 {
    public ContentProvider() {
    }

    public int delete(android.net.Uri arg1, String arg2, String[] arg3) {
        throw StubHost.unknown();
    }

    public @Nullable android.content.Context getContext() {
        throw StubHost.unknown();
    }

    public @Nullable String getType(android.net.Uri arg1) {
        throw StubHost.unknown();
    }

    public @Nullable android.net.Uri insert(android.net.Uri arg1, android.content.ContentValues arg2) {
        throw StubHost.unknown();
    }

    public boolean onCreate() {
        throw StubHost.unknown();
    }

    public void onTrimMemory(int level) {
        throw StubHost.unknown();
    }

    public @Nullable android.os.ParcelFileDescriptor openFile(android.net.Uri uri, String mode) {
        throw StubHost.unknown();
    }

    public @Nullable android.database.Cursor query(android.net.Uri arg1, String[] arg2, String arg3, String[] arg4, String arg5) {
        throw StubHost.unknown();
    }

    public int update(android.net.Uri arg1, android.content.ContentValues arg2, String arg3, String[] arg4) {
        throw StubHost.unknown();
    }
}
