"""How a picture lies in the model input, and the mapping of coordinates between the two frames.

Two frames: the source image (the picture as read, upright) and the model input (a fixed canvas, the resized picture
in its top left corner, zeros right of it and below).
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmpsam_mobile.contracts import MULTIPLE, Size
from rmpsam_mobile.errors import InputError


class Extent(NamedTuple):
    """Height and width in pixels of a picture; any value, unlike ``contracts.Size``."""

    height: int
    width: int


@dataclass(frozen=True)
class Fit:
    """How a picture lies in the model input: resized in proportion, in the top left corner of the canvas.

    Coordinates scale by fitted / picture side without a half-pixel shift, because RMP-SAM divides positions by the
    sides (arXiv 2401.10228, official code). The network's normalised positions refer to ``fitted``, not to ``size``
    (quirk 6 of the official code).

    Attributes:
        picture: the source image.
        fitted: the picture inside the model input.
        size: the model input.
    """

    picture: Extent
    fitted: Extent
    size: Size

    def points_to_input(self, points: ArrayLike) -> NDArray[np.floating]:
        """Map xy points [..., 2] from the source-image frame to the model-input frame; a float dtype is kept."""
        return _scale(points, self.picture, self.fitted, 2)

    def points_to_picture(self, points: ArrayLike) -> NDArray[np.floating]:
        """Map xy points [..., 2] from the model-input frame to the source-image frame; a float dtype is kept."""
        return _scale(points, self.fitted, self.picture, 2)

    def boxes_to_input(self, boxes: ArrayLike) -> NDArray[np.floating]:
        """Map xyxy boxes [..., 4] from the source-image frame to the model-input frame; a float dtype is kept."""
        return _scale(boxes, self.picture, self.fitted, 4)

    def boxes_to_picture(self, boxes: ArrayLike) -> NDArray[np.floating]:
        """Map xyxy boxes [..., 4] from the model-input frame to the source-image frame; a float dtype is kept."""
        return _scale(boxes, self.fitted, self.picture, 4)


def fit_picture(height: int, width: int, size: Size) -> Fit:
    """Fit a picture of height x width pixels into the model input ``size``, as large as its proportions allow.

    Raises:
        InputError: a side below one pixel, or ``size`` is no valid model input.
    """
    size = Size(*size).checked()
    picture = _extent(height, width)
    fitted = _scaled(picture, min(size.width / width, size.height / height))
    return Fit(picture, Extent(min(fitted.height, size.height), min(fitted.width, size.width)), size)


def fit_limits(height: int, width: int, long: int, short: int) -> Fit:
    """Fit a picture the way RMP-SAM's evaluation does: by limits, on a canvas of the next multiples of 32.

    The larger limit holds for the longer side, whichever that is. Official limits: 1333 and 800 for COCO, 1280 and 736
    for YouTube-VIS.

    Raises:
        InputError: a side or limit below one pixel, or the canvas is no valid model input.
    """
    picture = _extent(height, width)
    _extent(short, long)
    long, short = max(long, short), min(long, short)
    fitted = _scaled(picture, min(long / max(picture), short / min(picture)))
    return Fit(picture, fitted, Size(*(-(-side // MULTIPLE) * MULTIPLE for side in fitted)).checked())


def _extent(height: int, width: int) -> Extent:
    if height < 1 or width < 1:
        raise InputError(f"{width} x {height} px is no size; each side needs 1 pixel; give width and height above 0")
    return Extent(height, width)


def _scaled(picture: Extent, scale: float) -> Extent:
    height, width = (max(int(side * scale + 0.5), 1) for side in picture)
    return Extent(height, width)


def _scale(values: ArrayLike, source: Extent, target: Extent, last: int) -> NDArray[np.floating]:
    given: NDArray[Any] = np.asarray(values)
    if given.ndim < 1 or given.shape[-1] != last:
        form = "x1, y1, x2, y2" if last == 4 else "x, y"
        raise InputError(f"coordinates have shape {given.shape}; the last axis needs {last} numbers: {form}")
    kept = given if np.issubdtype(given.dtype, np.floating) else given.astype(np.float64)
    factors = (target.width / source.width, target.height / source.height) * (last // 2)
    scaled: NDArray[np.floating] = kept * np.array(factors, kept.dtype)
    return scaled
