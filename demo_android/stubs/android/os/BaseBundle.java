package android.os;

import org.jetbrains.annotations.Nullable;
import org.rmpsam.stub.StubHost;

public class BaseBundle {
    public boolean getBoolean(String key, boolean defaultValue) {
        return StubHost.values(this).containsKey(key) ? (Boolean) StubHost.values(this).get(key) : defaultValue;
    }

    public @Nullable double[] getDoubleArray(String key) {
        return (double[]) StubHost.values(this).get(key);
    }

    public @Nullable String getString(String key) {
        return (String) StubHost.values(this).get(key);
    }

    public java.util.Set<String> keySet() {
        return StubHost.values(this).keySet();
    }

    public void putBoolean(String key, boolean value) {
        StubHost.values(this).put(key, value);
    }

    public void putDoubleArray(String key, double[] value) {
        StubHost.values(this).put(key, value);
    }

    public void putString(String key, String value) {
        StubHost.values(this).put(key, value);
    }
}
