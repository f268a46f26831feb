package android.os;

import org.rmpsam.stub.StubHost;

public class Build {
    public static final String FINGERPRINT = StubHost.text("FINGERPRINT");

    public static final String HARDWARE = StubHost.text("HARDWARE");

    public static final String MODEL = StubHost.text("MODEL");

    public static final String SOC_MANUFACTURER = StubHost.text("SOC_MANUFACTURER");

    public static final String SOC_MODEL = StubHost.text("SOC_MODEL");

    public static final String[] SUPPORTED_ABIS = {StubHost.text("SUPPORTED_ABIS")};

    public static class VERSION {
        public static final String RELEASE = StubHost.text("RELEASE");

        public static final int SDK_INT = StubHost.number("SDK_INT");
    }

    public static class VERSION_CODES {
        public static final int R = 30;

        public static final int S = 31;

        public static final int TIRAMISU = 33;
    }
}
