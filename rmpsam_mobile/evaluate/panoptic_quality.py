"""Panoptic quality (arXiv 1801.00868), with the rules of COCO's released evaluation for void and crowds.

H, W the picture.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

VOID: Final = 0  # the truth's id of pixels that nobody labelled
_SHIFT: Final = 32  # bits; ids of both maps fit below


@dataclass(frozen=True)
class TrueSegment:
    """A segment of the truth: category id, and whether it is a crowd, of which no single one has to be found."""

    category: int
    is_crowd: bool = False


@dataclass(frozen=True)
class Tally:
    """Counts of one category: matched pairs with the sum of their IoU, false and missed segments."""

    iou: float = 0.0
    matched: int = 0
    false: int = 0
    missed: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        """Counts of both."""
        return Tally(
            self.iou + other.iou,
            self.matched + other.matched,
            self.false + other.false,
            self.missed + other.missed,
        )

    @property
    def is_seen(self) -> bool:
        """Whether the category was there, in the truth or as a prediction."""
        return bool(self.matched + self.false + self.missed)

    @property
    def sq(self) -> float:
        """Segmentation quality: mean IoU of the matched, 0..1."""
        return self.iou / self.matched if self.matched else 0.0

    @property
    def rq(self) -> float:
        """Recognition quality: the F1 score of the matching, 0..1."""
        found = self.matched + 0.5 * self.false + 0.5 * self.missed
        return self.matched / found if found else 0.0

    @property
    def pq(self) -> float:
        """Panoptic quality, SQ times RQ, 0..1."""
        return self.sq * self.rq


@dataclass(frozen=True)
class Quality:
    """Means over the categories that were seen, 0..1, and how many those are; None where none was."""

    pq: float | None
    sq: float | None
    rq: float | None
    categories: int


@dataclass(frozen=True)
class Outcome:
    """What became of one segment: its category, its share of the picture (the truth's if matched), what it counts."""

    category: int
    share: float
    tally: Tally


def compare_maps(
    truth: NDArray[np.integer],
    true_segments: Mapping[int, TrueSegment],
    prediction: NDArray[np.integer],
    predicted: Mapping[int, int],
) -> dict[int, Tally]:
    """Match the segments of one picture and count, by category; see ``segment_outcomes``."""
    tallies: defaultdict[int, Tally] = defaultdict(Tally)
    for outcome in segment_outcomes(truth, true_segments, prediction, predicted):
        tallies[outcome.category] += outcome.tally
    return dict(tallies)


def segment_outcomes(
    truth: NDArray[np.integer],
    true_segments: Mapping[int, TrueSegment],
    prediction: NDArray[np.integer],
    predicted: Mapping[int, int],
) -> Iterator[Outcome]:
    """Match the segments of one picture: each is matched, missed or false, or does not count.

    Two segments of one category match where their IoU is above 0.5, void not counted in the union. A prediction
    without a match is not held against the model if more than half of it lies in void and in the crowd of its
    category. Crowds are not missed.

    Args:
        truth: [H, W], ids of ``true_segments`` or ``VOID``.
        true_segments: by id.
        prediction: [H, W]; a value outside of ``predicted`` names nothing.
        predicted: category id of each value.
    """
    overlap = _overlaps(truth, prediction)
    true_area, area = _areas(overlap, 0), _areas(overlap, 1)
    matched: set[tuple[str, int]] = set()
    for (true_id, value), shared in overlap.items():
        segment = true_segments.get(true_id)
        if segment is None or segment.is_crowd or predicted.get(value) != segment.category:
            continue
        union = area[value] + true_area[true_id] - shared - overlap.get((VOID, value), 0)
        if 2 * shared > union:
            yield Outcome(segment.category, true_area[true_id] / truth.size, Tally(shared / union, matched=1))
            matched |= {("true", true_id), ("predicted", value)}
    for true_id, segment in true_segments.items():
        if not segment.is_crowd and ("true", true_id) not in matched:
            yield Outcome(segment.category, true_area.get(true_id, 0) / truth.size, Tally(missed=1))
    crowds = {segment.category: true_id for true_id, segment in true_segments.items() if segment.is_crowd}
    for value, category in predicted.items():
        if ("predicted", value) in matched or not area.get(value):
            continue
        excused = overlap.get((VOID, value), 0) + overlap.get((crowds.get(category, -1), value), 0)
        if 2 * excused <= area[value]:
            yield Outcome(category, area[value] / truth.size, Tally(false=1))


def average(tallies: Mapping[int, Tally], categories: Iterable[int]) -> Quality:
    """Mean over those of ``categories`` that were seen."""
    seen = [tallies[category] for category in categories if category in tallies and tallies[category].is_seen]
    if not seen:
        return Quality(None, None, None, 0)
    pq, sq, rq = (sum(values) / len(seen) for values in zip(*((t.pq, t.sq, t.rq) for t in seen), strict=True))
    return Quality(pq, sq, rq, len(seen))


def _overlaps(truth: NDArray[np.integer], prediction: NDArray[np.integer]) -> dict[tuple[int, int], int]:
    """Pixels shared by each pair of a truth's id and a predicted value."""
    pairs = (truth.astype(np.int64) << _SHIFT) + prediction.astype(np.int64)
    values, counts = np.unique(pairs, return_counts=True)
    keys = zip((values >> _SHIFT).tolist(), (values & ((1 << _SHIFT) - 1)).tolist(), strict=True)
    return dict(zip(keys, counts.tolist(), strict=True))


def _areas(overlap: Mapping[tuple[int, int], int], side: int) -> dict[int, int]:
    """Pixels of each id, side 0, or of each predicted value, side 1."""
    areas: defaultdict[int, int] = defaultdict(int)
    for pair, shared in overlap.items():
        areas[pair[side]] += shared
    return dict(areas)
