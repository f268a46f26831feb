package android.app;

import org.rmpsam.stub.StubHost;

public class Instrumentation {
    public Instrumentation() {
    }

    public void finish(int resultCode, android.os.Bundle results) {
        StubHost.program.finished(resultCode, StubHost.values(results));
    }

    public android.content.Context getTargetContext() {
        return StubHost.program.targetContext();
    }

    public void onCreate(android.os.Bundle arguments) {
    }

    public void onStart() {
    }

    public void sendStatus(int resultCode, android.os.Bundle results) {
        StubHost.program.status(resultCode, StubHost.values(results));
    }

    public void start() {
        onStart();
    }

    public android.app.Activity startActivitySync(android.content.Intent intent) {
        return null;
    }
}
