"""Terms that make a student imitate a teacher. Each is one function or module, and a switch of the recipe.

Letters: B pictures, C and D widths of student and teacher, h x w a map, Q queries, K classes, M masks, P cells.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class MapImitation(nn.Module):
    """Hints (FitNets, arXiv 1412.6550) at one or more levels: a 1x1 adapter a level, compared after normalisation.

    Maps are brought to mean 0 and deviation 1 over the cells of each channel before the squared difference is taken:
    where the scale of a channel lies is the adapter's business, what it tells apart is the student's. On the neck's
    output alone this is the decoupled way of MobileSAM (arXiv 2306.14289, section 3.2): the decoder waits.
    """

    def __init__(self, widths: Sequence[int], teacher_widths: Sequence[int]) -> None:
        super().__init__()
        self.adapters = nn.ModuleList(nn.Conv2d(c, d, 1) for c, d in zip(widths, teacher_widths, strict=True))

    def forward(self, maps: Sequence[Tensor], wanted: Sequence[Tensor]) -> Tensor:
        """Maps [B, C, h, w] and [B, D, h, w] level by level -> mean of the levels' distances, 0 to 4."""
        distances = [
            (_standard(adapter(ours)) - _standard(theirs)).square().mean()
            for adapter, ours, theirs in zip(self.adapters, maps, wanted, strict=True)
        ]
        return torch.stack(distances).mean()


def _standard(x: Tensor) -> Tensor:
    """Mean 0 and deviation 1 over pictures and cells, by channel."""
    return F.batch_norm(x, None, None, training=True)


def class_imitation(class_logits: Tensor, wanted: Tensor) -> Tensor:
    """Divergence of the classes of query i from those of the teacher's query i (arXiv 1503.02531).

    Queries stand for places and kinds of objects; a student that starts its own from the teacher's needs no matching.

    Args:
        class_logits: [B, Q, K + 1].
        wanted: [B, Q, K + 1], of the teacher.
    """
    ours, theirs = class_logits.log_softmax(-1), wanted.log_softmax(-1)
    return F.kl_div(ours.flatten(0, 1), theirs.flatten(0, 1), reduction="batchmean", log_target=True)


def mask_imitation(mask_logits: Tensor, wanted: Tensor, weights: Tensor) -> Tensor:
    """Cross-entropy and dice with the teacher's probabilities as truth, mask i with mask i.

    Args:
        mask_logits: [M, P].
        wanted: [M, P], logits of the teacher at the same cells.
        weights: [M], what each mask counts; all zero gives zero.
    """
    truth = wanted.sigmoid()
    entropy = F.binary_cross_entropy_with_logits(mask_logits, truth, reduction="none").mean(1)
    # the entropy of the truth itself is no error
    entropy = entropy - F.binary_cross_entropy(truth, truth, reduction="none").mean(1)
    ours = mask_logits.sigmoid()
    overlap = (2 * (ours * truth).sum(1) + 1) / (ours.square().sum(1) + truth.square().sum(1) + 1)
    return ((entropy + 1 - overlap) * weights).sum() / weights.sum().clamp(min=1e-6)


def sure_objects(class_logits: Tensor) -> Tensor:
    """How sure a teacher is that each query is any object, [B, Q, K + 1] -> [B, Q]: weights of its masks."""
    return 1 - class_logits.softmax(-1)[..., -1]


def iou_imitation(iou: Tensor, wanted: Tensor, weights: Tensor) -> Tensor:
    """Squared difference of predicted overlaps, all [M] (TinySAM, arXiv 2312.13789, section 3.2)."""
    return ((iou - wanted).square() * weights).sum() / weights.sum().clamp(min=1e-6)


def hard_weights(overlap: Tensor, strength: float) -> Tensor:
    """Weights of objects by how badly each is segmented, mean 1 (hard mask weighting, TinySAM, section 3.2).

    Args:
        overlap: [M] in [0, 1], of answer and truth.
        strength: 0 weighs all alike; 1 gives a perfect mask nothing and an empty one most.
    """
    weights = 1 - strength * overlap
    return weights / weights.mean().clamp(min=1e-6)
