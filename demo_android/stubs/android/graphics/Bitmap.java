package android.graphics;

import org.rmpsam.stub.StubHost;

public class Bitmap implements android.os.Parcelable {
    public boolean compress(android.graphics.Bitmap.CompressFormat format, int quality, java.io.OutputStream stream) {
        throw StubHost.unknown();
    }

    public static android.graphics.Bitmap createBitmap(int[] colors, int width, int height, android.graphics.Bitmap.Config config) {
        throw StubHost.unknown();
    }

    public int getHeight() {
        throw StubHost.unknown();
    }

    public void getPixels(int[] pixels, int offset, int stride, int x, int y, int width, int height) {
        throw StubHost.unknown();
    }

    public int getWidth() {
        throw StubHost.unknown();
    }

    public enum CompressFormat {
        PNG;
    }

    public enum Config {
        ARGB_8888;
    }
}
