package android;

public class Manifest {
    public static class permission {
        public static final String CAMERA = "android.permission.CAMERA";
    }
}
