package android.os;

public class Bundle extends android.os.BaseBundle implements android.os.Parcelable, java.lang.Cloneable {
    public Bundle() {
    }
}
