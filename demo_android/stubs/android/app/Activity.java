package android.app;

import org.rmpsam.stub.StubHost;

public class Activity extends android.view.ContextThemeWrapper implements android.content.ComponentCallbacks2 {
    public static final int RESULT_CANCELED = 0;

    public static final int RESULT_OK = -1;

    public Activity() {
    }

    public <T extends android.view.View> T findViewById(int id) {
        throw StubHost.unknown();
    }

    public void finish() {
        throw StubHost.unknown();
    }

    public android.view.MenuInflater getMenuInflater() {
        throw StubHost.unknown();
    }

    public android.view.Window getWindow() {
        throw StubHost.unknown();
    }

    public void onActivityResult(int requestCode, int resultCode, android.content.Intent data) {
        throw StubHost.unknown();
    }

    public void onCreate(android.os.Bundle savedInstanceState) {
        throw StubHost.unknown();
    }

    public boolean onCreateOptionsMenu(android.view.Menu menu) {
        throw StubHost.unknown();
    }

    public boolean onOptionsItemSelected(android.view.MenuItem item) {
        throw StubHost.unknown();
    }

    public void onPause() {
        throw StubHost.unknown();
    }

    public void onRequestPermissionsResult(int requestCode, String[] permissions, int[] grantResults) {
        throw StubHost.unknown();
    }

    public void onResume() {
        throw StubHost.unknown();
    }

    public void onSaveInstanceState(android.os.Bundle outState) {
        throw StubHost.unknown();
    }

    public void onStart() {
        throw StubHost.unknown();
    }

    public void onStop() {
        throw StubHost.unknown();
    }

    public void onTrimMemory(int level) {
        throw StubHost.unknown();
    }

    public void requestPermissions(String[] permissions, int requestCode) {
        throw StubHost.unknown();
    }

    public void runOnUiThread(Runnable action) {
        throw StubHost.unknown();
    }

    public void setContentView(int layoutResID) {
        throw StubHost.unknown();
    }

    public void startActivity(android.content.Intent intent) {
        throw StubHost.unknown();
    }

    public void startActivityForResult(android.content.Intent intent, int requestCode) {
        throw StubHost.unknown();
    }
}
