package org.rmpsam.demo.screens

import android.content.Context
import org.rmpsam.core.PanopticMap
import org.rmpsam.core.Problem
import org.rmpsam.core.RmpSamException
import org.rmpsam.demo.R
import org.rmpsam.demo.engine.FoundObject

/** Text that is made when a screen shows it, in that screen's language. */
internal typealias Sentence = (Context) -> String

internal object Sentences {
    private const val PERCENT = 100

    private val problems =
        mapOf(
            Problem.BUNDLE_DAMAGED to R.string.problem_bundle_damaged,
            Problem.BUNDLE_UNSAFE to R.string.problem_bundle_unsafe,
            Problem.BUNDLE_NEWER to R.string.problem_bundle_newer,
            Problem.ENGINE_MISSING to R.string.problem_engine_missing,
            Problem.GRAPH_MISSING to R.string.problem_graph_missing,
            Problem.GOLDEN_DAMAGED to R.string.problem_golden_damaged,
            Problem.SELF_TEST_FAILED to R.string.problem_self_test_failed,
            Problem.PICTURE_EMPTY to R.string.problem_picture_empty,
            Problem.POINT_OUTSIDE to R.string.problem_point_outside,
            Problem.LABEL_UNKNOWN to R.string.problem_point_outside,
            Problem.PROMPT_EMPTY to R.string.status_ready,
            Problem.BOX_EMPTY to R.string.problem_box_empty,
            Problem.PROMPT_TOO_LARGE to R.string.problem_prompt_too_large,
            Problem.PROMPT_NOTHING_WANTED to R.string.problem_prompt_nothing_wanted,
            Problem.OUTPUT_UNUSABLE to R.string.problem_output_unusable,
            Problem.NO_ROOM to R.string.problem_no_room,
        )

    fun of(id: Int): Sentence = { it.getString(id) }

    /** What is wrong, in the user's words; the detail behind it is for whoever reports it. */
    fun of(error: Throwable): Sentence =
        { context ->
            val known = (error as? RmpSamException)?.let { problems[it.problem] }
            context.getString(
                R.string.problem_with_detail,
                context.getString(known ?: R.string.problem_unknown),
                error.message.orEmpty(),
            )
        }

    fun found(found: FoundObject): Sentence =
        { it.getString(R.string.status_mask, PERCENT * found.coverage, found.score) }

    fun found(map: PanopticMap): Sentence =
        { it.resources.getQuantityString(R.plurals.status_segments, map.segments.size, map.segments.size) }
}
