package android.graphics;

public class ColorMatrixColorFilter extends android.graphics.ColorFilter {
    public ColorMatrixColorFilter(android.graphics.ColorMatrix matrix) {
    }
}
