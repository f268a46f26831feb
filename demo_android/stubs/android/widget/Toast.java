package android.widget;

import org.rmpsam.stub.StubHost;

public class Toast {
    public static final int LENGTH_LONG = 1;

    public static final int LENGTH_SHORT = 0;

    public static android.widget.Toast makeText(android.content.Context context, int resId, int duration) {
        throw StubHost.unknown();
    }

    public static android.widget.Toast makeText(android.content.Context context, CharSequence text, int duration) {
        throw StubHost.unknown();
    }

    public void show() {
        throw StubHost.unknown();
    }
}
