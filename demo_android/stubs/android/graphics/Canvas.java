package android.graphics;

import org.rmpsam.stub.StubHost;

public class Canvas {
    public boolean clipRect(float left, float top, float right, float bottom) {
        throw StubHost.unknown();
    }

    public boolean clipRect(int left, int top, int right, int bottom) {
        throw StubHost.unknown();
    }

    public void concat(android.graphics.Matrix matrix) {
        throw StubHost.unknown();
    }

    public void drawBitmap(android.graphics.Bitmap bitmap, android.graphics.Matrix matrix, android.graphics.Paint paint) {
        throw StubHost.unknown();
    }

    public void drawBitmap(android.graphics.Bitmap bitmap, float left, float top, android.graphics.Paint paint) {
        throw StubHost.unknown();
    }

    public void drawCircle(float cx, float cy, float radius, android.graphics.Paint paint) {
        throw StubHost.unknown();
    }

    public void drawLine(float startX, float startY, float stopX, float stopY, android.graphics.Paint paint) {
        throw StubHost.unknown();
    }

    public void drawLines(float[] pts, android.graphics.Paint paint) {
        throw StubHost.unknown();
    }

    public void drawRect(float left, float top, float right, float bottom, android.graphics.Paint paint) {
        throw StubHost.unknown();
    }

    public void drawText(String text, float x, float y, android.graphics.Paint paint) {
        throw StubHost.unknown();
    }

    public void restore() {
        throw StubHost.unknown();
    }

    public int save() {
        throw StubHost.unknown();
    }

    public int saveLayerAlpha(float left, float top, float right, float bottom, int alpha) {
        throw StubHost.unknown();
    }
}
