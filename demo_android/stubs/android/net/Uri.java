package android.net;

import org.jetbrains.annotations.Nullable;
import org.rmpsam.stub.StubHost;

public abstract class Uri implements android.os.Parcelable, java.lang.Comparable {
    public @Nullable String getLastPathSegment() {
        throw StubHost.unknown();
    }

    public java.util.List<String> getPathSegments() {
        throw StubHost.unknown();
    }

    public static android.net.Uri parse(String uriString) {
        throw StubHost.unknown();
    }
}
