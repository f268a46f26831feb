package org.rmpsam.core

/** What can be wrong with something that was handed in; an app shows its own sentence for each. */
public enum class Problem {
    /** Not a bundle, or a part of it is missing or changed. */
    BUNDLE_DAMAGED,

    /** The bundle names a file outside of its own folder. */
    BUNDLE_UNSAFE,

    /** The bundle's schema or the runtime it needs is newer than this program. */
    BUNDLE_NEWER,

    /** The bundle is made for another engine than this program has. */
    ENGINE_MISSING,

    /** The bundle has no such graph. */
    GRAPH_MISSING,

    /** The golden pair cannot be read or is not of this bundle. */
    GOLDEN_DAMAGED,

    /** The outputs on this device are not the stored ones. */
    SELF_TEST_FAILED,

    /** A picture without pixels, or none at all. */
    PICTURE_EMPTY,

    /** A point lies outside of the picture, or is not finite. */
    POINT_OUTSIDE,

    /** A label that is neither foreground nor background. */
    LABEL_UNKNOWN,

    /** Neither a point nor a box. */
    PROMPT_EMPTY,

    /** A box without area inside the picture. */
    BOX_EMPTY,

    /** More points, boxes or prompts than this model reads at once. */
    PROMPT_TOO_LARGE,

    /** Only background points: nothing is wanted. */
    PROMPT_NOTHING_WANTED,

    /** Tensors that do not belong together, or hold NaN. */
    OUTPUT_UNUSABLE,

    /** No room to unpack a bundle, or far more in the archive than a bundle can hold. */
    NO_ROOM,
}

/**
 * An error that a person can act on.
 *
 * @property problem what an app shows in the language of its user.
 * @param message the value, the limit and the next step, in English, for logs and developers.
 */
public sealed class RmpSamException(
    public val problem: Problem,
    message: String,
) : Exception(message)

/** The input is wrong or damaged. */
public class InputException(
    problem: Problem,
    message: String,
) : RmpSamException(problem, message)

/** The input is fine, but this program or this model cannot work with it. */
public class UnsupportedException(
    problem: Problem,
    message: String,
) : RmpSamException(problem, message)
