package org.rmpsam.demo.screens

import android.os.Bundle
import android.view.KeyEvent
import android.view.View
import android.view.accessibility.AccessibilityNodeInfo
import org.rmpsam.core.GridCursor
import org.rmpsam.core.PointLabel
import org.rmpsam.demo.R

/** The way to a mask without a finger: arrow keys or a screen reader's actions move a cursor over the picture. */
internal class PictureAccess(
    private val view: PictureView,
) : View.AccessibilityDelegate() {
    /** Answers an arrow, enter or delete key; false for any other. */
    fun onKey(
        keyCode: Int,
        event: KeyEvent,
    ): Boolean {
        val (right, down) = MOVES[keyCode] ?: return onSetKey(keyCode, event)
        return move(right, down)
    }

    /** Sets a point where the cursor is, which is the middle of the picture at first. */
    fun pointAtCursor(label: Int): Boolean {
        val cursor = cursorOrCentre() ?: return false
        view.onPoint(cursor.position, label)
        return true
    }

    override fun onInitializeAccessibilityNodeInfo(
        host: View,
        info: AccessibilityNodeInfo,
    ) {
        super.onInitializeAccessibilityNodeInfo(host, info)
        for ((id, label) in LABELS) {
            info.addAction(AccessibilityNodeInfo.AccessibilityAction(id, view.context.getString(label)))
        }
    }

    override fun performAccessibilityAction(
        host: View,
        action: Int,
        arguments: Bundle?,
    ): Boolean =
        when (action) {
            R.id.action_left -> move(-1, 0)
            R.id.action_right -> move(1, 0)
            R.id.action_up -> move(0, -1)
            R.id.action_down -> move(0, 1)
            R.id.action_object_here -> pointAtCursor(PointLabel.FOREGROUND)
            R.id.action_background_here -> pointAtCursor(PointLabel.BACKGROUND)
            else -> super.performAccessibilityAction(host, action, arguments)
        }

    private fun onSetKey(
        keyCode: Int,
        event: KeyEvent,
    ): Boolean {
        val sets = keyCode == KeyEvent.KEYCODE_ENTER || keyCode == KeyEvent.KEYCODE_DPAD_CENTER
        if (!sets || event.repeatCount > 0) return false
        return pointAtCursor(if (event.isShiftPressed) PointLabel.BACKGROUND else PointLabel.FOREGROUND)
    }

    private fun move(
        right: Int,
        down: Int,
    ): Boolean {
        val cursor = cursorOrCentre() ?: return false
        val moved = cursor.moved(right, down)
        // At the picture's edge an arrow key goes on to the next control, so nobody is caught in the picture.
        if (moved == cursor && view.cursor != null) return false
        view.cursor = moved
        view.stateDescriptionIfKnown(
            view.context.getString(
                R.string.cursor_position,
                moved.column + 1,
                moved.columns,
                moved.row + 1,
                moved.rows,
            ),
        )
        return true
    }

    private fun cursorOrCentre() = view.cursor ?: view.extent?.let(GridCursor::centred)

    private companion object {
        val MOVES =
            mapOf(
                KeyEvent.KEYCODE_DPAD_LEFT to (-1 to 0),
                KeyEvent.KEYCODE_DPAD_RIGHT to (1 to 0),
                KeyEvent.KEYCODE_DPAD_UP to (0 to -1),
                KeyEvent.KEYCODE_DPAD_DOWN to (0 to 1),
            )
        val LABELS =
            mapOf(
                R.id.action_left to R.string.action_left,
                R.id.action_right to R.string.action_right,
                R.id.action_up to R.string.action_up,
                R.id.action_down to R.string.action_down,
                R.id.action_object_here to R.string.action_object_here,
                R.id.action_background_here to R.string.action_background_here,
            )
    }
}

/** Tells a screen reader where the cursor is: as the view's state where the system knows states, else as its name. */
private fun View.stateDescriptionIfKnown(text: String) {
    if (android.os.Build.VERSION.SDK_INT >= android.os.Build.VERSION_CODES.R) {
        stateDescription = text
    } else {
        contentDescription = text
    }
}
