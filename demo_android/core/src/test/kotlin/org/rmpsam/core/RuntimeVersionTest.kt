package org.rmpsam.core

import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test

class RuntimeVersionTest {
    @Test
    fun versionsAreComparedAsNumbers() {
        assertTrue(RuntimeVersion.isAtLeast("1.4.1", "1.4.1"))
        assertTrue(RuntimeVersion.isAtLeast("1.10", "1.9.9"))
        assertTrue(RuntimeVersion.isAtLeast("1.4.1+cpu", "1.4"))
        assertFalse(RuntimeVersion.isAtLeast("1.4", "1.4.1"))
        assertFalse(RuntimeVersion.isAtLeast("0.9.9-rc1", "1.0"))
    }
}
