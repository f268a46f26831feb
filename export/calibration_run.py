"""Calibration as use: each picture goes through the graphs as an app would run it, observers look on."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rmpsam_mobile.contracts import Graph
from rmpsam_mobile.data import Record
from rmpsam_mobile.distill.simulate import FirstPrompts, Hints, correcting_click, first_hints
from rmpsam_mobile.runtime import Prompt, Runner, Segmenter

CORRECTIONS: Final = 2  # clicks after the first prompt, where the model reads more than one
FIRST: Final = FirstPrompts()

Mask = NDArray[np.bool_]


def observe(runner: Runner, records: Sequence[Record], progress: Callable[[str], None] = lambda _: None) -> None:
    """Run every picture: one encoder pass feeds all decoders.

    Objects of a labelled picture are asked for as in training: clicks, boxes, both, then clicks where the answer is
    wrong. Of a picture without labels the model's own masks stand for the objects, or where it finds none, places
    drawn at random.
    """
    segmenter = Segmenter(runner)
    for number, record in enumerate(records):
        progress(f"calibrate {number + 1}")
        rng = np.random.default_rng((0, number))
        segmenter.set_image(record.read())
        if Graph.OBJECTS in runner.graphs:
            segmenter.queries()
        use_prompts(segmenter, truths_of(segmenter, record, rng), rng)
        if Graph.CLIP in runner.graphs:
            run_clip(segmenter)


def truths_of(segmenter: Segmenter, record: Record, rng: np.random.Generator) -> list[Mask]:
    """Masks [H, W] of at most as many objects as there are slots."""
    slots = segmenter.contract.sizes.num_slots
    labels = record.objects
    if labels:
        chosen = rng.permutation(len(labels))[:slots]
        found = [labels[i].mask() for i in chosen]
    else:
        found = _own(segmenter, slots)
    found = [mask for mask in found if mask.any()]
    return found or [_disc(segmenter.picture.shape[:2], rng) for _ in range(slots)]


def use_prompts(segmenter: Segmenter, truths: Sequence[Mask], rng: np.random.Generator) -> list[NDArray[np.bool_]]:
    """Ask for all objects, then correct; returns the answers bool [N, H, W] of each round."""
    hints = [_readable(first_hints(mask, FIRST, rng), segmenter) for mask in truths]
    rounds = []
    limit = segmenter.contract.sizes.num_points
    for turn in range(1 + (CORRECTIONS if limit > 1 else 0)):
        answers, _ = segmenter.predict_many([Prompt(hint.points, hint.labels, hint.box) for hint in hints])
        rounds.append(answers)
        if turn < CORRECTIONS:
            hints = [_corrected(h, m, a, limit, rng) for h, m, a in zip(hints, truths, answers, strict=True)]
    return rounds


def run_clip(segmenter: Segmenter) -> None:
    """The clip graph on frames that are all the picture."""
    frames = segmenter.contract.sizes.clip_frames
    segmenter.track([segmenter.picture] * frames)


def _own(segmenter: Segmenter, count: int) -> list[Mask]:
    """The model's surest objects; none where it names none."""
    if Graph.OBJECTS not in segmenter.runner.graphs:
        return []
    class_logits, masks = segmenter.queries()
    surest = np.argsort(class_logits[:, -1] - class_logits[:, :-1].max(1))[:count]
    return [masks[int(i)] > segmenter.contract.thresholds.mask for i in surest]


def _readable(hints: Hints, segmenter: Segmenter) -> Hints:
    """Of a click and a box together, the click, where the model reads one thing a prompt."""
    if segmenter.contract.sizes.num_points == 1 and hints.points and hints.box is not None:
        return Hints(hints.points, hints.labels)
    return hints


def _corrected(hints: Hints, truth: Mask, answer: Mask, limit: int, rng: np.random.Generator) -> Hints:
    click = correcting_click(truth, answer, rng)
    if click is None or len(hints.points) >= limit:
        return hints
    point, label = click
    return hints.with_click(point, int(label))


def _disc(shape: tuple[int, ...], rng: np.random.Generator) -> Mask:
    """A disc of a tenth to a third of the shorter side somewhere in the picture."""
    height, width = shape
    rows, columns = np.mgrid[0:height, 0:width]
    y, x = rng.uniform(0, height), rng.uniform(0, width)
    radius = max(rng.uniform(0.1, 0.33) * min(height, width), 1.5)
    disc: Mask = (rows + 0.5 - y) ** 2 + (columns + 0.5 - x) ** 2 <= radius**2
    return disc
