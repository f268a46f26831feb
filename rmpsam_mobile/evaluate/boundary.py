"""Boundary measure F of masks (DAVIS, CVPR 2016, "A benchmark dataset and evaluation methodology", section 4).

T frames, H x W the picture.
"""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rmpsam_mobile.evaluate.region_similarity import Masks

TOLERANCE: Final = 0.008  # of the picture's diagonal: how far apart two outlines may lie and still be one


def boundary_similarity(prediction: Masks, truth: Masks) -> NDArray[np.float64]:
    """F of each frame [T], 0..1; 1 where both are empty, 0 where one is."""
    return np.array([_frame(*pair) for pair in zip(prediction, truth, strict=True)])


def boundary_measure(prediction: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    """F1 of two masks' outlines, 0..1: a pixel of one counts where the other's is within ``TOLERANCE``.

    The released code's form: an outline is where a pixel differs from its right, lower or lower right neighbour.

    Args:
        prediction: bool [H, W].
        truth: bool [H, W].
    """
    outlines = _outline(prediction), _outline(truth)
    counts = [np.count_nonzero(outline) for outline in outlines]
    if not all(counts):
        return float(counts[0] == counts[1])
    radius = math.ceil(TOLERANCE * math.hypot(*truth.shape))
    precision, recall = (
        np.count_nonzero(_within(other, radius) & own) / count
        for own, other, count in zip(outlines, outlines[::-1], counts, strict=True)
    )
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _frame(prediction: NDArray[np.bool_] | None, truth: NDArray[np.bool_] | None) -> float:
    seen = [mask for mask in (prediction, truth) if mask is not None and mask.any()]
    if not seen:
        return 1.0
    return boundary_measure(seen[0], seen[1]) if len(seen) == 2 else 0.0


def _outline(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels that differ from a neighbour right or below; beyond the edge the picture repeats."""
    padded = np.pad(mask, ((0, 1), (0, 1)), mode="edge")
    right, below, both = padded[:-1, 1:], padded[1:, :-1], padded[1:, 1:]
    outline: NDArray[np.bool_] = (mask ^ right) | (mask ^ below) | (mask ^ both)
    return outline


def _within(outline: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    """Pixels whose distance to the outline is at most ``radius``: a dilation by a disc."""
    from scipy.ndimage import distance_transform_edt

    near: NDArray[np.bool_] = distance_transform_edt(~outline) <= radius
    return near
