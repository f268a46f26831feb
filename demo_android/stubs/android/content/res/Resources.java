package android.content.res;

import org.rmpsam.stub.StubHost;

public class Resources {
    public android.util.DisplayMetrics getDisplayMetrics() {
        throw StubHost.unknown();
    }

    public int[] getIntArray(int id) {
        throw StubHost.unknown();
    }

    public String getQuantityString(int id, int quantity) {
        throw StubHost.unknown();
    }

    public String getQuantityString(int id, int quantity, Object... formatArgs) {
        throw StubHost.unknown();
    }

    public String[] getStringArray(int id) {
        throw StubHost.unknown();
    }
}
