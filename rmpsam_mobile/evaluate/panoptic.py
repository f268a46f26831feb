"""Panoptic maps of a split against its truth; classes are matched to categories by name."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rmpsam_mobile.contracts import ModelContract
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.evaluate.panoptic_quality import Tally, compare_maps
from rmpsam_mobile.evaluate.panoptic_truth import Category, PanopticTruth, TruePicture
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
class PanopticScores:
    """Counts by collection and category id, and what of model and data set does not meet.

    Attributes:
        tallies: collection -> category id -> counts.
        pictures: collection -> number of pictures.
        unknown: categories that the model has no class for; all their segments are missed.
        foreign_segments: predictions under classes that the data set does not have: in no count of their own, but
            whatever they cover is lost to the others.
    """

    tallies: dict[str, dict[int, Tally]]
    pictures: dict[str, int]
    unknown: tuple[Category, ...]
    foreign_segments: int


def measure_panoptic(
    segmenter: Naming, truth: PanopticTruth, *, progress: Callable[[int], None] | None = None
) -> PanopticScores:
    """Name every pixel of every picture and count what matches.

    Args:
        segmenter: set to each picture in turn.
        truth: from ``read_panoptic_truth``.
        progress: called with 1 after each picture.

    Raises:
        InputError: no class of the model is a category of the data set, or a picture that does not fit its map.
    """
    names = segmenter.contract.class_names
    by_name = {category.name: category.id for category in truth.categories}
    category_of = [by_name.get(name) for name in names]
    if not any(category is not None for category in category_of):
        raise InputError(
            f"none of the model's {len(names)} classes is among the {len(by_name)} categories of the data set; "
            "give data with its names, or a --classifier for these"
        )
    tallies: defaultdict[str, defaultdict[int, Tally]] = defaultdict(lambda: defaultdict(Tally))
    pictures: defaultdict[str, int] = defaultdict(int)
    foreign = 0
    for picture in truth.pictures:
        counts, strangers = _measure_picture(segmenter, picture, category_of)
        for category, tally in counts.items():
            tallies[picture.source][category] += tally
        pictures[picture.source] += 1
        foreign += strangers
        if progress is not None:
            progress(1)
    unknown = tuple(category for category in truth.categories if category.name not in names)
    return PanopticScores({s: dict(tallies[s]) for s in pictures}, dict(pictures), unknown, foreign)


def _measure_picture(
    segmenter: Naming, picture: TruePicture, category_of: list[int | None]
) -> tuple[dict[int, Tally], int]:
    """Counts by category id, and how many segments have a class that the data set does not."""
    pixels, truth = read_picture(picture.picture), picture.map()
    if pixels.shape[:2] != truth.shape:
        sides = (f"{shape[1]} x {shape[0]} px" for shape in (pixels.shape, truth.shape))
        raise InputError(f"{picture.key}: the picture is {next(sides)}, its map {next(sides)}; leave it out")
    segmenter.set_image(pixels)
    found = segmenter.panoptic()
    predicted = {segment.id: category_of[segment.label] for segment in found.segments}
    known = {value: category for value, category in predicted.items() if category is not None}
    return compare_maps(truth, picture.segments, found.map, known), len(predicted) - len(known)
