package android.view;

import org.rmpsam.stub.StubHost;

public class GestureDetector {
    public GestureDetector(android.content.Context context, android.view.GestureDetector.OnGestureListener listener) {
    }

    public boolean onTouchEvent(android.view.MotionEvent ev) {
        throw StubHost.unknown();
    }

    public interface OnGestureListener {

    }

    public static class SimpleOnGestureListener implements android.view.GestureDetector.OnGestureListener {
        public SimpleOnGestureListener() {
        }

        public boolean onDown(android.view.MotionEvent e) {
            throw StubHost.unknown();
        }

        public void onLongPress(android.view.MotionEvent e) {
            throw StubHost.unknown();
        }

        public boolean onSingleTapUp(android.view.MotionEvent e) {
            throw StubHost.unknown();
        }
    }
}
