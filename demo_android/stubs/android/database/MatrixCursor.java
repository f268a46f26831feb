package android.database;

import org.rmpsam.stub.StubHost;

public class MatrixCursor extends android.database.AbstractCursor {
    public MatrixCursor(String[] columnNames, int initialCapacity) {
    }

    public void addRow(Iterable<Object> columnValues) {
        throw StubHost.unknown();
    }

    public void addRow(Object[] columnValues) {
        throw StubHost.unknown();
    }
}
