package android.hardware.camera2;

public abstract class CameraMetadata<T> {
    public static final int LENS_FACING_BACK = 1;
}
