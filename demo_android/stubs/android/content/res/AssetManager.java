package android.content.res;

import org.jetbrains.annotations.Nullable;
import org.rmpsam.stub.StubHost;

public class AssetManager implements java.lang.AutoCloseable {
    public void close() {
        throw StubHost.unknown();
    }

    public @Nullable String[] list(String path) {
        throw StubHost.unknown();
    }

    public java.io.InputStream open(String fileName) {
        throw StubHost.unknown();
    }
}
