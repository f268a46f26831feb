"""Simulated corrections: where a person would click next, told from the truth."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rmpsam_mobile.contracts import PointLabel


class Click(NamedTuple):
    """A pixel of the source image, column ``x`` and row ``y``; ``label`` 1 foreground or 0 background."""

    x: int
    y: int
    label: int


def next_click(
    truth: NDArray[np.bool_], prediction: NDArray[np.bool_], clicked: Iterable[tuple[int, int]] = ()
) -> Click | None:
    """Return the pixel deepest inside the worse of the two errors, as the field does (RITM, arXiv 2102.06583, 3).

    Missed foreground and wrongly covered background are compared by their largest L2 distance to whatever is not
    that error, the picture's edge included; of equals background is clicked, of equal pixels the first in reading
    order, as in the released code.

    Args:
        truth: bool [H, W].
        prediction: bool [H, W].
        clicked: pixels x, y of earlier clicks, which are not clicked again.

    Returns:
        The click, or None where no error is left that was not clicked on.
    """
    done = tuple(clicked)
    missed, missed_depth = _deepest(truth & ~prediction, done)
    covered, covered_depth = _deepest(prediction & ~truth, done)
    if missed_depth > covered_depth:
        return Click(*missed, PointLabel.FOREGROUND)
    return Click(*covered, PointLabel.BACKGROUND) if covered_depth else None


def _deepest(error: NDArray[np.bool_], clicked: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], float]:
    """Pixel x, y deepest inside, and its distance to the boundary in pixels; 0 where nothing is inside."""
    from scipy.ndimage import distance_transform_edt

    rows, columns = np.flatnonzero(error.any(1)), np.flatnonzero(error.any(0))
    if not rows.size:
        return (0, 0), 0.0
    top, left = int(rows[0]), int(columns[0])
    # outside of its bounding box nothing is error, so one row of zeros around it stands for the rest and for the edge
    cut = np.pad(error[top : rows[-1] + 1, left : columns[-1] + 1], 1)
    depth = distance_transform_edt(cut)[1:-1, 1:-1]
    for x, y in clicked:
        if top <= y <= rows[-1] and left <= x <= columns[-1]:
            depth[y - top, x - left] = 0
    row, column = divmod(int(depth.argmax()), depth.shape[1])
    return (left + column, top + row), float(depth[row, column])
