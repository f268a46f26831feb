"""Overlap of two masks."""

import numpy as np
from numpy.typing import NDArray


def mask_iou(prediction: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    """Intersection over union in pixels of two masks bool [H, W], 0..1; 0 where either is empty."""
    intersection = np.count_nonzero(prediction & truth)
    return intersection / np.count_nonzero(prediction | truth) if intersection else 0.0
