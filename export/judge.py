"""Candidates judged by final masks and names on held-out pictures, against the float graphs and against the truth.

Never by tensors: decoders threshold masks, so a small error may move everything behind it, and a large one nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from torch import nn

from rmpsam_mobile.contracts import Graph
from rmpsam_mobile.data import Record
from rmpsam_mobile.distill.held_out import BOXES, CLICKS
from rmpsam_mobile.distill.simulate import first_hints
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.evaluate import mask_iou
from rmpsam_mobile.export.graph_runner import GraphRunner
from rmpsam_mobile.export.quantized_graphs import CapturedModel
from rmpsam_mobile.runtime import Prompt, Runner, Segmenter

OBJECTS: Final = 8  # of a picture at most
SMALL: Final = 0.01  # share of the picture below which an object is small

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Score:
    """Means over the objects, 0 to 1.

    Attributes:
        box_agreement: overlap with the float answer to the box.
        click_agreement: the same of one click.
        class_agreement: share of the float model's objects that keep their name; 1 without object graph.
        box: overlap with the truth.
        click: the same of one click.
        small: overlap of small objects with the truth, both prompts; None where there is none.
    """

    box_agreement: float
    click_agreement: float
    class_agreement: float
    box: float
    click: float
    small: float | None

    @property
    def agreement(self) -> float:
        """What candidates are ranked by."""
        return (self.box_agreement + self.click_agreement + self.class_agreement) / 3

    def drop(self, reference: "Score") -> float:
        """Points of mIoU in % that are lost, of box or click, the worse."""
        return 100 * max(reference.box - self.box, reference.click - self.click)


@dataclass(frozen=True)
class _Answers:
    masks: NDArray[np.bool_]  # [2 N, H, W], boxes first
    classes: NDArray[np.int64]  # [Q]


class Judge:
    """Pictures, what is asked of them, and what the float graphs answer."""

    def __init__(self, captured: CapturedModel, records: Sequence[Record]) -> None:
        """Run the float graphs.

        Raises:
            InputError: no picture has an object.
        """
        self.captured = captured
        self.records = [record for record in records if any(label.mask().any() for label in record.objects)]
        if not self.records:
            raise InputError(f"{len(records)} held-out pictures without any mask; give labelled data")
        self._truths = [_truths(record) for record in self.records]
        runner = captured.float_runner()
        self._float = [self._answers(runner, i) for i in range(len(self.records))]
        self.reference = self._score(self._float)

    @property
    def objects(self) -> int:
        """Number of objects that are asked for, by box and by click."""
        return sum(map(len, self._truths))

    def score(self, modules: Mapping[Graph, nn.Module]) -> Score:
        """Judge graphs; those that are not given are the float ones."""
        runner = GraphRunner({**self.captured.parts.modules, **modules}, self.captured.contract, "candidate")
        return self.score_runner(runner)

    def score_runner(self, runner: Runner) -> Score:
        """Judge anything that runs, the lowered files too."""
        return self._score([self._answers(runner, i) for i in range(len(self.records))])

    def _answers(self, runner: Runner, number: int) -> _Answers:
        segmenter = Segmenter(runner)
        segmenter.set_image(self.records[number].read())
        rng = np.random.default_rng(0)  # draws nothing: boxes are tight, clicks at the deepest pixel
        hints = [first_hints(mask, kind, rng) for kind in (BOXES, CLICKS) for mask in self._truths[number]]
        masks, _ = segmenter.predict_many([Prompt(hint.points, hint.labels, hint.box) for hint in hints])
        named = segmenter.queries()[0].argmax(1) if Graph.OBJECTS in runner.graphs else np.zeros(0, np.int64)
        return _Answers(masks, named)

    def _score(self, answers: Sequence[_Answers]) -> Score:
        rows = [
            (place < len(truths), truth.mean() < SMALL, _agreement(mask, reference), mask_iou(mask, truth))
            for found, known, truths in zip(answers, self._float, self._truths, strict=True)
            for place, (mask, reference) in enumerate(zip(found.masks, known.masks, strict=True))
            for truth in (truths[place % len(truths)],)
        ]
        is_box, is_small, agreement, overlap = (np.array(column, float) for column in zip(*rows, strict=True))
        small = overlap[is_small > 0]
        return Score(
            float(agreement[is_box > 0].mean()),
            float(agreement[is_box == 0].mean()),
            self._class_agreement(answers),
            float(overlap[is_box > 0].mean()),
            float(overlap[is_box == 0].mean()),
            float(small.mean()) if small.size else None,
        )

    def _class_agreement(self, answers: Sequence[_Answers]) -> float:
        void = self.captured.contract.sizes.num_classes
        same = [
            found.classes[known.classes != void] == known.classes[known.classes != void]
            for found, known in zip(answers, self._float, strict=True)
        ]
        joined = np.concatenate(same)
        return float(joined.mean()) if joined.size else 1.0


def _truths(record: Record) -> list[Mask]:
    """The first objects that have a pixel."""
    masks = [label.mask() for label in record.objects]
    return [mask for mask in masks if mask.any()][:OBJECTS]


def _agreement(a: Mask, b: Mask) -> float:
    """Overlap; 1 where both are empty."""
    return mask_iou(a, b) if a.any() or b.any() else 1.0
