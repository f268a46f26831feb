package android.view;

import org.rmpsam.stub.StubHost;

public class MotionEvent extends android.view.InputEvent implements android.os.Parcelable {
    public static final int ACTION_CANCEL = 3;

    public static final int ACTION_DOWN = 0;

    public static final int ACTION_MOVE = 2;

    public static final int ACTION_UP = 1;

    public int getActionMasked() {
        throw StubHost.unknown();
    }

    public float getX() {
        throw StubHost.unknown();
    }

    public float getY() {
        throw StubHost.unknown();
    }
}
