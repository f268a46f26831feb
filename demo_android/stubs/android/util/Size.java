package android.util;

import org.rmpsam.stub.StubHost;

public class Size {
    public int getHeight() {
        throw StubHost.unknown();
    }

    public int getWidth() {
        throw StubHost.unknown();
    }
}
