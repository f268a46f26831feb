package android.content;

public class ContentValues implements android.os.Parcelable {

}
