"""Segment everything: where to ask, which of the answers are sure, and which are one object twice.

Prompts that know of objects are MobileSAMv2's idea (arXiv 2312.09579, section 3.2); ours come from the object branch
and need no extra detector. Letters: Q queries, K classes, N masks, h x w the mask grid, H, W the picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rmpsam_mobile.fit import Fit
from rmpsam_mobile.postprocess import PictureMasks
from rmpsam_mobile.runtime.base import Array
from rmpsam_mobile.runtime.object_regions import Region, spread_clicks
from rmpsam_mobile.runtime.prompts import Prompt

# Logits at which one answer is cut out, the nearest to 0 first: wholes and parts, at the price of no prompt.
LEVELS: Final = tuple(sorted((0.5 * step for step in range(-6, 7)), key=abs))
NUM_PROMPTS: Final = 48  # clicks and boxes together: three calls of the prompt graph
_NUM_CLICKS: Final = 40
_LEVEL_COST: Final = 0.25  # of the score, a logit away from 0: whatever is cut out at 0 comes first
_STABLE_BY: Final = 1.0  # logits up and down, SAM's own (arXiv 2304.02643, appendix B)
_REGION_COST: Final = 1.0  # of the score: the object branch's own masks are coarser than answers
_OUTSIDE: Final = -8.0  # logit around a region


@dataclass(frozen=True)
class Proposal:
    """One object: mask bool [H, W] where the logits are above ``level``, tight box xyxy, area in pixels, its score."""

    mask: NDArray[np.bool_]
    box: tuple[float, float, float, float]
    area: int
    score: float
    level: float = 0.0


@dataclass(frozen=True)
class Candidates:
    """Masks on the mask grid, before near-duplicates are gone: logits [N, h, w], the levels [N] and scores [N]."""

    logits: Array
    levels: NDArray[np.float64]
    scores: NDArray[np.float64]

    @property
    def masks(self) -> NDArray[np.bool_]:
        """Bool [N, h, w]."""
        return self.logits > self.levels[:, None, None]

    def __add__(self, other: "Candidates") -> "Candidates":
        """Both."""
        return Candidates(
            np.concatenate([self.logits, other.logits]),
            np.concatenate([self.levels, other.levels]),
            np.concatenate([self.scores, other.scores]),
        )


def object_prompts(regions: Sequence[Region], mask_logits: Array, fit: Fit) -> list[Prompt]:
    """``NUM_PROMPTS`` prompts: clicks spread over what the queries tell apart, then boxes of the likeliest regions.

    Args:
        regions: of the object queries.
        mask_logits: [Q, h, w], the part of the mask grid that the picture covers.
        fit: of the picture.
    """
    cell = fit.size.width / fit.size.grid[1]
    limits = np.array([fit.picture.width, fit.picture.height], np.float64)
    points = fit.points_to_picture(spread_clicks(mask_logits, _NUM_CLICKS) * cell)
    clicks = [Prompt(points=(tuple(point),), labels=(1,)) for point in np.minimum(points, limits - 0.1).tolist()]
    corners = np.array([region.box for region in regions], np.float64).reshape(-1, 4)
    boxes = np.minimum(fit.boxes_to_picture(corners * cell), np.tile(limits, 2))
    return [*clicks, *(Prompt(box=tuple(box)) for box in boxes[: NUM_PROMPTS - len(clicks)].tolist())]


def click_grid(side: int, height: int, width: int) -> list[Prompt]:
    """One click in the middle of each of ``side`` x ``side`` fields of the picture, row by row."""
    rows, columns = (((np.arange(side) + 0.5) * length / side).tolist() for length in (height, width))
    return [Prompt(points=((x, y),), labels=(1,)) for y in rows for x in columns]


def covered(mask_logits: Array, fit: Fit) -> Array:
    """The part [N, h, w] of mask logits on the whole mask grid that the picture covers."""
    height, width = (
        -(-side * cells // whole) for side, cells, whole in zip(fit.fitted, fit.size.grid, fit.size, strict=True)
    )
    return mask_logits[:, :height, :width]


def answer_candidates(mask_logits: Array, predicted_iou: Array, levels: Sequence[float]) -> Candidates:
    """Answers cut out at each level: sure and stable ones first, other levels of the same answers after them.

    Args:
        mask_logits: [N, h, w].
        predicted_iou: [N].
        levels: logits.
    """
    scores = [predicted_iou * np.sqrt(stability(mask_logits, level)) - _LEVEL_COST * abs(level) for level in levels]
    count = len(mask_logits)
    return Candidates(
        np.concatenate([mask_logits] * len(levels)), np.repeat(np.array(levels), count), np.concatenate(scores)
    )


def region_candidates(regions: Sequence[Region], mask_logits: Array) -> Candidates:
    """Regions as they are, behind all answers.

    Args:
        regions: of the object queries.
        mask_logits: [Q, h, w] on the whole mask grid.
    """
    logits = np.full((len(regions), *mask_logits.shape[1:]), _OUTSIDE, np.float32)
    for region, own in zip(regions, logits, strict=True):
        height, width = region.mask.shape
        own[:height, :width] = _alone(mask_logits[region.query, :height, :width], region)
    levels = np.array([region.level for region in regions], np.float64)
    return Candidates(logits, levels, np.array([region.stable - _REGION_COST for region in regions], np.float64))


def stability(mask_logits: Array, level: float = 0.0) -> NDArray[np.float64]:
    """Share of the mask at a low threshold that a high one leaves, 0..1 (SAM, arXiv 2304.02643, appendix B): [N].

    Args:
        mask_logits: [N, h, w].
        level: in the middle of the two thresholds.
    """
    sure, wide = ((mask_logits > limit).sum((1, 2)) for limit in (level + _STABLE_BY, level - _STABLE_BY))
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


def proposals(candidates: Candidates, fit: Fit, overlap: float, most: int) -> list[Proposal]:
    """Distinct candidates in the source-image frame, the surest first."""
    in_picture = PictureMasks(candidates.logits, fit)
    found = []
    for place in distinct(candidates.masks, candidates.scores, overlap, most):
        level = float(candidates.levels[place])
        mask: NDArray[np.bool_] = in_picture[place] > level
        box = _tight_box(mask)
        if box is not None:
            found.append(Proposal(mask, box, int(mask.sum()), float(candidates.scores[place]), level))
    return found


def _alone(logits: Array, region: Region) -> Array:
    """Logits of a region and of the rim around it, which keeps its outline where it was; nothing of other regions."""
    from scipy.ndimage import binary_dilation

    own = region.mask | (binary_dilation(region.mask) & (logits <= region.level))
    return np.where(own, logits, np.float32(_OUTSIDE))


def _tight_box(mask: NDArray[np.bool_]) -> tuple[float, float, float, float] | None:
    """Right and bottom exclusive; None for an empty mask."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not rows.size:
        return None
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)
