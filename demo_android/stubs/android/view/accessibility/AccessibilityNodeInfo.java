package android.view.accessibility;

import org.rmpsam.stub.StubHost;

public class AccessibilityNodeInfo implements android.os.Parcelable {
    public void addAction(android.view.accessibility.AccessibilityNodeInfo.AccessibilityAction action) {
        throw StubHost.unknown();
    }

    public static class AccessibilityAction implements android.os.Parcelable {
        public AccessibilityAction(int actionId, CharSequence label) {
        }
    }
}
