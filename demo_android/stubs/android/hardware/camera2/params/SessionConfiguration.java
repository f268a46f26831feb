package android.hardware.camera2.params;

public class SessionConfiguration implements android.os.Parcelable {
    public static final int SESSION_REGULAR = 0;

    public SessionConfiguration(int sessionType, java.util.List<android.hardware.camera2.params.OutputConfiguration> outputs, java.util.concurrent.Executor executor, android.hardware.camera2.CameraCaptureSession.StateCallback cb) {
    }
}
