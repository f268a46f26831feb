"""Prompts: what a person points at, checked, and laid into the fixed slots of the prompt graph."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmpsam_mobile.contracts import ModelContract, PointLabel
from rmpsam_mobile.errors import InputError, UnsupportedError
from rmpsam_mobile.fit import Fit
from rmpsam_mobile.runtime.base import Array


@dataclass(frozen=True)
class Prompt:
    """One object's hints in the source-image frame: points xy with labels 1 or 0, and at most one box xyxy."""

    points: tuple[tuple[float, float], ...] = ()
    labels: tuple[int, ...] = ()
    box: tuple[float, float, float, float] | None = None

    @classmethod
    def of(cls, point_coords: ArrayLike | None, point_labels: ArrayLike | None, box: ArrayLike | None) -> "Prompt":
        """Build from SAM's arguments: coordinates [P, 2], labels [P] (all foreground if absent), box [4].

        Raises:
            InputError: wrong shape, not a number, or labels that do not belong to the points.
        """
        points = _numbers("point_coords", point_coords, (-1, 2)) if point_coords is not None else np.zeros((0, 2))
        labels = _numbers("point_labels", point_labels, (-1,)) if point_labels is not None else np.ones(len(points))
        if len(labels) != len(points):
            raise InputError(f"{len(points)} points and {len(labels)} labels; give one label, 1 or 0, for each point")
        if (labels != np.rint(labels)).any():
            raise InputError(f"point labels {labels.tolist()!r:.60}; known: 1 foreground, 0 background")
        corners = None if box is None else tuple(_numbers("box", box, (4,)).tolist())
        return cls(tuple((x, y) for x, y in points.tolist()), tuple(int(x) for x in labels), corners)


def check_prompt(prompt: Prompt, contract: ModelContract, height: int, width: int) -> Prompt:
    """Return the prompt with its box clamped to the picture of ``height`` x ``width``.

    Raises:
        InputError: nothing given, a point outside of the picture, or a box without area inside it.
        UnsupportedError: more hints than this model reads in one prompt.
    """
    for (x, y), label in zip(prompt.points, prompt.labels, strict=True):
        if not (0 <= x <= width and 0 <= y <= height):
            raise InputError(
                f"point {x:g},{y:g} lies outside of the picture of {width} x {height} px; give xy inside it"
            )
        if label not in (PointLabel.FOREGROUND, PointLabel.BACKGROUND):
            raise InputError(f"point label {label}; known: 1 foreground, 0 background")
    if not prompt.points and prompt.box is None:
        raise InputError("no point and no box; give at least one, for example --point 120,80")
    _check_kinds(prompt, contract)
    if prompt.box is None:
        return prompt
    x1, y1, x2, y2 = prompt.box
    box = (max(x1, 0.0), max(y1, 0.0), min(x2, float(width)), min(y2, float(height)))
    if box[2] - box[0] <= 0 or box[3] - box[1] <= 0:
        raise InputError(
            f"box {x1:g},{y1:g},{x2:g},{y2:g} has no area inside the picture of {width} x {height} px; "
            "give x0,y0,x1,y1 with x0 < x1 and y0 < y1"
        )
    return Prompt(prompt.points, prompt.labels, box)


def _check_kinds(prompt: Prompt, contract: ModelContract) -> None:
    """Refuse what the model cannot read: official ones take one click or one box, mobile ones a set of both."""
    limit, count = contract.sizes.num_points, len(prompt.points)
    if limit == 1 and (count + (prompt.box is not None) > 1 or PointLabel.BACKGROUND in prompt.labels):
        raise UnsupportedError(
            f"{contract.preset} reads one foreground click or one box a prompt; got "
            f"{count} points and {int(prompt.box is not None)} boxes; give one, or one prompt for each"
        )
    if count > limit:
        raise UnsupportedError(f"{contract.preset} reads up to {limit} points a prompt; got {count}; give fewer")
    if prompt.box is None and PointLabel.FOREGROUND not in prompt.labels:
        raise InputError(f"{count} background points and nothing wanted; give a box or a foreground point as well")


def fill_slots(prompts: Sequence[Prompt], fit: Fit, contract: ModelContract) -> tuple[Array, Array, Array, Array]:
    """Lay checked prompts into slots: the prompt graph's points, labels, boxes and image_size, float32."""
    slots, num_points = contract.sizes.num_slots, contract.sizes.num_points
    points = np.zeros((1, slots, num_points, 2), np.float32)
    labels = np.full((1, slots, num_points + 1), PointLabel.EMPTY, np.float32)
    boxes = np.zeros((1, slots, 4), np.float32)
    for slot, prompt in enumerate(prompts):
        count = len(prompt.points)
        if count:
            points[0, slot, :count] = fit.points_to_input(np.array(prompt.points))
            labels[0, slot, :count] = prompt.labels
        if prompt.box is not None:
            boxes[0, slot] = fit.boxes_to_input(np.array(prompt.box))
            labels[0, slot, -1] = PointLabel.FOREGROUND
    return points, labels, boxes, np.array([fit.fitted], np.float32)


def _numbers(name: str, value: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.float64]:
    try:
        array = np.asarray(value, np.float64)
        fits = array.size == 0 or array.shape[-1] == shape[-1] or shape[-1] == -1
        array = array.reshape(shape if fits else ())
    except (ValueError, TypeError):
        raise InputError(f"{name} {value!r:.60} is no array of shape {_form(shape)}") from None
    if not np.isfinite(array).all():
        raise InputError(f"{name} {value!r:.60} holds a number that is not finite; give pixels of the picture")
    return array


def _form(shape: tuple[int, ...]) -> str:
    return f"({', '.join('P' if side == -1 else str(side) for side in shape)})"
