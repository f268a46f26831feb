package android.graphics;

import org.rmpsam.stub.StubHost;

public class Paint {
    public static final int ANTI_ALIAS_FLAG = 1;

    public static final int FILTER_BITMAP_FLAG = 2;

    public Paint(int flags) {
    }

    public int getColor() {
        throw StubHost.unknown();
    }

    public android.graphics.ColorFilter getColorFilter() {
        throw StubHost.unknown();
    }

    public android.graphics.Paint.Cap getStrokeCap() {
        throw StubHost.unknown();
    }

    public float getStrokeWidth() {
        throw StubHost.unknown();
    }

    public android.graphics.Paint.Style getStyle() {
        throw StubHost.unknown();
    }

    public android.graphics.Paint.Align getTextAlign() {
        throw StubHost.unknown();
    }

    public float getTextSize() {
        throw StubHost.unknown();
    }

    public void setColor(int color) {
        throw StubHost.unknown();
    }

    public android.graphics.ColorFilter setColorFilter(android.graphics.ColorFilter filter) {
        throw StubHost.unknown();
    }

    public void setShadowLayer(float radius, float dx, float dy, int shadowColor) {
        throw StubHost.unknown();
    }

    public void setStrokeCap(android.graphics.Paint.Cap cap) {
        throw StubHost.unknown();
    }

    public void setStrokeWidth(float width) {
        throw StubHost.unknown();
    }

    public void setStyle(android.graphics.Paint.Style style) {
        throw StubHost.unknown();
    }

    public void setTextAlign(android.graphics.Paint.Align align) {
        throw StubHost.unknown();
    }

    public void setTextSize(float textSize) {
        throw StubHost.unknown();
    }

    public enum Cap {
        ROUND;
    }

    public enum Style {
        STROKE;
    }

    public enum Align {
        CENTER;
    }
}
