package android.content;

import org.jetbrains.annotations.Nullable;

public interface SharedPreferences {
    boolean contains(String arg1);

    android.content.SharedPreferences.Editor edit();

    float getFloat(String arg1, float arg2);

    @Nullable String getString(String arg1, String arg2);

    public interface Editor {
        void apply();

        android.content.SharedPreferences.Editor putFloat(String arg1, float arg2);

        android.content.SharedPreferences.Editor putString(String arg1, String arg2);
    }
}
