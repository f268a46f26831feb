package android.hardware.camera2;

import org.rmpsam.stub.StubHost;

public abstract class CameraDevice implements java.lang.AutoCloseable {
    public static final int TEMPLATE_PREVIEW = 1;

    public void close() {
        throw StubHost.unknown();
    }

    public android.hardware.camera2.CaptureRequest.Builder createCaptureRequest(int arg1) {
        throw StubHost.unknown();
    }

    public void createCaptureSession(android.hardware.camera2.params.SessionConfiguration config) {
        throw StubHost.unknown();
    }

    public abstract static class StateCallback {
        public StateCallback() {
        }

        public void onDisconnected(android.hardware.camera2.CameraDevice arg1) {
            throw StubHost.unknown();
        }

        public void onError(android.hardware.camera2.CameraDevice arg1, int arg2) {
            throw StubHost.unknown();
        }

        public void onOpened(android.hardware.camera2.CameraDevice arg1) {
            throw StubHost.unknown();
        }
    }
}
