"""Prompts as a person would give them: a first click or a rough box, then clicks where the answer is wrong.

The next click lies deep inside of the larger error (RITM, arXiv 2102.06583, section 3.2); EdgeSAM (arXiv 2312.06660)
calls the same, with a teacher in the truth's place, prompt-in-the-loop. Coordinates are xy pixels of the model input;
a pixel's centre is at + 0.5. H, W sides of a mask.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from rmpsam_mobile.contracts import PointLabel

LARGEST_SIDE = 96  # cells of the crop in which depths are measured; more would cost time and change little


@dataclass(frozen=True, kw_only=True)
class FirstPrompts:
    """How first prompts are drawn.

    Attributes:
        click: share of clicks alone.
        box: share of boxes alone; the rest has both.
        exact_box: share of boxes that are tight; the others' sides move.
        box_noise: standard deviation of that, in sides of the box.
        deepest: share of clicks at the deepest pixel; the others are drawn by depth.
    """

    click: float = 0.5
    box: float = 0.4
    exact_box: float = 0.6
    box_noise: float = 0.08
    deepest: float = 0.5


@dataclass(frozen=True)
class Hints:
    """What one prompt says so far: points xy with labels, and at most one box xyxy."""

    points: tuple[tuple[float, float], ...] = ()
    labels: tuple[int, ...] = ()
    box: tuple[float, float, float, float] | None = None

    def with_click(self, point: tuple[float, float], label: int) -> "Hints":
        """The same and one more click."""
        return Hints((*self.points, point), (*self.labels, label), self.box)


def first_hints(mask: NDArray[np.bool_], settings: FirstPrompts, rng: np.random.Generator) -> Hints:
    """Draw the first prompt for a mask [H, W] with at least one pixel."""
    kind = rng.random()
    has_click, has_box = kind < settings.click or kind >= settings.click + settings.box, kind >= settings.click
    hints = Hints(box=rough_box(mask, settings, rng) if has_box else None)
    if has_click:
        hints = hints.with_click(draw_click(mask, settings.deepest, rng), PointLabel.FOREGROUND)
    return hints


def rough_box(
    mask: NDArray[np.bool_], settings: FirstPrompts, rng: np.random.Generator
) -> tuple[float, float, float, float]:
    """The tight box, or one with each side moved, never thinner than 2 pixels."""
    rows, columns = _extent(mask)
    x1, y1, x2, y2 = float(columns.start), float(rows.start), float(columns.stop), float(rows.stop)
    if rng.random() < settings.exact_box:
        return x1, y1, x2, y2
    width, height = x2 - x1, y2 - y1
    moves = rng.normal(0.0, settings.box_noise, 4).clip(-0.25, 0.25) * (width, height, width, height)
    x1, y1, x2, y2 = np.array((x1, y1, x2, y2)) + moves
    right, below = mask.shape[1], mask.shape[0]
    x1, y1 = max(min(x1, right - 2.0), 0.0), max(min(y1, below - 2.0), 0.0)
    return float(x1), float(y1), float(min(max(x2, x1 + 2), right)), float(min(max(y2, y1 + 2), below))


def draw_click(mask: NDArray[np.bool_], deepest: float, rng: np.random.Generator) -> tuple[float, float]:
    """A pixel inside of the mask [H, W]: the deepest, or drawn with the square of its depth as weight."""
    depths, corner, step = _depths(mask)
    if rng.random() < deepest:
        cell = int(depths.argmax())
    else:
        weights = np.square(depths, dtype=np.float64).ravel()
        cell = int(rng.choice(weights.size, p=weights / weights.sum()))
    row, column = divmod(cell, depths.shape[1])
    return corner[1] + column * step + 0.5, corner[0] + row * step + 0.5


def correcting_click(
    truth: NDArray[np.bool_], answer: NDArray[np.bool_], rng: np.random.Generator
) -> tuple[tuple[float, float], int] | None:
    """The next click on masks [H, W], in cells, with its label; None where there is nothing to correct.

    The kind of error whose deepest pixel is deeper is corrected: missed object (label 1) or too much (label 0).
    """
    errors = (truth & ~answer, PointLabel.FOREGROUND), (answer & ~truth, PointLabel.BACKGROUND)
    found = [(_depths(error), error, label) for error, label in errors if error.any()]
    if not found:
        return None
    (_, error, label) = max(found, key=lambda item: float(item[0][0].max() * item[0][2]))
    return draw_click(error, 0.7, rng), label


def _depths(mask: NDArray[np.bool_]) -> tuple[NDArray[np.float64], tuple[int, int], int]:
    """Distance to the boundary inside of a mask's extent, whose edge counts as boundary; row, column of its corner;
    pixels a cell."""
    rows, columns = _extent(mask)
    step = -(-max(rows.stop - rows.start, columns.stop - columns.start) // LARGEST_SIDE)
    crop = mask[rows, columns][::step, ::step]
    if not crop.any():  # thinner than the step
        step, crop = 1, mask[rows, columns]
    depths = distance_transform_edt(np.pad(crop, 1))[1:-1, 1:-1]
    return depths, (rows.start, columns.start), step


def _extent(mask: NDArray[np.bool_]) -> tuple[slice, slice]:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
