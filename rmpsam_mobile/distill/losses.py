"""Losses against the truth, as RMP-SAM was trained (arXiv 2401.10228, official recipe), its quirks fixed by default.

One function a loss. Letters: M matched masks or prompts, P points, Q queries, K classes.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

VOID_WEIGHT = 0.1  # of the class "no object", which most queries are
UNKNOWN = -100  # label of a query that may be right about an object which nobody labelled: it counts for nothing


@dataclass(frozen=True, kw_only=True)
class LossWeights:
    """What each loss counts; the official recipe's values."""

    classes: float = 2.0
    mask: float = 5.0
    dice: float = 5.0
    iou: float = 10.0


def class_loss(class_logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy over all queries, void down-weighted, divided by the sum of the targets' weights.

    Args:
        class_logits: [..., K + 1], last void.
        labels: [...] int64, K for unmatched queries, ``UNKNOWN`` for those that are not judged.
    """
    if (labels == UNKNOWN).all():
        return class_logits.sum() * 0
    void = class_logits.shape[-1] - 1
    weights = class_logits.new_ones(void + 1)
    weights[void] = VOID_WEIGHT
    return F.cross_entropy(class_logits.flatten(0, -2), labels.flatten(), weights, ignore_index=UNKNOWN)


def mask_loss(logits: Tensor, truth: Tensor, num_masks: float) -> Tensor:
    """Binary cross-entropy, mean over points, summed over masks, divided by ``num_masks``: both [M, P]."""
    per_mask = F.binary_cross_entropy_with_logits(logits, truth, reduction="none").mean(1)
    return per_mask.sum() / max(num_masks, 1.0)


def dice_loss(logits: Tensor, truth: Tensor, num_masks: float) -> Tensor:
    """Dice distance (V-Net, arXiv 1606.04797, section 3) with a 1 added above and below; see ``mask_loss``."""
    return dice_distance(logits, truth).sum() / max(num_masks, 1.0)


def dice_distance(logits: Tensor, truth: Tensor) -> Tensor:
    """1 - (2 sum(p t) + 1) / (sum p + sum t + 1) of each mask: both [M, P] -> [M]."""
    probability = logits.sigmoid()
    overlap = 2 * (probability * truth).sum(1) + 1
    return 1 - overlap / (probability.sum(1) + truth.sum(1) + 1)


def iou_loss(iou: Tensor, dice: Tensor, num_masks: float, *, as_official: bool = False) -> Tensor:
    """Squared error of the predicted quality against 1 - dice distance, which is a dice score and no IoU (quirk 10).

    Args:
        iou: [M], raw.
        dice: [M], the distances of the same masks.
        num_masks: divisor.
        as_official: let the target pull at the masks too, as the official code does; ours is constant.
    """
    target = 1 - (dice if as_official else dice.detach())
    return (iou - target).square().sum() / max(num_masks, 1.0)


def matched_labels(num_queries: int, num_classes: int, queries: Tensor, labels: Tensor) -> Tensor:
    """Targets [Q] of all queries: the matched ones' labels, void for the others."""
    targets = torch.full((num_queries,), num_classes, dtype=torch.int64, device=labels.device)
    targets[queries] = labels
    return targets
