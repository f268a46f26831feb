package android.content;

public class ActivityNotFoundException extends java.lang.RuntimeException {
    public ActivityNotFoundException() {
    }
}
