package android.util;

public class AndroidException extends java.lang.Exception {

}
