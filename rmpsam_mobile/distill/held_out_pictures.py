"""What a person sees of the held-out part: pictures with prompts, the student's masks and the truth's outlines.

H, W the picture in pixels of the model input, N objects that are asked for.
"""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, binary_erosion
from torch.nn import functional as F

from rmpsam_mobile.data.samples import Sample, Task
from rmpsam_mobile.distill.batch import Batch
from rmpsam_mobile.distill.held_out import BOXES, CLICKS
from rmpsam_mobile.distill.prompt_task import PromptTask, PromptTruth
from rmpsam_mobile.distill.simulate import FirstPrompts, Hints
from rmpsam_mobile.model.rmpsam import RmpSam
from rmpsam_mobile.overlay import MIN_SHOWN, Shape, draw_overlay

PICTURES = 4
OBJECTS = 3  # of each: the first that are measured
GAP = 8  # pixels between the two panels
LINE = 2  # pixels of the truth's outline
Cells = TypeVar("Cells", np.bool_, np.uint8)


@torch.no_grad()
def held_out_pictures(model: RmpSam, samples: Sequence[Sample], seed: int) -> list[NDArray[np.uint8]]:
    """Draw the first samples; the model is in eval mode.

    Returns:
        uint8 RGB of each: on the left answers to tight boxes, on the right to one click in each object.
    """
    device = next(model.parameters()).device
    drawn = []
    for number, sample in enumerate(samples[:PICTURES]):
        features = model.encode(Batch(0, number, Task.PROMPTS, (sample,), 0).pixel_values(device)).mask_features
        panels = [
            _panel(model, features, sample, _asked(model, sample, first, (seed, number)), name)
            for name, first in (("box", BOXES), ("click", CLICKS))
        ]
        gap = np.full((panels[0].shape[0], GAP, 3), 255, np.uint8)
        drawn.append(np.concatenate((panels[0], gap, panels[1]), 1))
    return drawn


def _asked(model: RmpSam, sample: Sample, first: FirstPrompts, seed: tuple[int, int]) -> PromptTruth:
    task = PromptTask(prompts=OBJECTS, first=first)
    rngs = [np.random.default_rng(seed)]
    return PromptTruth([sample.masks[:, 0]], [sample.image_size], task, model.config.num_points, rngs)


def _panel(model: RmpSam, features: torch.Tensor, sample: Sample, truth: PromptTruth, name: str) -> NDArray[np.uint8]:
    """One kind of prompt: masks tinted with their overlap in %, the truth as a white line."""
    height, width = sample.image_size
    prompts, size = truth.prompt_set(features), truth.image_size.to(features)
    logits = model.panoptic_head.answer(features, prompts, size).mask_logits
    fine = F.interpolate(logits, size=truth.masks.shape[-2:], mode="bilinear", align_corners=False)
    answers = (fine[0] > 0).cpu().numpy()[:, :height, :width]
    factor = max(1, -(-MIN_SHOWN // max(height, width)))
    canvas = _enlarged(sample.pixels[0, :height, :width], factor)
    shapes, hints = [], [truth.hints[key] for key in sorted(truth.hints)]
    for _, n in sorted(truth.hints):
        wanted = truth.masks[0, n, :height, :width]
        overlap = (answers[n] & wanted).sum() / max((answers[n] | wanted).sum(), 1)
        shapes.append(Shape(_enlarged(answers[n], factor), f"{100 * overlap:.0f} %", n))
        _outline(canvas, _enlarged(wanted, factor))
    boxes, points = _marks(hints, factor)
    return np.asarray(draw_overlay(canvas, shapes, points=points, boxes=boxes, banner=f"{name}; white: truth"))


def _enlarged(values: NDArray[Cells], factor: int) -> NDArray[Cells]:
    return values.repeat(factor, 0).repeat(factor, 1)


def _outline(canvas: NDArray[np.uint8], mask: NDArray[np.bool_]) -> None:
    """Draw a white line inside of a mask's edge and a dark one outside, so that it shows on any ground."""
    canvas[binary_dilation(mask, iterations=1) & ~mask] = 0
    canvas[mask & ~binary_erosion(mask, iterations=LINE, border_value=1)] = 255


def _marks(
    hints: Sequence[Hints], factor: int
) -> tuple[list[tuple[float, float, float, float]], list[tuple[float, float, int]]]:
    """Boxes and clicks in pixels of the enlarged picture."""
    boxes = [hint.box for hint in hints if hint.box is not None]
    points = [(x, y, label) for hint in hints for (x, y), label in zip(hint.points, hint.labels, strict=True)]
    grown = [(x1 * factor, y1 * factor, x2 * factor, y2 * factor) for x1, y1, x2, y2 in boxes]
    return grown, [(x * factor, y * factor, label) for x, y, label in points]
