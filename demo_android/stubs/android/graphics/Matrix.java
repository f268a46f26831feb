package android.graphics;

import org.rmpsam.stub.StubHost;

public class Matrix {
    public Matrix() {
    }

    public boolean invert(android.graphics.Matrix inverse) {
        throw StubHost.unknown();
    }

    public void mapPoints(float[] pts) {
        throw StubHost.unknown();
    }

    public void mapPoints(float[] dst, float[] src) {
        throw StubHost.unknown();
    }

    public float mapRadius(float radius) {
        throw StubHost.unknown();
    }

    public boolean postTranslate(float dx, float dy) {
        throw StubHost.unknown();
    }

    public void setScale(float sx, float sy) {
        throw StubHost.unknown();
    }
}
