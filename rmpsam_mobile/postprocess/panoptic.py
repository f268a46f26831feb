"""Panoptic maps: one label for every pixel, things counted, stuff merged.

Q queries, C classes (things first, then stuff; index C is void), H, W the picture.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from rmpsam_mobile.errors import InputError
from rmpsam_mobile.postprocess.instances import checked_class_logits, mask_box, one_mask, sigmoid, softmax
from rmpsam_mobile.postprocess.resample import MaskStack, as_array

INSTANCE_OFFSET: Final = 1000  # a map value is class + INSTANCE_OFFSET * instance


@dataclass(frozen=True)
class PanopticSegment:
    """One segment of a panoptic map.

    Attributes:
        id: its value in the map.
        label: class index.
        is_thing: countable; stuff has one segment for each class.
        area: pixels.
        box: x1, y1, x2, y2, right and bottom exclusive, frame of the map.
    """

    id: int
    label: int
    is_thing: bool
    area: int
    box: tuple[int, int, int, int]


def panoptic(
    class_logits: Any,
    mask_logits: MaskStack,
    num_things: int = 80,
    object_mask_thr: float = 0.8,
    iou_thr: float = 0.8,
    filter_low_score: bool = True,
) -> NDArray[np.int32]:
    """Label every pixel as RMP-SAM's evaluation does (arXiv 2401.10228, official code).

    Queries sure of a class compete for each pixel by score times mask probability; one that wins less than
    ``iou_thr`` of its own mask is left out. Memory is a few maps, however many queries there are.

    Args:
        class_logits: [Q, C + 1] of the last decoder block, the last class is void; array or tensor.
        mask_logits: [Q, H, W] before sigmoid at the size wanted; array, tensor or ``PictureMasks``.
        num_things: classes below this index are countable.
        object_mask_thr: a query needs a higher class score.
        iou_thr: the share of its mask that a query has to win.
        filter_low_score: give pixels only where the winner's own mask is at 0.5 or above.

    Returns:
        int32 [H, W]: class + 1000 * instance, instances counted from 1 in query order, stuff with instance 0; C where
        no segment lies.

    Raises:
        InputError: shapes that do not belong together, NaN, or more classes than a map can name.
    """
    logits = checked_class_logits(class_logits, mask_logits, num_things)
    void = logits.shape[1] - 1
    if void >= INSTANCE_OFFSET:
        raise InputError(f"{void} classes; a panoptic map names {INSTANCE_OFFSET - 1} at most; use instances instead")
    probabilities = softmax(logits)
    labels, scores = probabilities.argmax(axis=1), probabilities.max(axis=1)
    kept = np.flatnonzero((labels != void) & (scores > object_mask_thr))

    owner, won, original = _contest(mask_logits, kept, scores, filter_low_score)
    values = np.full(len(kept) + 1, void, np.int32)  # the last one is for pixels that nobody owns: index -1
    num_found = 0
    for position, label in enumerate(labels[kept].tolist()):
        if not won[position] or not original[position] or won[position] / original[position] < iou_thr:
            continue
        is_thing = label < num_things
        num_found += is_thing
        values[position] = label + INSTANCE_OFFSET * num_found * is_thing
    return values[owner]


def panoptic_segments(label_map: Any, num_things: int = 80, num_classes: int = 133) -> list[PanopticSegment]:
    """List the segments of a panoptic map [H, W] by falling area.

    Args:
        label_map: from ``panoptic``.
        num_things: classes below this index are countable.
        num_classes: the map's void value, which is not listed.

    Raises:
        InputError: not an integer map with two axes.
    """
    values = as_array(label_map)
    if values.ndim != 2 or not np.issubdtype(values.dtype, np.integer):
        raise InputError(f"panoptic map is {values.dtype} {values.shape}; needed are integers (H, W); take one map")
    found = []
    for value in np.unique(values).tolist():
        if value == num_classes:
            continue
        mask = values == value
        label = value % INSTANCE_OFFSET
        found.append(PanopticSegment(value, label, label < num_things, int(mask.sum()), mask_box(mask)))
    return sorted(found, key=lambda segment: (-segment.area, segment.id))


def _contest(
    mask_logits: MaskStack, kept: NDArray[np.intp], scores: NDArray[np.floating], only_sure: bool
) -> tuple[NDArray[np.int32], NDArray[np.intp], NDArray[np.intp]]:
    """Let the kept queries compete for the pixels, one mask after the other.

    Returns:
        owner: [H, W] position in ``kept``, -1 for nobody.
        won: [len(kept)] pixels each query won, whatever its own mask says there.
        original: [len(kept)] pixels of its own mask.
    """
    height, width = mask_logits.shape[1:]
    owner = np.full((height, width), -1, np.int32)
    is_sure = np.zeros((height, width), np.bool_)  # of the owner about its pixel
    original = np.zeros(len(kept), np.intp)
    best: NDArray[np.floating] | None = None
    for position, query in enumerate(kept.tolist()):
        probability = sigmoid(one_mask(mask_logits, query))
        inside = probability >= 0.5
        original[position] = np.count_nonzero(inside)
        probability *= float(scores[query])
        # Strictly greater: the first of equals keeps the pixel. The first query takes all, even at probability 0.
        wins = np.ones_like(inside) if best is None else probability > best
        best = probability if best is None else np.maximum(best, probability, out=best)
        owner[wins] = position
        is_sure[wins] = inside[wins]
    won = np.bincount(owner[owner >= 0], minlength=len(kept))
    if only_sure:
        owner[~is_sure] = -1
    return owner, won, original
