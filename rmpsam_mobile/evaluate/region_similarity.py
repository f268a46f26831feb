"""Region similarity J of tracks (DAVIS, arXiv 1704.00675, 4) and which track answers for which object (1905.00737, 3).

T frames, H x W the video.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rmpsam_mobile.evaluate.iou import mask_iou

Masks = Sequence[NDArray[np.bool_] | None]  # one a frame, bool [H, W]; None where nothing is in view


def region_similarity(prediction: Masks, truth: Masks) -> NDArray[np.float64]:
    """J of each frame [T], 0..1: the IoU; 1 where both are empty, 0 where one is."""
    return np.array([_frame(*pair) for pair in zip(prediction, truth, strict=True)])


def best_tracks(similarity: NDArray[np.float64]) -> list[int | None]:
    """Assign at most one track to each object so that the sum of mean J is largest; no track serves two objects.

    Args:
        similarity: mean J of every object [O] with every track [N], [O, N].

    Returns:
        For each object its track, or None where no track overlaps it or none is left.
    """
    from scipy.optimize import linear_sum_assignment

    found: list[int | None] = [None] * len(similarity)
    if similarity.size:
        for target, track in zip(*linear_sum_assignment(similarity, maximize=True), strict=True):
            found[int(target)] = int(track) if similarity[target, track] > 0 else None
    return found


def _frame(prediction: NDArray[np.bool_] | None, truth: NDArray[np.bool_] | None) -> float:
    seen = [mask for mask in (prediction, truth) if mask is not None and mask.any()]
    if not seen:
        return 1.0
    return mask_iou(seen[0], seen[1]) if len(seen) == 2 else 0.0
