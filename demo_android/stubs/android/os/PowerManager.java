package android.os;

import org.rmpsam.stub.StubHost;

public class PowerManager {
    public static final int THERMAL_STATUS_NONE = 0;

    public int getCurrentThermalStatus() {
        throw StubHost.unknown();
    }

    public boolean isInteractive() {
        throw StubHost.unknown();
    }

    public boolean isPowerSaveMode() {
        throw StubHost.unknown();
    }
}
