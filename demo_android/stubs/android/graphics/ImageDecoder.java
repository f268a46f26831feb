package android.graphics;

import org.rmpsam.stub.StubHost;

public class ImageDecoder implements java.lang.AutoCloseable {
    public static final int ALLOCATOR_SOFTWARE = 1;

    public void close() {
        throw StubHost.unknown();
    }

    public static android.graphics.ImageDecoder.Source createSource(android.content.ContentResolver cr, android.net.Uri uri) {
        throw StubHost.unknown();
    }

    public static android.graphics.Bitmap decodeBitmap(android.graphics.ImageDecoder.Source src, android.graphics.ImageDecoder.OnHeaderDecodedListener listener) {
        throw StubHost.unknown();
    }

    public int getAllocator() {
        throw StubHost.unknown();
    }

    public void setAllocator(int allocator) {
        throw StubHost.unknown();
    }

    public void setTargetSampleSize(int sampleSize) {
        throw StubHost.unknown();
    }

    public interface OnHeaderDecodedListener {
        void onHeaderDecoded(android.graphics.ImageDecoder arg1, android.graphics.ImageDecoder.ImageInfo arg2, android.graphics.ImageDecoder.Source arg3);
    }

    public abstract static class Source {

    }

    public static class ImageInfo {
        public android.util.Size getSize() {
            throw StubHost.unknown();
        }
    }
}
