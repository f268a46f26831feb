package android.widget;

import org.rmpsam.stub.StubHost;

public abstract class AdapterView<T> extends android.view.ViewGroup {
    public AdapterView(android.content.Context context, android.util.AttributeSet attrs) {
        super(context, attrs);
    }

    public void setOnItemClickListener(android.widget.AdapterView.OnItemClickListener listener) {
        throw StubHost.unknown();
    }

    public interface OnItemClickListener {
        void onItemClick(android.widget.AdapterView<Object> arg1, android.view.View arg2, int arg3, long arg4);
    }
}
