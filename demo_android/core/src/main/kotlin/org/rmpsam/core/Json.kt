package org.rmpsam.core

/**
 * JSON text as plain values: null, Boolean, Long (no fraction, no exponent), Double, String, List and Map in the order
 * of the text. Strict RFC 8259: no comments, no trailing commas, no NaN, no key twice.
 */
public object Json {
    /**
     * Reads one document.
     *
     * @throws JsonException with the position, in characters from 0.
     */
    public fun parse(text: String): Any? = JsonParser(text).document()

    /**
     * Writes [value] on one line; null, Boolean, finite numbers, String, List, DoubleArray and Map with String keys.
     *
     * @throws IllegalArgumentException for any other type, or a number that is not finite.
     */
    public fun write(value: Any?): String = StringBuilder().also { append(it, value) }.toString()

    private fun append(
        out: StringBuilder,
        value: Any?,
    ) {
        when (value) {
            null, is Boolean, is Int, is Long -> out.append(value)
            is Double -> out.append(value.also { require(it.isFinite()) { "$it is no JSON number" } })
            is String -> appendString(out, value)
            is DoubleArray -> append(out, value.asList())
            is List<*> -> appendAll(out, value, '[', ']') { append(out, it) }
            is Map<*, *> -> appendMap(out, value)
            else -> throw IllegalArgumentException("${value::class} has no JSON form")
        }
    }

    private fun appendMap(
        out: StringBuilder,
        map: Map<*, *>,
    ) = appendAll(out, map.entries, '{', '}') { (key, item) ->
        appendString(out, key as String)
        out.append(": ")
        append(out, item)
    }

    private fun <T> appendAll(
        out: StringBuilder,
        items: Collection<T>,
        open: Char,
        close: Char,
        one: (T) -> Unit,
    ) {
        out.append(open)
        items.forEachIndexed { index, item ->
            if (index > 0) out.append(", ")
            one(item)
        }
        out.append(close)
    }

    private fun appendString(
        out: StringBuilder,
        text: String,
    ) {
        out.append('"')
        for (letter in text) {
            when {
                letter == '"' || letter == '\\' -> out.append('\\').append(letter)
                letter < ' ' -> out.append("\\u%04x".format(letter.code))
                else -> out.append(letter)
            }
        }
        out.append('"')
    }
}

/** Text that is no JSON. */
public class JsonException(
    message: String,
) : Exception(message)

private class JsonParser(
    private val text: String,
) {
    private var at = 0

    fun document(): Any? {
        val value = value(depth = 0)
        space()
        if (at < text.length) fail("nothing more")
        return value
    }

    private fun value(depth: Int): Any? {
        if (depth > MAX_DEPTH) fail("fewer than $MAX_DEPTH levels")
        space()
        return when (peek()) {
            '{' -> map(depth)
            '[' -> list(depth)
            '"' -> string()
            't' -> word("true", true)
            'f' -> word("false", false)
            'n' -> word("null", null)
            else -> number()
        }
    }

    private fun map(depth: Int): Map<String, Any?> {
        val map = LinkedHashMap<String, Any?>()
        items('}') {
            space()
            if (peek() != '"') fail("a key in quotation marks")
            val key = string()
            space()
            expect(':')
            if (key in map) fail("each key once, not \"$key\" twice")
            map[key] = value(depth + 1)
        }
        return map
    }

    private fun list(depth: Int): List<Any?> = buildList { items(']') { add(value(depth + 1)) } }

    private fun items(
        close: Char,
        one: () -> Unit,
    ) {
        at++
        space()
        if (peek() == close) {
            at++
            return
        }
        while (true) {
            one()
            space()
            if (peek() == close) break
            expect(',')
        }
        at++
    }

    private fun string(): String {
        val out = StringBuilder()
        at++
        while (peek() != '"') {
            val letter = peek() ?: fail("the end of a string")
            at++
            if (letter < ' ') fail("no control characters in a string")
            out.append(if (letter == '\\') escaped() else letter)
        }
        at++
        return out.toString()
    }

    private fun escaped(): Char {
        val letter = peek() ?: fail("the rest of an escape")
        at++
        if (letter == 'u') {
            val digits = text.substring(at, minOf(at + HEX_DIGITS, text.length))
            if (digits.length < HEX_DIGITS || digits.any { it.digitToIntOrNull(HEX) == null }) fail("four hex digits")
            at += HEX_DIGITS
            return digits.toInt(HEX).toChar()
        }
        return ESCAPES[letter] ?: fail("a known escape")
    }

    private fun word(
        word: String,
        value: Any?,
    ): Any? {
        if (!text.startsWith(word, at)) fail("a value")
        at += word.length
        return value
    }

    private fun number(): Any {
        val match = NUMBER.matchAt(text, at) ?: fail("a value")
        at = match.range.last + 1
        val whole = match.groupValues[1].isEmpty() && match.groupValues[2].isEmpty()
        return if (whole) match.value.toLongOrNull() ?: fail("a number of 64 bits") else match.value.toDouble()
    }

    private fun space() {
        while (peek()?.let { it in " \t\n\r" } == true) at++
    }

    private fun expect(letter: Char) {
        if (peek() != letter) fail("'$letter'")
        at++
    }

    private fun peek(): Char? = text.getOrNull(at)

    private fun fail(wanted: String): Nothing {
        if (at >= text.length) throw JsonException("the text ends at $at; wanted $wanted")
        throw JsonException("at $at: wanted $wanted")
    }

    private companion object {
        const val MAX_DEPTH = 64
        const val HEX = 16
        const val HEX_DIGITS = 4
        val NUMBER = Regex("""-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?""")
        val ESCAPES =
            mapOf(
                '"' to '"',
                '\\' to '\\',
                '/' to '/',
                'b' to '\b',
                'f' to '\u000c',
                'n' to '\n',
                'r' to '\r',
                't' to '\t',
            )
    }
}
