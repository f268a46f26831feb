package android.view;

public abstract class ViewGroup extends android.view.View implements android.view.ViewParent {
    public ViewGroup(android.content.Context context, android.util.AttributeSet attrs) {
        super(context, attrs);
    }

    public static class LayoutParams {
        public int height;

        public int width;
    }
}
