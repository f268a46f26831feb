"""Pooled sums that float16 can hold.

before:  sum over cells of h F, h in {0, 1}: up to 65,536 |F| at 1024 x 1024, and float16 ends at 65,504
after:   s (sum of (h / s) F), s a power of two, so that the sum is at most 256 |F|; a mean divides it by sum of h / s

Dividing a mask by a power of two is exact. The small vector is multiplied by s outside of float16, and stays outside up
to the norms behind it (``lower/coreml_precision.py``): dividing it once and for all would ask for norms with eps / s^2,
which float16 rounds to 0 (reference, section 14). A mean needs nothing outside of float16.
"""

from typing import Final

import torch
from torch import Tensor

from rmpsam_mobile.export.rewrites.swap import swap_modules
from rmpsam_mobile.export.split import SplitModel
from rmpsam_mobile.model.decoder import MaskPool

MOST_CELLS: Final = 256  # of a sum after scaling: |F| may then be 255


class ScaledPool(MaskPool):
    """``MaskPool`` with masks of 1 / ``scale``."""

    def __init__(self, pool: MaskPool, scale: float) -> None:
        super().__init__(mean=pool.mean)
        self.scale = scale

    def forward(self, mask_logits: Tensor, mask_features: Tensor) -> Tensor:
        """[B, Q, h, w] and [B, C, h, w] -> [B, Q, C]."""
        hard = (mask_logits > 0).to(mask_features.dtype).flatten(2) * (1 / self.scale)
        total = torch.bmm(hard, mask_features.flatten(2).transpose(1, 2))
        if self.mean:
            return total / hard.sum(2, keepdim=True).clamp(min=1 / self.scale)
        return total * self.scale


def sum_scale(cells: int) -> float:
    """The power of two that leaves no more than ``MOST_CELLS`` of so many cells."""
    return float(2 ** max((cells - 1).bit_length() - (MOST_CELLS - 1).bit_length(), 0))


def scale_pooled_sums(split: SplitModel) -> list[str]:
    """Replace each pool of a mask."""
    return swap_modules(split, MaskPool, lambda pool, shape: ScaledPool(pool, sum_scale(shape[2] * shape[3])))
