"""From an RGB picture to pixel_values. H, W height and width of the model input."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from rmpsam_mobile.errors import InputError
from rmpsam_mobile.fit import Fit

MEAN: Final = (123.675, 116.28, 103.53)  # RGB order, of 8-bit values
STD: Final = (58.395, 57.12, 57.375)

_COEFFICIENT_BITS: Final = 11  # of OpenCV's 8-bit bilinear kernel


def resize_bilinear(picture: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Resize an 8-bit picture [h, w, C] to [height, width, C], equal to OpenCV's INTER_LINEAR bit by bit.

    Two taps an axis with half-pixel centres and 11-bit coefficients: no smoothing when shrinking, as the network was
    trained. Rows and columns that no output pixel needs are never touched, so a large photo costs little.
    """
    if picture.shape[:2] == (height, width):
        return picture
    rows, row_weights = _taps(picture.shape[0], height)
    columns, column_weights = _taps(picture.shape[1], width)
    needed, where = np.unique(rows, return_inverse=True)
    lines = picture[needed]
    left, right = (np.take(lines, tap, axis=1).astype(np.int32) for tap in columns)
    left *= column_weights[0][None, :, None]
    right *= column_weights[1][None, :, None]
    left += right
    left >>= 4  # OpenCV drops 4 bits here and 16 below, so that products fit 32 bits
    upper, lower = (left[tap] * weight[:, None, None] >> 16 for tap, weight in zip(where, row_weights, strict=True))
    resized: NDArray[np.uint8] = ((upper + lower + 2) >> 2).astype(np.uint8)
    return resized


def pixel_values(picture: NDArray[np.uint8], fit: Fit) -> NDArray[np.float32]:
    """Resize, normalise and pad a picture into the model input.

    Args:
        picture: uint8 RGB [height, width, 3], of the size ``fit.picture``.
        fit: from ``fit_picture`` or ``fit_limits``.

    Returns:
        float32 [1, 3, H, W]; padding is zero after normalisation, that is the mean colour.

    Raises:
        InputError: the picture has another dtype or shape.
    """
    if picture.dtype != np.uint8 or picture.shape != (*fit.picture, 3):
        raise InputError(
            f"picture is {picture.dtype} {picture.shape}, the fit is for uint8 {(*fit.picture, 3)}; "
            "read it with read_picture and make the fit from its shape"
        )
    resized = resize_bilinear(picture, *fit.fitted)
    table = (np.arange(256, dtype=np.float32)[:, None] - np.array(MEAN, np.float32)) / np.array(STD, np.float32)
    canvas = np.zeros((1, 3, *fit.size), np.float32)
    for channel in range(3):
        canvas[0, channel, : fit.fitted.height, : fit.fitted.width] = table[:, channel][resized[:, :, channel]]
    return canvas


def _taps(source: int, target: int) -> tuple[NDArray[np.intp], NDArray[np.int32]]:
    """Return for each output pixel the two source indices [2, target] and their integer weights [2, target]."""
    # Each step in the precision OpenCV uses: the inverse of the inverse in double, the fraction in float32.
    step = 1.0 / (target / source)
    position = ((np.arange(target) + 0.5) * step - 0.5).astype(np.float32)
    first = np.floor(position).astype(np.intp)
    fraction = position - first.astype(np.float32)
    weights = np.stack([np.float32(1) - fraction, fraction]) * np.float32(1 << _COEFFICIENT_BITS)
    indices = np.clip(np.stack([first, first + 1]), 0, source - 1)
    return indices, np.rint(weights).astype(np.int32)
