package android.widget;

import org.rmpsam.stub.StubHost;

public class RadioGroup extends android.widget.LinearLayout {
    public RadioGroup(android.content.Context context, android.util.AttributeSet attrs) {
        super(context, attrs);
    }

    public void setOnCheckedChangeListener(android.widget.RadioGroup.OnCheckedChangeListener listener) {
        throw StubHost.unknown();
    }

    public interface OnCheckedChangeListener {
        void onCheckedChanged(android.widget.RadioGroup arg1, int arg2);
    }
}
