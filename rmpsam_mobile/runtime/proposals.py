"""Segment everything: where to ask, which of the answers are sure, and which are one object twice.

Prompts that know of objects are MobileSAMv2's idea (arXiv 2312.09579, section 3.2); ours come from the object branch
and need no extra detector. Letters: Q queries, K classes, N masks, h x w the mask grid, H, W the picture.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from rmpsam_mobile.postprocess import PictureMasks
from rmpsam_mobile.runtime.base import Array
from rmpsam_mobile.runtime.prompts import Prompt

# Logits at which one answer is cut out, the nearest to 0 first: wholes and parts, at the price of no prompt.
LEVELS: Final = tuple(sorted((0.5 * step for step in range(-6, 7)), key=abs))
NUM_PROMPTS: Final = 48  # boxes and clicks together: three calls of the prompt graph
_NUM_BOXES: Final = 16
_NUM_CLICKS: Final = 8  # a side
_LEVEL_COST: Final = 0.25  # of the score, a logit away from 0: whatever is cut out at 0 comes first
_STABLE_BY: Final = 1.0  # logits up and down, SAM's own (arXiv 2304.02643, appendix B)
_SAME_BOX: Final = 0.9  # IoU above which two boxes ask for the same


@dataclass(frozen=True)
class Proposal:
    """One object: mask bool [H, W] where the logits are above ``level``, tight box xyxy, area in pixels.

    ``predicted_iou`` and ``stability`` (0..1) are those of the answer at level 0.
    """

    mask: NDArray[np.bool_]
    box: tuple[float, float, float, float]
    area: int
    predicted_iou: float
    stability: float
    level: float = 0.0

    @property
    def score(self) -> float:
        """By which proposals are ordered."""
        return float(proposal_score(self.predicted_iou, self.stability, self.level))


def proposal_score(predicted_iou: Any, stable: Any, level: float) -> Any:
    """The order of proposals: sure and stable ones first, other levels of the same answers after them."""
    return predicted_iou * stable - _LEVEL_COST * abs(level)


def object_prompts(class_logits: Array, mask_logits: PictureMasks) -> list[Prompt]:
    """``NUM_PROMPTS`` prompts: boxes of the object queries, and clicks spread over the picture for what they miss.

    The boxes are those around the masks of the queries that are likeliest to be anything; none twice.

    Args:
        class_logits: [Q, K + 1], last no object.
        mask_logits: [Q, H, W] in the source-image frame.
    """
    logits = class_logits.astype(np.float64)
    void = 1 / np.exp(logits - logits[:, -1:]).sum(-1)  # softmax of the last class
    boxes: list[tuple[float, float, float, float]] = []
    for query in np.argsort(void, kind="stable").tolist():
        if len(boxes) == _NUM_BOXES:
            break
        box = _tight_box(mask_logits[query] > 0)
        if box is not None and all(_box_iou(box, other) < _SAME_BOX for other in boxes):
            boxes.append(box)
    return [*(Prompt(box=box) for box in boxes), *_spread_clicks(*mask_logits.shape[1:])[: NUM_PROMPTS - len(boxes)]]


def click_grid(side: int, height: int, width: int) -> list[Prompt]:
    """One click in the middle of each of ``side`` x ``side`` fields of the picture, row by row."""
    rows, columns = (((np.arange(side) + 0.5) * length / side).tolist() for length in (height, width))
    return [Prompt(points=((x, y),), labels=(1,)) for y in rows for x in columns]


def _spread_clicks(height: int, width: int) -> list[Prompt]:
    """A chessboard's black fields first: half of them cover the picture evenly."""
    clicks = click_grid(_NUM_CLICKS, height, width)
    is_white = [sum(divmod(i, _NUM_CLICKS)) % 2 for i in range(len(clicks))]
    return [clicks[i] for i in np.argsort(is_white, kind="stable")]


def stability(mask_logits: Array) -> NDArray[np.float64]:
    """Share of the mask at a low threshold that a high one leaves, 0..1 (SAM, arXiv 2304.02643, appendix B): [N].

    Args:
        mask_logits: [N, h, w].
    """
    sure, wide = ((mask_logits > limit).sum((1, 2)) for limit in (_STABLE_BY, -_STABLE_BY))
    shares: NDArray[np.float64] = sure / np.maximum(wide, 1)
    return shares


def distinct(masks: NDArray[np.bool_], scores: NDArray[np.floating], overlap: float, most: int) -> list[int]:
    """Places of the masks that are left when near-duplicates and empty masks are gone, the surest first.

    Args:
        masks: [N, h, w], compared on the mask grid.
        scores: [N].
        overlap: of two masks with a higher IoU the less sure goes.
        most: at most so many.
    """
    flat = masks.reshape(len(masks), -1).astype(np.float32)
    areas, shared = flat.sum(1), flat @ flat.T
    is_same = shared > overlap * (areas[:, None] + areas - shared)
    left = areas > 0
    kept: list[int] = []
    for place in np.argsort(-scores, kind="stable").tolist():
        if left[place] and len(kept) < most:
            kept.append(place)
            left &= ~is_same[place]
    return kept


def proposal(logits: Array, predicted_iou: float, stable: float, level: float) -> Proposal | None:
    """A proposal from mask logits [H, W] in the source-image frame, cut out at ``level``; None for an empty mask."""
    mask: NDArray[np.bool_] = logits > level
    box = _tight_box(mask)
    return None if box is None else Proposal(mask, box, int(mask.sum()), predicted_iou, stable, level)


def _tight_box(mask: NDArray[np.bool_]) -> tuple[float, float, float, float] | None:
    """Right and bottom exclusive; None for an empty mask."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not rows.size:
        return None
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def _box_iou(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0) * max(height, 0)
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)
