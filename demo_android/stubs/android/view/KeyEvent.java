package android.view;

import org.rmpsam.stub.StubHost;

public class KeyEvent extends android.view.InputEvent implements android.os.Parcelable {
    public static final int KEYCODE_DPAD_CENTER = 23;

    public static final int KEYCODE_DPAD_DOWN = 20;

    public static final int KEYCODE_DPAD_LEFT = 21;

    public static final int KEYCODE_DPAD_RIGHT = 22;

    public static final int KEYCODE_DPAD_UP = 19;

    public static final int KEYCODE_ENTER = 66;

    public int getRepeatCount() {
        throw StubHost.unknown();
    }

    public boolean isShiftPressed() {
        throw StubHost.unknown();
    }
}
