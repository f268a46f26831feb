package android.widget;

import org.rmpsam.stub.StubHost;

public class TextView extends android.view.View {
    public TextView(android.content.Context context, android.util.AttributeSet attrs) {
        super(context, attrs);
    }

    public CharSequence getText() {
        throw StubHost.unknown();
    }

    public void setText(int resid) {
        throw StubHost.unknown();
    }

    public void setText(CharSequence text) {
        throw StubHost.unknown();
    }
}
