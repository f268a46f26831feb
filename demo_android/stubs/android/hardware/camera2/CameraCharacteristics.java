package android.hardware.camera2;

import org.jetbrains.annotations.Nullable;
import org.rmpsam.stub.StubHost;

public class CameraCharacteristics extends android.hardware.camera2.CameraMetadata {
    public static final android.hardware.camera2.CameraCharacteristics.Key<Integer> LENS_FACING = null;

    public static final android.hardware.camera2.CameraCharacteristics.Key<android.hardware.camera2.params.StreamConfigurationMap> SCALER_STREAM_CONFIGURATION_MAP = null;

    public static final android.hardware.camera2.CameraCharacteristics.Key<Integer> SENSOR_ORIENTATION = null;

    public <T> @Nullable T get(android.hardware.camera2.CameraCharacteristics.Key<T> key) {
        throw StubHost.unknown();
    }

    public static class Key<T> {

    }
}
