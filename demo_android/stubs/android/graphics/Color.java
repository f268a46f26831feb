package android.graphics;

import org.rmpsam.stub.StubHost;

public class Color {
    public static final int BLACK = -16777216;

    public static final int WHITE = -1;

    public static int blue(int color) {
        throw StubHost.unknown();
    }

    public static float blue(long color) {
        throw StubHost.unknown();
    }

    public static int green(int color) {
        throw StubHost.unknown();
    }

    public static float green(long color) {
        throw StubHost.unknown();
    }

    public static int red(int color) {
        throw StubHost.unknown();
    }

    public static float red(long color) {
        throw StubHost.unknown();
    }
}
