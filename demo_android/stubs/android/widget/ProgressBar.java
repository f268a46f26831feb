package android.widget;

public class ProgressBar extends android.view.View {
    public ProgressBar(android.content.Context context, android.util.AttributeSet attrs) {
        super(context, attrs);
    }
}
