package android.view;

import org.jetbrains.annotations.Nullable;
import org.rmpsam.stub.StubHost;

public class View {
    public static final int GONE = 8;

    public static final int INVISIBLE = 4;

    public static final int VISIBLE = 0;

    public View(android.content.Context context, android.util.AttributeSet attrs) {
    }

    public @Nullable android.view.View.AccessibilityDelegate getAccessibilityDelegate() {
        throw StubHost.unknown();
    }

    public CharSequence getContentDescription() {
        throw StubHost.unknown();
    }

    public android.content.Context getContext() {
        throw StubHost.unknown();
    }

    public int getHeight() {
        throw StubHost.unknown();
    }

    public android.view.ViewGroup.LayoutParams getLayoutParams() {
        throw StubHost.unknown();
    }

    public android.view.ViewParent getParent() {
        throw StubHost.unknown();
    }

    public android.content.res.Resources getResources() {
        throw StubHost.unknown();
    }

    public @Nullable CharSequence getStateDescription() {
        throw StubHost.unknown();
    }

    public int getVisibility() {
        throw StubHost.unknown();
    }

    public int getWidth() {
        throw StubHost.unknown();
    }

    public void invalidate() {
        throw StubHost.unknown();
    }

    public boolean isClickable() {
        throw StubHost.unknown();
    }

    public boolean isEnabled() {
        throw StubHost.unknown();
    }

    public boolean isFocusable() {
        throw StubHost.unknown();
    }

    public void onDraw(android.graphics.Canvas canvas) {
        throw StubHost.unknown();
    }

    public boolean onKeyDown(int keyCode, android.view.KeyEvent event) {
        throw StubHost.unknown();
    }

    public void onSizeChanged(int w, int h, int oldw, int oldh) {
        throw StubHost.unknown();
    }

    public boolean onTouchEvent(android.view.MotionEvent event) {
        throw StubHost.unknown();
    }

    public boolean performClick() {
        throw StubHost.unknown();
    }

    public void setAccessibilityDelegate(android.view.View.AccessibilityDelegate delegate) {
        throw StubHost.unknown();
    }

    public void setClickable(boolean clickable) {
        throw StubHost.unknown();
    }

    public void setContentDescription(CharSequence contentDescription) {
        throw StubHost.unknown();
    }

    public void setEnabled(boolean enabled) {
        throw StubHost.unknown();
    }

    public void setFocusable(boolean focusable) {
        throw StubHost.unknown();
    }

    public void setLayoutParams(android.view.ViewGroup.LayoutParams params) {
        throw StubHost.unknown();
    }

    public void setOnClickListener(android.view.View.OnClickListener l) {
        throw StubHost.unknown();
    }

    public void setOnLongClickListener(android.view.View.OnLongClickListener l) {
        throw StubHost.unknown();
    }

    public void setStateDescription(CharSequence stateDescription) {
        throw StubHost.unknown();
    }

    public void setVisibility(int visibility) {
        throw StubHost.unknown();
    }

    public interface OnClickListener {
        void onClick(android.view.View arg1);
    }

    public interface OnLongClickListener {
        boolean onLongClick(android.view.View arg1);
    }

    public static class AccessibilityDelegate {
        public AccessibilityDelegate() {
        }

        public void onInitializeAccessibilityNodeInfo(android.view.View host, android.view.accessibility.AccessibilityNodeInfo info) {
            throw StubHost.unknown();
        }

        public boolean performAccessibilityAction(android.view.View host, int action, android.os.Bundle args) {
            throw StubHost.unknown();
        }
    }
}
