package android.app;

import org.rmpsam.stub.StubHost;

public class ActivityManager {
    public void getMemoryInfo(android.app.ActivityManager.MemoryInfo outInfo) {
        throw StubHost.unknown();
    }

    public static class MemoryInfo implements android.os.Parcelable {
        public long totalMem;

        public MemoryInfo() {
        }
    }
}
