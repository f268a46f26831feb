"""Losses of prompted masks. M masks, h x w their grid, P its cells."""

import torch
from torch import Tensor
from torch.nn import functional as F


def focal_loss(logits: Tensor, truth: Tensor, valid: Tensor, gamma: float = 2.0) -> Tensor:
    """Normalised focal loss (AdaptIS, arXiv 1909.07829, section 3.4): focal weights that sum to one in each mask.

    Unlike plain cross-entropy it does not fade where a mask is small or nearly right.

    Args:
        logits: [M, P], before sigmoid.
        truth: [M, P], shares in [0, 1].
        valid: [M, P], 0 where there is no picture.
        gamma: exponent of 1 - confidence.

    Returns:
        [M].
    """
    entropy = F.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    with torch.no_grad():
        weight = (logits.sigmoid() - truth).abs().pow(gamma) * valid
        weight = weight / weight.sum(1, keepdim=True).clamp(min=1e-6) * (weight.sum(1, keepdim=True) > 1e-6)
    return (weight * entropy).sum(1)


def soft_dice(logits: Tensor, truth: Tensor, valid: Tensor) -> Tensor:
    """1 - 2 sum(p t) / (sum p^2 + sum t^2) (V-Net, arXiv 1606.04797, section 3), all [M, P] -> [M]."""
    probability = logits.sigmoid() * valid
    overlap = 2 * (probability * truth).sum(1) + 1e-3
    return 1 - overlap / (probability.square().sum(1) + truth.square().sum(1) + 1e-3)


def hard_iou(logits: Tensor, truth: Tensor, valid: Tensor) -> Tensor:
    """Intersection over union of the masks as they would be answered, all [M, P] -> [M]; no gradient."""
    with torch.no_grad():
        answer, wanted = (logits > 0) & (valid > 0), truth > 0.5
        union = (answer | wanted).sum(1)
        return (answer & wanted).sum(1) / union.clamp(min=1)
