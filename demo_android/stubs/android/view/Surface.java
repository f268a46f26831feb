package android.view;

import org.rmpsam.stub.StubHost;

public class Surface implements android.os.Parcelable {
    public Surface(android.graphics.SurfaceTexture surfaceTexture) {
    }

    public void release() {
        throw StubHost.unknown();
    }
}
