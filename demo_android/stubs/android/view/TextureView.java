package android.view;

import org.jetbrains.annotations.Nullable;
import org.rmpsam.stub.StubHost;

public class TextureView extends android.view.View {
    public TextureView(android.content.Context context, android.util.AttributeSet attrs) {
        super(context, attrs);
    }

    public @Nullable android.graphics.Bitmap getBitmap(int width, int height) {
        throw StubHost.unknown();
    }

    public @Nullable android.graphics.SurfaceTexture getSurfaceTexture() {
        throw StubHost.unknown();
    }

    public @Nullable android.view.TextureView.SurfaceTextureListener getSurfaceTextureListener() {
        throw StubHost.unknown();
    }

    public boolean isAvailable() {
        throw StubHost.unknown();
    }

    public void setSurfaceTextureListener(android.view.TextureView.SurfaceTextureListener listener) {
        throw StubHost.unknown();
    }

    public interface SurfaceTextureListener {
        void onSurfaceTextureAvailable(android.graphics.SurfaceTexture arg1, int arg2, int arg3);

        boolean onSurfaceTextureDestroyed(android.graphics.SurfaceTexture arg1);

        void onSurfaceTextureSizeChanged(android.graphics.SurfaceTexture arg1, int arg2, int arg3);

        void onSurfaceTextureUpdated(android.graphics.SurfaceTexture arg1);
    }
}
