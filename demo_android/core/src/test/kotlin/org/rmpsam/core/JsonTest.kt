package org.rmpsam.core

import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Test

class JsonTest {
    @Test
    fun valuesComeBack() {
        val value =
            mapOf(
                "a" to listOf(1L, -2.5, 1e300, true, null),
                "ü\"\\\n\u2028" to "\u0001😀",
                "empty" to mapOf("l" to emptyList<Any?>()),
            )
        assertEquals(value, Json.parse(Json.write(value)))
    }

    @Test
    fun numbersKeepTheirKind() {
        assertEquals(listOf(3L, 3.0, 300.0, -0.0, 0L), Json.parse("[3, 3.0, 3e2, -0.0, 0]"))
    }

    @Test
    fun escapesAreRead() {
        assertEquals("\"\\/\b\u000c\n\r\tä😀", Json.parse("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\ud83d\\ude00\""))
    }

    @Test
    fun whatIsNoJsonIsRefused() {
        val broken =
            listOf(
                "",
                " ",
                "{",
                "[1,]",
                "{\"a\":1,}",
                "{\"a\" 1}",
                "{a:1}",
                "[1 2]",
                "01",
                "+1",
                "1.",
                ".5",
                "NaN",
                "Infinity",
                "tru",
                "\"a",
            )
        val alsoBroken =
            listOf(
                "\"\n\"",
                "\"\\x\"",
                "\"\\u12g4\"",
                "\"\\u12",
                "{\"a\":1,\"a\":2}",
                "1 2",
                "'a'",
                "// c\n1",
                "9223372036854775808",
            )
        (broken + alsoBroken + "[".repeat(100)).forEach { text ->
            assertThrows(text, JsonException::class.java) { Json.parse(text) }
        }
    }

    @Test
    fun numbersThatJsonHasNotAreNotWritten() {
        assertThrows(IllegalArgumentException::class.java) { Json.write(Double.NaN) }
    }
}
