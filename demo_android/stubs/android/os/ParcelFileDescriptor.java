package android.os;

import org.rmpsam.stub.StubHost;

public class ParcelFileDescriptor implements android.os.Parcelable, java.io.Closeable {
    public void close() {
        throw StubHost.unknown();
    }

    public static android.os.ParcelFileDescriptor open(java.io.File file, int mode) {
        throw StubHost.unknown();
    }

    public static int parseMode(String mode) {
        throw StubHost.unknown();
    }
}
