package android.graphics;

import org.rmpsam.stub.StubHost;

public class SurfaceTexture {
    public void setDefaultBufferSize(int width, int height) {
        throw StubHost.unknown();
    }
}
