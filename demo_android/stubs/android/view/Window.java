package android.view;

import org.rmpsam.stub.StubHost;

public abstract class Window {
    public void addFlags(int flags) {
        throw StubHost.unknown();
    }

    public void clearFlags(int flags) {
        throw StubHost.unknown();
    }
}
