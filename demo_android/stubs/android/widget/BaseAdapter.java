package android.widget;

public abstract class BaseAdapter implements android.widget.ListAdapter {

}
