package android.content;

public interface ComponentCallbacks2 extends android.content.ComponentCallbacks {
    public static final int TRIM_MEMORY_UI_HIDDEN = 20;

    void onTrimMemory(int arg1);
}
