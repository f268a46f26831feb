"""The measurement that chooses: box and click on a held-out part of the training data, at the input's resolution."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from rmpsam_mobile.data.samples import Sample, Task
from rmpsam_mobile.distill.batch import Batch
from rmpsam_mobile.distill.prompt_losses import hard_iou
from rmpsam_mobile.distill.prompt_task import PromptTask, PromptTruth
from rmpsam_mobile.distill.simulate import FirstPrompts
from rmpsam_mobile.model.rmpsam import RmpSam

BOXES = FirstPrompts(click=0.0, box=1.0, exact_box=1.0)
CLICKS = FirstPrompts(click=1.0, box=0.0, deepest=1.0)
OBJECTS_A_PICTURE = 8


@dataclass(frozen=True)
class HeldOut:
    """Mean overlap over the held-out objects, 0 to 1: tight box, one click, and three clicks of which two correct."""

    box: float
    click: float
    clicks3: float
    objects: int

    @property
    def choice(self) -> float:
        """What the best checkpoint is chosen by."""
        return (self.box + self.click + self.clicks3) / 3


@torch.no_grad()
def measure(model: RmpSam, samples: Sequence[Sample], seed: int) -> HeldOut:
    """Ask for up to 8 objects in each picture; the model is in eval mode."""
    found: dict[str, list[float]] = {"box": [], "click": [], "clicks3": []}
    device = next(model.parameters()).device
    for number, sample in enumerate(samples):
        pixels = Batch(0, number, Task.PROMPTS, (sample,), 0).pixel_values(device)
        features = model.encode(pixels).mask_features
        found["box"] += _asked(model, features, sample, BOXES, (seed, number))[0]
        clicks = _asked(model, features, sample, CLICKS, (seed, number), corrections=2)
        found["click"] += clicks[0]
        found["clicks3"] += clicks[-1]
    means = {name: float(np.mean(values)) if values else 0.0 for name, values in found.items()}
    return HeldOut(**means, objects=len(found["box"]))


def _asked(
    model: RmpSam,
    features: torch.Tensor,
    sample: Sample,
    first: FirstPrompts,
    seed: tuple[int, int],
    *,
    corrections: int = 0,
) -> list[list[float]]:
    """Overlaps of the objects after the first prompt and after each correction that the model has places for."""
    task = PromptTask(prompts=OBJECTS_A_PICTURE, first=first)
    truth = PromptTruth(
        [sample.masks[:, 0]], [sample.image_size], task, model.config.num_points, [np.random.default_rng(seed)]
    )
    if not truth.hints:
        return [[]]
    rounds: list[list[float]] = []
    logits: torch.Tensor | None = None
    for _ in range(1 + min(corrections, model.config.num_points - 1)):
        if logits is not None:
            truth.correct(logits)
        prompts, size = truth.prompt_set(features), truth.image_size.to(features)
        logits = model.panoptic_head.answer(features, prompts, size).mask_logits
        rounds.append(_overlaps(logits, truth))
    return rounds


def _overlaps(logits: torch.Tensor, truth: PromptTruth) -> list[float]:
    rows = tuple(torch.from_numpy(index) for index in truth.rows)
    side = truth.masks.shape[-1]
    fine = F.interpolate(logits[rows].unsqueeze(1), size=(side, side), mode="bilinear", align_corners=False)
    wanted, valid = truth.shares(1, logits)
    return hard_iou(fine.flatten(1), wanted, valid).tolist()
