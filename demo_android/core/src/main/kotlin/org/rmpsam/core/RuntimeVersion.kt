package org.rmpsam.core

/** Versions such as 1.4.1, compared number by number; what stands after a hyphen or a plus sign is ignored. */
public object RuntimeVersion {
    /** Whether [given] is [wanted] or newer. */
    public fun isAtLeast(
        given: String,
        wanted: String,
    ): Boolean {
        val ours = numbers(given)
        val theirs = numbers(wanted)
        val at = (0 until maxOf(ours.size, theirs.size)).firstOrNull { ours.at(it) != theirs.at(it) }
        return at == null || ours.at(at) > theirs.at(at)
    }

    private fun numbers(version: String) =
        version
            .split('-', '+')
            .first()
            .split('.')
            .map { it.toIntOrNull() ?: 0 }

    private fun List<Int>.at(index: Int) = getOrElse(index) { 0 }
}
