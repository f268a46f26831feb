package android.os;

public class BatteryManager {
    public static final int BATTERY_PLUGGED_AC = 1;

    public static final int BATTERY_PLUGGED_USB = 2;

    public static final int BATTERY_PLUGGED_WIRELESS = 4;

    public static final String EXTRA_LEVEL = "level";

    public static final String EXTRA_PLUGGED = "plugged";

    public static final String EXTRA_SCALE = "scale";
}
