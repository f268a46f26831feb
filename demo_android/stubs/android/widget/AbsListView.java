package android.widget;

public abstract class AbsListView extends android.widget.AdapterView {
    public AbsListView(android.content.Context context, android.util.AttributeSet attrs) {
        super(context, attrs);
    }
}
