package android.view;

import org.rmpsam.stub.StubHost;

public class MenuInflater {
    public void inflate(int menuRes, android.view.Menu menu) {
        throw StubHost.unknown();
    }
}
