package android.database;

import org.rmpsam.stub.StubHost;

public abstract class AbstractCursor implements android.database.CrossProcessCursor {
    public void close() {
        throw StubHost.unknown();
    }
}
