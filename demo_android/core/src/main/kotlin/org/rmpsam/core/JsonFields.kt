package org.rmpsam.core

/**
 * One JSON object, read field by field. [done] refuses keys that nobody asked for, so a document has exactly the fields
 * that its reader knows.
 *
 * @param where names the object in messages.
 */
internal class JsonFields(
    value: Any?,
    private val where: String,
) {
    private val map: Map<*, *> = expect<Map<*, *>>(value, where, "an object")
    private val asked = mutableSetOf<String>()

    val keys: Set<String> get() = map.keys.map { it as String }.toSet()

    fun text(name: String): String = expect(field(name), at(name), "text")

    fun textOrNull(name: String): String? = field(name)?.let { expect<String>(it, at(name), "text or null") }

    fun flag(name: String): Boolean = expect(field(name), at(name), "true or false")

    fun long(name: String): Long = expect(field(name), at(name), "a whole number")

    fun int(name: String): Int = toInt(field(name), at(name))

    fun intOrNull(name: String): Int? = field(name)?.let { toInt(it, at(name)) }

    fun longOrNull(name: String): Long? = field(name)?.let { expect<Long>(it, at(name), "a whole number or null") }

    fun double(name: String): Double = toDouble(field(name), at(name))

    fun doubles(
        name: String,
        count: Int,
    ): List<Double> = items(name, count) { value, where -> toDouble(value, where) }

    fun ints(
        name: String,
        count: Int? = null,
    ): List<Int> = items(name, count, ::toInt)

    fun texts(name: String): List<String> = items(name, null) { value, where -> expect(value, where, "text") }

    fun <T> objects(
        name: String,
        read: (JsonFields) -> T,
    ): List<T> = items(name, null) { value, where -> JsonFields(value, where).whole(read) }

    fun <T> child(
        name: String,
        read: (JsonFields) -> T,
    ): T = JsonFields(field(name), at(name)).whole(read)

    /** The values of an object whose keys are free, such as file names. */
    fun <T> entries(
        name: String,
        read: (JsonFields, String) -> T,
    ): Map<String, T> = child(name) { inner -> inner.keys.associateWith { key -> read(inner, key) } }

    fun <T> whole(read: (JsonFields) -> T): T = read(this).also { done() }

    /** Throws unless every key has been asked for. */
    fun done() {
        val extra = keys - asked
        if (extra.isNotEmpty()) damaged("$where: ${extra.sorted().joinToString()} unknown")
    }

    fun at(name: String): String = "$where.$name"

    private fun field(name: String): Any? {
        asked += name
        if (name !in map) damaged("$where: $name missing")
        return map[name]
    }

    private fun <T> items(
        name: String,
        count: Int?,
        read: (Any?, String) -> T,
    ): List<T> {
        val list = expect<List<*>>(field(name), at(name), "a list")
        if (count != null && list.size != count) damaged("${at(name)} holds ${list.size} values; wanted $count")
        return list.mapIndexed { index, value -> read(value, "${at(name)}[$index]") }
    }

    private fun toInt(
        value: Any?,
        where: String,
    ): Int {
        val number = expect<Long>(value, where, "a whole number")
        if (number !in Int.MIN_VALUE..Int.MAX_VALUE) damaged("$where is $number; wanted 32 bits")
        return number.toInt()
    }

    private fun toDouble(
        value: Any?,
        where: String,
    ): Double = if (value is Long) value.toDouble() else expect(value, where, "a number")

    private inline fun <reified T> expect(
        value: Any?,
        where: String,
        wanted: String,
    ): T = value as? T ?: damaged("$where is ${Json.write(value).take(LONGEST)}; wanted $wanted")

    private companion object {
        const val LONGEST = 60
    }
}

internal fun damaged(what: String): Nothing =
    throw InputException(Problem.BUNDLE_DAMAGED, "$what; the bundle is damaged, copy it again")
