package android.widget;

public interface ListAdapter extends android.widget.Adapter {

}
