package android.database;

public interface CrossProcessCursor extends android.database.Cursor {

}
