package android.view;

public interface WindowManager {
    public static class LayoutParams extends android.view.ViewGroup.LayoutParams implements android.os.Parcelable {
        public static final int FLAG_KEEP_SCREEN_ON = 128;
    }
}
