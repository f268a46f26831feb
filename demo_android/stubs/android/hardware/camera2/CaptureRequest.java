package android.hardware.camera2;

import org.rmpsam.stub.StubHost;

public class CaptureRequest extends android.hardware.camera2.CameraMetadata implements android.os.Parcelable {
    public static class Builder {
        public void addTarget(android.view.Surface outputTarget) {
            throw StubHost.unknown();
        }

        public android.hardware.camera2.CaptureRequest build() {
            throw StubHost.unknown();
        }
    }
}
