package android.widget;

import org.rmpsam.stub.StubHost;

public class ListView extends android.widget.AbsListView {
    public ListView(android.content.Context context, android.util.AttributeSet attrs) {
        super(context, attrs);
    }

    public android.widget.ListAdapter getAdapter() {
        throw StubHost.unknown();
    }

    public void setAdapter(android.widget.ListAdapter adapter) {
        throw StubHost.unknown();
    }
}
