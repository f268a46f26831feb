package org.rmpsam.stub;

import java.util.Map;

/**
 * What answers where a stub must do something, so that the app's measuring part can run on a plain JVM. Not part of
 * Android: the app itself never names it.
 */
public final class StubHost {
    /** Receives what an instrumentation says. */
    public interface Program {
        void status(int code, Map<String, Object> values);

        void finished(int code, Map<String, Object> values);

        android.content.Context targetContext();
    }

    public static Program program;

    private StubHost() {
    }

    private static final Map<Object, Map<String, Object>> VALUES = new java.util.WeakHashMap<>();

    /** What lies in a bundle; kept here, so that the stub has no member that the real class has not. */
    public static synchronized Map<String, Object> values(Object bundle) {
        return VALUES.computeIfAbsent(bundle, unused -> new java.util.LinkedHashMap<>());
    }

    /** For everything that only has a signature. */
    public static RuntimeException unknown() {
        return new UnsupportedOperationException("a stub: only its signature is known");
    }

    /** A field that differs from device to device, such as {@code SDK_INT}, from the system property of its name. */
    public static int number(String field) {
        return Integer.getInteger("stub." + field, 0);
    }

    /** A text that differs from device to device. */
    public static String text(String field) {
        return System.getProperty("stub." + field, "unknown");
    }
}
