"""Which query answers for which object: Hungarian matching (DETR, arXiv 2005.12872; costs of Mask2Former, 2112.01527).

Letters: Q queries, K classes, G objects in the truth, H, W a mask, P points.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from rmpsam_mobile.distill.points import read_points


@dataclass(frozen=True, kw_only=True)
class MatchCosts:
    """What each term counts; the official recipe's values."""

    classes: float = 2.0
    mask: float = 5.0
    dice: float = 5.0


@dataclass(frozen=True)
class Match:
    """Matched pairs: query and object indices, each [min(Q, G)] int64, queries rising."""

    queries: Tensor
    objects: Tensor


def match_objects(
    class_logits: Tensor, mask_logits: Tensor, labels: Tensor, masks: Tensor, *, points: Tensor, costs: MatchCosts
) -> Match:
    """Pair queries with objects of one picture, at the smallest total cost.

    Args:
        class_logits: [Q, K + 1], last no object.
        mask_logits: [Q, h, w] before sigmoid; for clips the tall map.
        labels: [G] int64.
        masks: [G, H, W] of 0 and 1, any size.
        points: [P, 2] xy in [0, 1], shared by predictions and truth.
        costs: weights of the terms.
    """
    from scipy.optimize import linear_sum_assignment

    with torch.no_grad():
        if not labels.numel():
            nothing = torch.zeros(0, dtype=torch.int64, device=labels.device)
            return Match(nothing, nothing)
        logits = read_points(mask_logits, points.unsqueeze(0))  # [Q, P]
        truth = read_points(masks.to(logits), points.unsqueeze(0))  # [G, P]
        total = costs.classes * -class_logits.softmax(-1)[:, labels]
        total = total + costs.mask * _pairwise_bce(logits, truth) + costs.dice * _pairwise_dice(logits, truth)
        rows, columns = linear_sum_assignment(total.cpu().numpy())
    device = labels.device
    return Match(torch.as_tensor(rows, device=device), torch.as_tensor(columns, device=device))


def _pairwise_bce(logits: Tensor, truth: Tensor) -> Tensor:
    """Mean binary cross-entropy of every query with every object: [Q, P], [G, P] -> [Q, G]."""
    inside, outside = F.softplus(-logits), F.softplus(logits)
    return (inside @ truth.T + outside @ (1 - truth).T) / logits.shape[1]


def _pairwise_dice(logits: Tensor, truth: Tensor) -> Tensor:
    """Dice distance of every query with every object: [Q, P], [G, P] -> [Q, G]."""
    probability = logits.sigmoid()
    return 1 - (2 * probability @ truth.T + 1) / (probability.sum(1)[:, None] + truth.sum(1)[None, :] + 1)
