"""Masks compared at points instead of everywhere (PointRend, arXiv 1912.08193, section 3.1).

Letters: M masks, P points, H, W a mask. Points are xy in [0, 1] of each map's own size, so that a prediction at a
quarter of the resolution and its target are read at the same places.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

OVERSAMPLING = 3
UNCERTAIN_SHARE = 0.75


def read_points(masks: Tensor, points: Tensor) -> Tensor:
    """Sample bilinearly: masks [M, H, W], points [M, P, 2] or [1, P, 2] for all -> [M, P]."""
    grid = (2 * points - 1).expand(masks.shape[0], -1, -1).unsqueeze(2)  # [M, P, 1, 2]
    return F.grid_sample(masks.unsqueeze(1), grid.to(masks), align_corners=False).flatten(1)


def most_uncertain(mask_logits: Tensor, candidates: Tensor, count: int) -> Tensor:
    """The ``count`` candidates at which each mask is nearest to undecided.

    Args:
        mask_logits: [M, H, W], before sigmoid.
        candidates: [M, P, 2].
        count: at most P.

    Returns:
        [M, count, 2].
    """
    order = (-read_points(mask_logits, candidates).abs()).topk(count, dim=1).indices
    return candidates.gather(1, order.unsqueeze(-1).expand(-1, -1, 2))


def draw_points(mask_logits: Tensor, count: int, generator: torch.Generator | None = None) -> Tensor:
    """Points for a loss: three quarters where the masks are uncertain, the rest anywhere -> [M, count, 2]."""
    num_masks, num_uncertain = mask_logits.shape[0], int(UNCERTAIN_SHARE * count)
    with torch.no_grad():
        shape = (num_masks, OVERSAMPLING * count + count - num_uncertain, 2)
        drawn = torch.rand(shape, generator=generator, device=mask_logits.device, dtype=mask_logits.dtype)
        candidates, anywhere = drawn.split((OVERSAMPLING * count, count - num_uncertain), 1)
        return torch.cat((most_uncertain(mask_logits, candidates, num_uncertain), anywhere), 1)
