"""NoC: how many clicks an overlap takes (RITM, arXiv 2102.06583, section 4), and RMP-SAM's own way to compare."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rmpsam_mobile.contracts import Size
from rmpsam_mobile.fit import fit_picture
from rmpsam_mobile.postprocess import upsample

TARGETS: Final = (0.80, 0.85, 0.90)  # IoU
OFFICIAL_MISS: Final = 20  # clicks that the released code counts where one click was not enough


def number_of_clicks(ious: Sequence[float], target: float, limit: int) -> int:
    """Clicks until the IoU is ``target`` or more; ``limit`` where it never is.

    Args:
        ious: after each click.
        target: 0..1.
        limit: what a miss counts, at least the number of clicks.
    """
    return next((i for i, iou in enumerate(ious, start=1) if iou >= target), limit)


def official_truth(truth: NDArray[np.bool_], size: Size) -> NDArray[np.bool_]:
    """The truth as RMP-SAM's released evaluation compares with it: dilated, because it was resized twice (quirk 5).

    To the model input by nearest neighbour, then back bilinearly, where every pixel above zero is the object's. An
    object that falls between the samples is gone.

    Args:
        truth: bool [H, W].
        size: of the model input.

    Returns:
        bool [H, W].
    """
    height, width = truth.shape
    fitted = fit_picture(height, width, size).fitted
    rows, columns = (np.arange(new) * old // new for new, old in zip(fitted, (height, width), strict=True))
    resized = truth[rows][:, columns].astype(np.float32)
    dilated: NDArray[np.bool_] = upsample(resized[None], height, width)[0] > 0
    return dilated
