package android.os;

import org.rmpsam.stub.StubHost;

public class Looper {
    public static android.os.Looper getMainLooper() {
        throw StubHost.unknown();
    }
}
