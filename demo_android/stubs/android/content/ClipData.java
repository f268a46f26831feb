package android.content;

import org.rmpsam.stub.StubHost;

public class ClipData implements android.os.Parcelable {
    public static android.content.ClipData newPlainText(CharSequence label, CharSequence text) {
        throw StubHost.unknown();
    }

    public static android.content.ClipData newRawUri(CharSequence label, android.net.Uri uri) {
        throw StubHost.unknown();
    }
}
