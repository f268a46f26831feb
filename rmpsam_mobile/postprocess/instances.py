"""Instances: every countable object of a picture with its score, class, box and mask.

Q queries, K classes (things first, then stuff), H, W the picture; R results.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rmpsam_mobile.errors import InputError
from rmpsam_mobile.postprocess.resample import MaskStack, as_array


@dataclass(frozen=True)
class Instances:
    """Objects by falling score; one mask may appear under several labels.

    Attributes:
        scores: float [R], class probability times the mean confidence inside the mask, 0 to 1.
        labels: int64 [R], class index below num_things.
        boxes: float32 [R, 4], xyxy tight around the mask, right and bottom exclusive; zeros where the mask is empty.
        masks: bool [R, H, W], frame of the mask logits that were given.
        queries: int64 [R], the object query behind each result.
    """

    scores: NDArray[np.floating]
    labels: NDArray[np.int64]
    boxes: NDArray[np.float32]
    masks: NDArray[np.bool_]
    queries: NDArray[np.int64]

    def __len__(self) -> int:
        """Count the results."""
        return len(self.scores)


class Pairs(NamedTuple):
    """(query, label) pairs by falling class score.

    Attributes:
        queries: int64 [R].
        labels: int64 [R], below K; never void.
        scores: float [R], softmax probability of the label.
    """

    queries: NDArray[np.int64]
    labels: NDArray[np.int64]
    scores: NDArray[np.floating]


def instances(class_logits: Any, mask_logits: MaskStack, num_things: int = 80, max_per_image: int = 100) -> Instances:
    """Cut out the objects of one picture as RMP-SAM's evaluation does (arXiv 2401.10228, official code).

    The ``max_per_image`` most likely (query, class) pairs; stuff is dropped after that choice, so fewer may remain.
    Ours are sorted by falling score, the official results are not (quirk 14). The IoU output plays no part.

    Args:
        class_logits: [Q, K + 1] of the last decoder block, the last class is void; array or tensor.
        mask_logits: [Q, H, W] before sigmoid at the size wanted; array, tensor or ``PictureMasks``.
        num_things: classes below this index are countable.
        max_per_image: pairs that are looked at.

    Raises:
        InputError: shapes that do not belong together, NaN, or a count out of range.
    """
    logits = checked_class_logits(class_logits, mask_logits, num_things)
    pairs = top_pairs(logits, max_per_image)
    found = cut_out(pairs, np.flatnonzero(pairs.labels < num_things), mask_logits)
    order = np.argsort(-found.scores, kind="stable")
    return Instances(
        found.scores[order], found.labels[order], found.boxes[order], found.masks[order], found.queries[order]
    )


def top_pairs(class_logits: Any, max_per_image: int = 100) -> Pairs:
    """Choose the (query, label) pairs with the highest class scores, in falling order; void does not compete.

    Args:
        class_logits: [Q, K + 1], the last class is void.
        max_per_image: how many at most. Of equal scores the lower query, then the lower label comes first.

    Raises:
        InputError: not two axes, NaN, or a count below 1.
    """
    if max_per_image < 1:
        raise InputError(f"max_per_image is {max_per_image}; it needs to be 1 at least; try 100")
    scores = softmax(checked_logits(class_logits))[:, :-1]
    best = np.argsort(-scores.ravel(), kind="stable")[:max_per_image]
    queries, labels = np.divmod(best, scores.shape[1])
    return Pairs(queries.astype(np.int64), labels.astype(np.int64), scores.ravel()[best])


def cut_out(pairs: Pairs, chosen: NDArray[np.intp], mask_logits: MaskStack) -> Instances:
    """Make results of the pairs at the positions ``chosen``, in that order.

    A score is the class score times the mean of sigmoid(logit) inside the mask, so a hesitant mask ranks lower.
    """
    queries = pairs.queries[chosen]
    masks = np.zeros((len(chosen), *mask_logits.shape[1:]), np.bool_)
    boxes = np.zeros((len(chosen), 4), np.float32)
    scores = pairs.scores[chosen]
    for query in np.unique(queries):
        logits = one_mask(mask_logits, int(query))
        mask = logits > 0  # sigmoid > 0.5 but for positive logits below 1e-7 (quirk 7)
        inside = sigmoid(logits[mask])
        same = queries == query
        masks[same] = mask
        boxes[same] = mask_box(mask)
        scores[same] *= inside.sum() / (inside.size + 1e-6)
    return Instances(scores, pairs.labels[chosen], boxes, masks, queries)


def mask_box(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """Return the tight box x1, y1, x2, y2 of a mask [H, W], right and bottom exclusive; zeros for an empty mask."""
    rows = np.flatnonzero(mask.any(axis=1))
    if not rows.size:
        return 0, 0, 0, 0
    columns = np.flatnonzero(mask[rows[0] : rows[-1] + 1].any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def one_mask(mask_logits: MaskStack, query: int) -> NDArray[np.floating]:
    """Return the logits [H, W] of one query as a floating array, refusing NaN."""
    logits = as_array(mask_logits[query])
    if not np.issubdtype(logits.dtype, np.floating):
        logits = logits.astype(np.float32)
    if logits.size and np.isnan(logits.min()):  # min carries NaN on, and needs no second map
        raise InputError(f"mask logits of query {query} hold NaN; the graph overflowed: run it in float32 to see where")
    return logits


def sigmoid(logits: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return 1 / (1 + exp(-x)) in the dtype given; very negative logits give 0 without a warning."""
    with np.errstate(over="ignore"):
        result: NDArray[np.floating] = 1 / (1 + np.exp(-logits))
    return result


def softmax(logits: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the softmax over the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    result: NDArray[np.floating] = powers / powers.sum(axis=-1, keepdims=True)
    return result


def checked_logits(class_logits: Any) -> NDArray[np.floating]:
    """Return class logits [Q, K + 1] as a floating array, or say what is wrong with them."""
    logits = as_array(class_logits)
    if logits.ndim != 2 or logits.shape[1] < 2:
        raise InputError(f"class logits have shape {logits.shape}; needed is (Q, K + 1); take one picture of a batch")
    if logits.dtype != np.float64:
        logits = logits.astype(np.float32)
    if not np.isfinite(logits).all():
        raise InputError("class logits hold NaN or infinity; the graph overflowed: run it in float32 to see where")
    return logits


def checked_class_logits(class_logits: Any, mask_logits: MaskStack, num_things: int) -> NDArray[np.floating]:
    """Return class logits as a floating array after comparing them with the masks and the number of things."""
    logits = checked_logits(class_logits)
    shape = tuple(mask_logits.shape)
    if len(shape) != 3 or shape[0] != len(logits):
        raise InputError(f"mask logits have shape {shape}; needed is ({len(logits)}, H, W), as many as class logits")
    num_classes = logits.shape[1] - 1
    if not 0 <= num_things <= num_classes:
        raise InputError(f"num_things is {num_things}; with {num_classes} classes it lies in 0 to {num_classes}")
    return logits
