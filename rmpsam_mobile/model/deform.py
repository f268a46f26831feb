"""Modulated deformable convolution (Deformable ConvNets v2, arXiv 1811.11168) in plain torch.

3x3, stride 1, padding 1, dilation 1, one group, one offset group. Tap t = 3 * row + column. Offset channel 2t is
dy, 2t + 1 is dx of that tap (quirk 4: the official variable names suggest another order).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

NUM_TAPS = 9


class DeformConv(nn.Module):
    """The reference: nine bilinear samples a pixel by grid sampling, then one matrix product."""

    bias: nn.Parameter | None

    def __init__(self, in_width: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(width, in_width, 3, 3))
        self.register_parameter("bias", None)  # exists only once a batch norm has been folded in
        nn.init.kaiming_uniform_(self.weight, nonlinearity="relu")

    def forward(self, x: Tensor, offsets: Tensor, modulation: Tensor) -> Tensor:
        """Convolve where the offsets point.

        Args:
            x: [B, C, H, W]; what lies outside counts as zero, corner by corner.
            offsets: [B, 18, H, W] in pixels of ``x``, (dy, dx) tap by tap.
            modulation: [B, 9, H, W], factor of each sample, after its sigmoid.

        Returns:
            [B, width, H, W].
        """
        batch, _, height, width = x.shape
        rows, columns = sampling_points(offsets)  # [B, 9, H, W] each
        # Half-pixel normalisation: a map one pixel wide has no (size - 1) to divide by.
        grid = torch.stack(((2 * columns + 1) / width - 1, (2 * rows + 1) / height - 1), -1)
        samples = F.grid_sample(
            x, grid.reshape(batch, NUM_TAPS * height, width, 2), "bilinear", "zeros", align_corners=False
        )
        samples = samples.reshape(batch, -1, NUM_TAPS, height, width) * modulation.unsqueeze(1)
        out = torch.einsum("oct,bcthw->bohw", self.weight.flatten(2), samples)
        return out if self.bias is None else out + self.bias.view(1, -1, 1, 1)


def sampling_points(offsets: Tensor) -> tuple[Tensor, Tensor]:
    """Row and column that each tap of each pixel reads: [B, 18, H, W] -> two of [B, 9, H, W], in pixels."""
    height, width = offsets.shape[-2:]
    dtype, device = offsets.dtype, offsets.device
    tap = torch.arange(NUM_TAPS, device=device)
    tap_row = (tap // 3 - 1).to(dtype).view(1, NUM_TAPS, 1, 1)
    tap_column = (tap % 3 - 1).to(dtype).view(1, NUM_TAPS, 1, 1)
    rows = torch.arange(height, dtype=dtype, device=device).view(1, 1, height, 1) + tap_row
    columns = torch.arange(width, dtype=dtype, device=device).view(1, 1, 1, width) + tap_column
    return offsets[:, 0::2] + rows, offsets[:, 1::2] + columns
