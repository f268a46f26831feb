package android.content;

import org.jetbrains.annotations.Nullable;
import org.rmpsam.stub.StubHost;

public abstract class ContentResolver {
    public @Nullable java.io.InputStream openInputStream(android.net.Uri uri) {
        throw StubHost.unknown();
    }
}
