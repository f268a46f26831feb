package org.rmpsam.core

/**
 * The objects of a picture on a transparent ground, cropped to them.
 *
 * @param masks of the picture's own size.
 * @return null where all masks are empty.
 */
public fun Picture.cutOut(masks: List<Mask>): Picture? {
    val union = Mask(extent, BooleanArray(extent.area) { at -> masks.any { it.inside[at] } })
    val (left, top, right, bottom) = union.box
    if (right == 0) return null
    val target = Extent(bottom - top, right - left)
    val cut =
        IntArray(target.area) {
            val at = (top + it / target.width) * extent.width + left + it % target.width
            if (union.inside[at]) Picture.OPAQUE or pixels[at] else 0
        }
    return Picture(target, cut)
}
