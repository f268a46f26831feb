package org.rmpsam.core

import kotlin.math.exp

/** Mask logits of several queries, each [H, W] of the same frame. */
public interface MaskStack {
    /** Number of queries. */
    public val count: Int

    /** Height and width of each mask. */
    public val extent: Extent

    /** Logits of one query, row-major. */
    public fun logits(query: Int): FloatArray
}

/** One segment of a panoptic map; box x1, y1, x2, y2, right and bottom exclusive, frame of the map. */
public data class PanopticSegment(
    val id: Int,
    val label: Int,
    val isThing: Boolean,
    val area: Int,
    val box: List<Int>,
)

/**
 * One label for every pixel.
 *
 * @property extent of the map.
 * @property values row-major: class + 1000 * instance, instances counted from 1, stuff with instance 0; the number of
 *   classes where no segment lies.
 * @property segments by falling area.
 */
public class PanopticMap internal constructor(
    public val extent: Extent,
    public val values: IntArray,
    public val segments: List<PanopticSegment>,
)

/**
 * Labels every pixel as RMP-SAM's evaluation does (arXiv 2401.10228, official code): queries sure of a class compete for
 * each pixel by score times mask probability; one that wins less than a share of its own mask is left out.
 *
 * @param numThings classes below this index are countable.
 * @param objectMask a query needs a higher class score.
 * @param iou share of its mask that a query has to win.
 */
public class PanopticMerge(
    private val numThings: Int,
    private val objectMask: Double,
    private val iou: Double,
) {
    /**
     * Merges the masks of one picture.
     *
     * @param classLogits [Q, K + 1], row-major, the last class is void.
     * @throws InputException shapes that do not belong together, or NaN.
     */
    public fun merge(
        classLogits: FloatArray,
        masks: MaskStack,
    ): PanopticMap {
        val columns = if (masks.count > 0) classLogits.size / masks.count else 0
        val fits = columns >= 2 && classLogits.size == columns * masks.count
        if (!fits) unusable("${classLogits.size} class logits for ${masks.count} masks")
        if (classLogits.any { !it.isFinite() }) unusable("class logits hold NaN or infinity")
        val void = columns - 1
        val candidates = List(masks.count) { candidate(classLogits, it, columns) }
        val kept = candidates.filter { it.label != void && it.score > objectMask }
        val contest = Contest(masks.extent).apply { kept.forEachIndexed { at, query -> enter(at, query, masks) } }
        val values = namesOf(kept, contest, void)
        val map = IntArray(masks.extent.area) { pixel -> contest.owner(pixel)?.let { values[it] } ?: void }
        return PanopticMap(masks.extent, map, segmentsOf(map, masks.extent, void))
    }

    private fun candidate(
        logits: FloatArray,
        query: Int,
        columns: Int,
    ): Candidate {
        val row = DoubleArray(columns) { logits[query * columns + it].toDouble() }
        val label = row.indices.maxBy { row[it] }
        return Candidate(query, label, 1 / row.sumOf { exp(it - row[label]) })
    }

    private fun namesOf(
        kept: List<Candidate>,
        contest: Contest,
        void: Int,
    ): IntArray {
        var numFound = 0
        return IntArray(kept.size) { at ->
            val label = kept[at].label
            when {
                !contest.keepsShare(at, iou) -> void
                label < numThings -> label + INSTANCE_OFFSET * ++numFound
                else -> label
            }
        }
    }

    private fun segmentsOf(
        map: IntArray,
        extent: Extent,
        void: Int,
    ): List<PanopticSegment> =
        map
            .distinct()
            .filter { it != void }
            .map { id ->
                val mask = Mask(extent, BooleanArray(map.size) { map[it] == id })
                val label = id % INSTANCE_OFFSET
                PanopticSegment(id, label, label < numThings, mask.area, mask.box)
            }.sortedWith(compareBy({ -it.area }, { it.id }))

    private companion object {
        const val INSTANCE_OFFSET = 1000
    }
}

private data class Candidate(
    val query: Int,
    val label: Int,
    val score: Double,
)

/** Who owns each pixel, one mask after the other. */
private class Contest(
    private val extent: Extent,
) {
    private val owners = IntArray(extent.area) { NOBODY }
    private val best = DoubleArray(extent.area)
    private val isSure = BooleanArray(extent.area) // of the owner about its pixel
    private val own = mutableListOf<Int>()
    private val won by lazy {
        IntArray(own.size).also { counts ->
            owners.filter { it != NOBODY }.forEach { counts[it]++ }
        }
    }

    fun enter(
        position: Int,
        candidate: Candidate,
        masks: MaskStack,
    ) {
        val logits = masks.logits(candidate.query)
        if (logits.size != extent.area) unusable("a mask of ${logits.size} values for $extent")
        var inside = 0
        for (pixel in logits.indices) {
            val probability = 1 / (1 + exp(-logits[pixel].toDouble()))
            if (probability.isNaN()) unusable("mask logits of query ${candidate.query} hold NaN")
            if (probability >= HALF) inside++
            // Strictly greater: the first of equals keeps the pixel. The first query takes all, even at probability 0.
            if (position > 0 && probability * candidate.score <= best[pixel]) continue
            best[pixel] = probability * candidate.score
            owners[pixel] = position
            isSure[pixel] = probability >= HALF
        }
        own += inside
    }

    /** Whether the query won at least [share] of its own mask; what it won counts whatever its own mask says there. */
    fun keepsShare(
        position: Int,
        share: Double,
    ): Boolean = won[position] > 0 && own[position] > 0 && won[position].toDouble() / own[position] >= share

    fun owner(pixel: Int): Int? = owners[pixel].takeIf { it != NOBODY && isSure[pixel] }

    private companion object {
        const val NOBODY = -1
        const val HALF = 0.5
    }
}

private fun unusable(what: String): Nothing = throw InputException(Problem.OUTPUT_UNUSABLE, what)
