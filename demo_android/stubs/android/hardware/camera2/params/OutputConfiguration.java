package android.hardware.camera2.params;

public class OutputConfiguration implements android.os.Parcelable {
    public OutputConfiguration(android.view.Surface surface) {
    }
}
