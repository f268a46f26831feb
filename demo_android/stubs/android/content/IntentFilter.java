package android.content;

public class IntentFilter implements android.os.Parcelable {
    public IntentFilter(String action) {
    }
}
