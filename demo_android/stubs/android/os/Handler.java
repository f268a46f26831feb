package android.os;

import org.rmpsam.stub.StubHost;

public class Handler {
    public Handler(android.os.Looper looper) {
    }

    public boolean post(Runnable r) {
        throw StubHost.unknown();
    }
}
