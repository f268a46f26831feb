package android.content;

import org.jetbrains.annotations.Nullable;
import org.rmpsam.stub.StubHost;

public class Intent implements android.os.Parcelable, java.lang.Cloneable {
    public static final String ACTION_BATTERY_CHANGED = "android.intent.action.BATTERY_CHANGED";

    public static final String ACTION_OPEN_DOCUMENT = "android.intent.action.OPEN_DOCUMENT";

    public static final String ACTION_SEND = "android.intent.action.SEND";

    public static final String CATEGORY_OPENABLE = "android.intent.category.OPENABLE";

    public static final String EXTRA_STREAM = "android.intent.extra.STREAM";

    public static final int FLAG_ACTIVITY_NEW_TASK = 268435456;

    public static final int FLAG_GRANT_READ_URI_PERMISSION = 1;

    public static final int FLAG_GRANT_WRITE_URI_PERMISSION = 2;

    public Intent(String action) {
    }

    public Intent(android.content.Context packageContext, Class<?> cls) {
    }

    public android.content.Intent addCategory(String category) {
        throw StubHost.unknown();
    }

    public android.content.Intent addFlags(int flags) {
        return this;
    }

    public static android.content.Intent createChooser(android.content.Intent target, CharSequence title) {
        throw StubHost.unknown();
    }

    public @Nullable android.content.ClipData getClipData() {
        throw StubHost.unknown();
    }

    public @Nullable android.net.Uri getData() {
        throw StubHost.unknown();
    }

    public int getIntExtra(String name, int defaultValue) {
        throw StubHost.unknown();
    }

    public android.content.Intent putExtra(String name, android.os.Parcelable value) {
        throw StubHost.unknown();
    }

    public void setClipData(android.content.ClipData clip) {
        throw StubHost.unknown();
    }

    public android.content.Intent setType(String type) {
        throw StubHost.unknown();
    }
}
