"""The object branch as a training task: Hungarian matching, classes, masks (official recipe, reference section 9)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from rmpsam_mobile.distill.losses import UNKNOWN, LossWeights, class_loss, dice_distance, matched_labels
from rmpsam_mobile.distill.matching import MatchCosts, match_objects
from rmpsam_mobile.distill.points import draw_points, read_points
from rmpsam_mobile.model.rmpsam import Objects


@dataclass(frozen=True, kw_only=True)
class ObjectTask:
    """Settings; ``points`` is how many places of each mask are compared."""

    weights: LossWeights = field(default_factory=LossWeights)
    costs: MatchCosts = field(default_factory=MatchCosts)
    points: int = 3136


@dataclass(frozen=True)
class ObjectTruth:
    """Objects of one picture: labels [G] int64, masks [G, H, W] of 0 and 1.

    Where ``is_exhaustive`` is False there are objects without a mask, and no query is taught that it found nothing.
    """

    labels: Tensor
    masks: Tensor
    is_exhaustive: bool = True


def object_losses(
    found: Objects, truths: Sequence[ObjectTruth], task: ObjectTask, generator: torch.Generator | None = None
) -> Mapping[str, Tensor]:
    """Losses of the final answer and of every stage, by name, weighted, averaged over them.

    Args:
        found: with stages.
        truths: one a picture; exhaustive pictures without objects teach "no object" to all queries.
        task: settings.
        generator: of the compared points.
    """
    answers = [(found.class_logits, found.mask_logits)]
    answers += [(s.class_logits, s.mask_logits) for s in found.stages if s.class_logits is not None]
    total: dict[str, Tensor] = {}
    for class_logits, mask_logits in answers:
        for name, value in _answer_losses(class_logits, mask_logits, truths, task, generator).items():
            total[name] = total.get(name, value.new_zeros(())) + value / len(answers)
    return total


def _answer_losses(
    class_logits: Tensor,
    mask_logits: Tensor,
    truths: Sequence[ObjectTruth],
    task: ObjectTask,
    generator: torch.Generator | None,
) -> dict[str, Tensor]:
    """Losses of class logits [B, Q, K + 1] and mask logits [B, Q, h, w]."""
    targets, masks, wanted = [], [], []
    num_classes = class_logits.shape[-1] - 1
    for classes, logits, truth in zip(class_logits, mask_logits, truths, strict=True):
        places = torch.rand(task.points, 2, generator=generator, device=logits.device)
        match = match_objects(classes, logits, truth.labels, truth.masks, points=places, costs=task.costs)
        labels = matched_labels(len(logits), num_classes, match.queries, truth.labels[match.objects])
        targets.append(labels if truth.is_exhaustive else labels.masked_fill(labels == num_classes, UNKNOWN))
        masks.append(logits[match.queries])
        wanted.append(truth.masks[match.objects])
    matched, truth_masks = torch.cat(masks), torch.cat(wanted)
    losses = {"classes": task.weights.classes * class_loss(class_logits, torch.stack(targets))}
    if not len(matched):
        return losses | {"mask": matched.sum() * 0, "object_dice": matched.sum() * 0}
    points = draw_points(matched, task.points, generator)
    logits, truth_values = read_points(matched, points), read_points(truth_masks.to(matched), points)
    entropy = torch.nn.functional.binary_cross_entropy_with_logits(logits, truth_values)
    return losses | {
        "mask": task.weights.mask * entropy,
        "object_dice": task.weights.dice * dice_distance(logits, truth_values).mean(),
    }
