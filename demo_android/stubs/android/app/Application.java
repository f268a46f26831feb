package android.app;

import org.rmpsam.stub.StubHost;

public class Application extends android.content.ContextWrapper implements android.content.ComponentCallbacks2 {
    public Application() {
        super(null);
    }

    public void onTrimMemory(int level) {
        throw StubHost.unknown();
    }
}
