package android.content.pm;

public class ApplicationInfo implements android.os.Parcelable {
    public static final int FLAG_DEBUGGABLE = 2;

    public int flags;
}
