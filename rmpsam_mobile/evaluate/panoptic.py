"""Panoptic maps of a split against its truth; classes are matched to categories by name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rmpsam_mobile.contracts import ModelContract
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.evaluate.panoptic_quality import Outcome, segment_outcomes
from rmpsam_mobile.evaluate.panoptic_truth import PanopticTruth, TruePicture
from rmpsam_mobile.picture import read_picture
from rmpsam_mobile.runtime import Panoptic


class Naming(Protocol):
    """What is measured: a ``Segmenter``."""

    @property
    def contract(self) -> ModelContract:
        """What the model knows."""
        ...

    def set_image(self, image: NDArray[np.uint8], /) -> None:
        """Take a picture uint8 RGB [H, W, 3]."""
        ...

    def panoptic(self) -> Panoptic:
        """Name every pixel of the picture."""
        ...


@dataclass(frozen=True)
class NamedPicture:
    """What one picture gave.

    Attributes:
        source: its collection.
        outcomes: of its segments, true and false ones.
        foreign_segments: predictions under classes that the data set does not have: in no count of their own, but
            whatever they cover is lost to the others.
    """

    source: str
    outcomes: tuple[Outcome, ...]
    foreign_segments: int


def measure_panoptic(
    segmenter: Naming, truth: PanopticTruth, *, progress: Callable[[int], None] | None = None
) -> list[NamedPicture]:
    """Name every pixel of every picture; see ``name_picture``. ``progress`` is called with 1 after each picture."""
    category_ids = ids_of_classes(segmenter.contract, truth)
    scores: list[NamedPicture] = []
    for picture in truth.pictures:
        scores.append(name_picture(segmenter, picture, category_ids))
        if progress is not None:
            progress(1)
    return scores


def ids_of_classes(contract: ModelContract, truth: PanopticTruth) -> list[int | None]:
    """The data set's category of each class of the model, by name; None where it has none.

    Raises:
        InputError: no class of the model is a category of the data set.
    """
    by_name = {category.name: category.id for category in truth.categories}
    found = [by_name.get(name) for name in contract.class_names]
    if not any(category is not None for category in found):
        raise InputError(
            f"none of the model's {len(found)} classes is among the {len(by_name)} categories of the data set; "
            "give data with its names, or a --classifier for these"
        )
    return found


def name_picture(segmenter: Naming, picture: TruePicture, category_ids: Sequence[int | None]) -> NamedPicture:
    """Name every pixel of a picture and say what became of each segment.

    Args:
        segmenter: set to the picture.
        picture: of the truth.
        category_ids: from ``ids_of_classes``.

    Raises:
        InputError: a picture that does not fit its map.
    """
    pixels, truth = read_picture(picture.picture), picture.map()
    if pixels.shape[:2] != truth.shape:
        sides = (f"{shape[1]} x {shape[0]} px" for shape in (pixels.shape, truth.shape))
        raise InputError(f"{picture.key}: the picture is {next(sides)}, its map {next(sides)}; leave it out")
    segmenter.set_image(pixels)
    found = segmenter.panoptic()
    predicted = {segment.id: category_ids[segment.label] for segment in found.segments}
    known = {value: category for value, category in predicted.items() if category is not None}
    outcomes = tuple(segment_outcomes(truth, picture.segments, found.map, known))
    return NamedPicture(picture.source, outcomes, len(predicted) - len(known))
