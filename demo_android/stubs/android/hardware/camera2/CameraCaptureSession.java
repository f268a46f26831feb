package android.hardware.camera2;

import org.rmpsam.stub.StubHost;

public abstract class CameraCaptureSession implements java.lang.AutoCloseable {
    public int setRepeatingRequest(android.hardware.camera2.CaptureRequest arg1, android.hardware.camera2.CameraCaptureSession.CaptureCallback arg2, android.os.Handler arg3) {
        throw StubHost.unknown();
    }

    public static class CaptureCallback {

    }

    public abstract static class StateCallback {
        public StateCallback() {
        }

        public void onConfigureFailed(android.hardware.camera2.CameraCaptureSession arg1) {
            throw StubHost.unknown();
        }

        public void onConfigured(android.hardware.camera2.CameraCaptureSession arg1) {
            throw StubHost.unknown();
        }
    }
}
