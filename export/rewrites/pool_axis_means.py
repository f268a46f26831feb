"""Means over one axis as average pooling.

before:  x.mean(height)
after:   avg_pool2d(x, (height, 1)) without its axis of length 1

XNNPACK takes average pooling but no mean over a single axis; with a mean, each transformer block of SeaFormer would
leave the delegate six times.
"""

from torch import Tensor, nn
from torch.nn import functional as F

from rmpsam_mobile.export.rewrites.swap import swap_modules
from rmpsam_mobile.export.split import SplitModel
from rmpsam_mobile.model.encoders.seaformer import AxisMean


class AxisPool(nn.Module):
    """``AxisMean`` of one size."""

    def __init__(self, axis: int, length: int) -> None:
        super().__init__()
        self.axis = axis
        self.window = (length, 1) if axis == 2 else (1, length)

    def forward(self, x: Tensor) -> Tensor:
        """[1, C, H, W] -> [1, C, W] or [1, C, H]."""
        # The delegate refuses count_include_pad=True, though nothing is padded here.
        return F.avg_pool2d(x, self.window, stride=self.window, count_include_pad=False).flatten(2)


def pool_axis_means(split: SplitModel) -> list[str]:
    """Replace every axis mean."""
    return swap_modules(split, AxisMean, lambda mean, shape: AxisPool(mean.axis, shape[mean.axis]))
