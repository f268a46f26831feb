"""Segment everything: the object branch says where to look, the prompt decoder cuts out.

The idea of object-aware prompts is MobileSAMv2's (arXiv 2312.09579, section 3.2); ours needs no extra detector.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rmpsam_mobile.postprocess import PictureMasks
from rmpsam_mobile.runtime.base import Array
from rmpsam_mobile.runtime.prompts import Prompt

_COMPARED_SIDE = 128  # masks are compared at most this large


@dataclass(frozen=True)
class Proposal:
    """One object: mask bool [H, W], tight box xyxy, area in pixels, predicted IoU, the box that asked for it."""

    mask: NDArray[np.bool_]
    box: tuple[float, float, float, float]
    area: int
    predicted_iou: float
    objectness: float


def propose(
    predict_many: Callable[[Sequence[Prompt]], tuple[NDArray[Any], NDArray[np.floating]]],
    class_logits: Array,
    mask_logits: PictureMasks,
    *,
    max_proposals: int,
    overlap: float,
) -> list[Proposal]:
    """Turn object queries into proposals, surest first.

    Args:
        predict_many: masks [N, H, W] bool and IoU [N] of prompts.
        class_logits: [Q, K + 1], last no object.
        mask_logits: [Q, H, W] in the source-image frame.
        max_proposals: at most so many.
        overlap: IoU above which two masks count as one object.
    """
    logits = class_logits.astype(np.float64)
    void = 1 / np.exp(logits - logits[:, -1:]).sum(-1)  # softmax of the last class
    order = np.argsort(void, kind="stable")
    boxes = [(query, box) for query in order.tolist() if (box := _tight_box(mask_logits[query] > 0))]
    if not boxes:
        return []
    boxes = boxes[:max_proposals]
    masks, scores = predict_many([Prompt(box=box) for _, box in boxes])
    kept: list[Proposal] = []
    small: list[NDArray[np.bool_]] = []
    for (query, _), mask, score in zip(boxes, masks, scores.tolist(), strict=True):
        tight, reduced = _tight_box(mask), _reduced(mask)
        if tight is None or any(_iou(reduced, other) > overlap for other in small):
            continue
        small.append(reduced)
        kept.append(Proposal(mask, tight, int(mask.sum()), score, float(1 - void[query])))
    return kept


def _tight_box(mask: NDArray[np.bool_]) -> tuple[float, float, float, float] | None:
    """Right and bottom exclusive; None for an empty mask."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not rows.size:
        return None
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def _reduced(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    step = max(1, max(mask.shape) // _COMPARED_SIDE)
    return mask[::step, ::step]


def _iou(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    union = np.count_nonzero(a | b)
    return np.count_nonzero(a & b) / union if union else 0.0
