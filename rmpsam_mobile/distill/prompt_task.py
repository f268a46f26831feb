"""Prompted masks as a training task: draw objects and first prompts, answer, correct, answer again.

Letters: B pictures, N prompts, P points, S side of the input, h x w the mask grid.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from rmpsam_mobile.contracts import PointLabel
from rmpsam_mobile.distill.imitation import hard_weights
from rmpsam_mobile.distill.prompt_losses import focal_loss, hard_iou, soft_dice
from rmpsam_mobile.distill.simulate import FirstPrompts, Hints, correcting_click, first_hints
from rmpsam_mobile.model.panoptic_head import PanopticHead, PromptState
from rmpsam_mobile.model.prompt import PromptSet

LOSS_STRIDE = 2  # pixels of the model input a cell of the grid on which masks are compared


@dataclass(frozen=True, kw_only=True)
class PromptTask:
    """Settings.

    Attributes:
        prompts: objects that are asked for in one picture.
        first: how first prompts are drawn.
        corrections: chance of 0, 1, 2, .. corrections before the answer that is judged last.
        focal: weight of the focal loss.
        dice: weight of the dice loss.
        iou: weight of the squared error of the predicted overlap.
        stages: weight of the same losses on each stage's coarse mask.
        hard_masks: 0 judges all objects alike; 1 weighs each by how badly it is segmented.
    """

    prompts: int = 6
    first: FirstPrompts = field(default_factory=FirstPrompts)
    corrections: tuple[float, ...] = (0.4, 0.25, 0.15, 0.1, 0.1)
    focal: float = 1.0
    dice: float = 1.0
    iou: float = 0.5
    stages: float = 0.2
    hard_masks: float = 0.0


class PromptTruth:
    """The objects asked for in a batch, with what has been said about them so far."""

    def __init__(
        self,
        masks: Sequence[NDArray[np.bool_]],
        image_sizes: Sequence[tuple[int, int]],
        task: PromptTask,
        num_points: int,
        rngs: Sequence[np.random.Generator],
    ) -> None:
        """Draw objects and first prompts.

        Args:
            masks: of each picture, [G, S, S]; G may be 0.
            image_sizes: of each picture, height and width in the square.
            task: settings.
            num_points: P, which limits the corrections.
            rngs: one a picture, so that what is asked does not depend on how pictures are spread over processes.
        """
        self.num_points = num_points
        self.rngs = rngs
        side = masks[0].shape[-1]
        self.masks = np.zeros((len(masks), task.prompts, side, side), bool)
        self.hints: dict[tuple[int, int], Hints] = {}
        for b, of_picture in enumerate(masks):
            rng, (height, width) = rngs[b], image_sizes[b]
            for n, g in enumerate(rng.permutation(len(of_picture))[: task.prompts]):
                seen = of_picture[g, :height, :width]  # hints lie in the picture, not in the padding
                if seen.any():
                    self.masks[b, n, :height, :width] = seen
                    self.hints[b, n] = first_hints(seen, task.first, rng)
        self.image_size = torch.tensor(image_sizes, dtype=torch.float32)

    def prompt_set(self, like: Tensor) -> PromptSet:
        """All prompts as tensors; unused slots are empty."""
        batch, num = self.masks.shape[:2]
        points = np.zeros((batch, num, self.num_points, 2), np.float32)
        labels = np.full((batch, num, self.num_points + 1), PointLabel.EMPTY, np.float32)
        boxes = np.zeros((batch, num, 4), np.float32)
        for (b, n), hints in self.hints.items():
            if hints.points:
                points[b, n, : len(hints.points)] = hints.points
                labels[b, n, : len(hints.labels)] = hints.labels
            if hints.box is not None:
                boxes[b, n], labels[b, n, -1] = hints.box, PointLabel.FOREGROUND
        return PromptSet(*(torch.from_numpy(x).to(like) for x in (points, labels, boxes)))

    def correct(self, mask_logits: Tensor) -> None:
        """Add one click to each prompt, where its answer [B, N, h, w] is wrong."""
        stride = self.masks.shape[-1] // mask_logits.shape[-1]
        answers = (mask_logits > 0).cpu().numpy()
        truths = self.masks[..., stride // 2 :: stride, stride // 2 :: stride]
        for (b, n), hints in self.hints.items():
            height, width = (int(side) // stride for side in self.image_size[b])
            region = (slice(0, height), slice(0, width))
            click = correcting_click(truths[b, n][region], answers[b, n][region], self.rngs[b])
            if click is not None and len(hints.points) < self.num_points:
                (x, y), label = click
                self.hints[b, n] = hints.with_click((x * stride, y * stride), label)

    def shares(self, stride: int, like: Tensor) -> tuple[Tensor, Tensor]:
        """Truth and validity of each used prompt on a coarser grid: both [M, P], in the order of ``rows``."""
        truth = F.avg_pool2d(torch.from_numpy(self.masks[self.rows]).to(like).unsqueeze(1), stride).flatten(1)
        side = self.masks.shape[-1] // stride
        centres = (torch.arange(side, device=like.device) + 0.5) * stride
        size = self.image_size[self.rows[0]].to(like)
        valid = (centres < size[:, :1]).unsqueeze(2) & (centres < size[:, 1:]).unsqueeze(1)
        return truth, valid.to(like).flatten(1)

    @property
    def rows(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Picture and slot of each used prompt."""
        index = np.array(sorted(self.hints), np.int64).reshape(-1, 2)
        return index[:, 0], index[:, 1]


def prompt_losses(
    head: PanopticHead,
    features: Tensor,
    truth: PromptTruth,
    task: PromptTask,
    *,
    rounds: int,
    average: Callable[[float], float] = float,
) -> tuple[Mapping[str, Tensor], PromptState]:
    """Answer, correct some times, and judge the first answer and the last.

    Args:
        head: of the student.
        features: [B, C, h, w].
        truth: prompts, which the corrections extend.
        task: settings.
        rounds: how many corrections; all but the last run without gradients.
        average: of a number over the processes that train together.

    Returns:
        Losses by name, each already weighted, and the last answer.
    """
    image_size = truth.image_size.to(features)
    count = average(float(len(truth.hints))) or 1.0
    state = head.answer(features, truth.prompt_set(features), image_size)
    losses = _judge(state, truth, task, count)
    if rounds:
        for step in range(rounds):
            truth.correct(state.mask_logits.detach())
            with torch.set_grad_enabled(step == rounds - 1):
                state = head.answer(features, truth.prompt_set(features), image_size)
        last = _judge(state, truth, task, count)
        losses = {name: (losses[name] + last[name]) / 2 for name in losses}
    return losses, state


def _judge(state: PromptState, truth: PromptTruth, task: PromptTask, count: float) -> dict[str, Tensor]:
    """Sums over the used prompts divided by ``count``; zeros that keep the graph where there is none."""
    rows = tuple(torch.from_numpy(index) for index in truth.rows)
    if not len(rows[0]):
        nothing = state.mask_logits.sum() * 0 + state.iou.sum() * 0
        return {"focal": nothing, "dice": nothing, "iou": nothing, "stages": nothing}
    logits = state.mask_logits[rows]
    side = truth.masks.shape[-1]
    fine = F.interpolate(logits.unsqueeze(1), size=(side // LOSS_STRIDE,) * 2, mode="bilinear", align_corners=False)
    wanted, valid = truth.shares(LOSS_STRIDE, logits)
    fine = fine.flatten(1)
    overlap = hard_iou(fine, wanted, valid)
    weights = hard_weights(overlap, task.hard_masks) / count
    coarse_wanted, coarse_valid = truth.shares(side // state.steps[0][1].shape[-1], logits)
    stages = logits.new_zeros(())
    for _, mask_logits in state.steps[1:]:
        coarse = mask_logits[rows].flatten(1)
        losses = focal_loss(coarse, coarse_wanted, coarse_valid) + soft_dice(coarse, coarse_wanted, coarse_valid)
        stages = stages + (losses * weights).sum()
    return {
        "focal": task.focal * (focal_loss(fine, wanted, valid) * weights).sum(),
        "dice": task.dice * (soft_dice(fine, wanted, valid) * weights).sum(),
        "iou": task.iou * (state.iou[rows] - overlap).square().sum() / count,
        "stages": task.stages * stages,
    }
