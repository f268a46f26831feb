package android.content;

import org.rmpsam.stub.StubHost;

public class ClipboardManager {
    public void setPrimaryClip(android.content.ClipData clip) {
        throw StubHost.unknown();
    }
}
