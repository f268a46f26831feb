package android.hardware.camera2;

import org.rmpsam.stub.StubHost;

public class CameraManager {
    public android.hardware.camera2.CameraCharacteristics getCameraCharacteristics(String cameraId) {
        throw StubHost.unknown();
    }

    public String[] getCameraIdList() {
        throw StubHost.unknown();
    }

    public void openCamera(String cameraId, java.util.concurrent.Executor executor, android.hardware.camera2.CameraDevice.StateCallback callback) {
        throw StubHost.unknown();
    }
}
