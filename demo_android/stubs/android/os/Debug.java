package android.os;

import org.rmpsam.stub.StubHost;

public class Debug {
    public static long getPss() {
        return StubHost.number("PSS");
    }
}
