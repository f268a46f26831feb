"""Deformable convolution as row gathers and one matrix product; exact for any offset.

before:  grid_sample(x, tap + offset) * modulation -> einsum with the 3x3 weight
after:   pad x with zeros, lay its pixels out as rows [pixels, C]; for each of the four corners of each sample gather
         a row and weigh it; view the 9 taps of a pixel as one row [H W, 9 C]; one linear layer

A sample point is clamped into the padded frame, whose rim is zero, so that points outside read zeros as they must.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rmpsam_mobile.export.rewrites.swap import swap_modules
from rmpsam_mobile.export.split import SplitModel
from rmpsam_mobile.model.deform import NUM_TAPS, DeformConv, sampling_points


class GatherDeformConv(nn.Module):
    """The same function as ``DeformConv`` for one picture of one size."""

    weight: Tensor
    bias: Tensor
    taps: Tensor

    def __init__(self, conv: DeformConv, height: int, width: int) -> None:
        super().__init__()
        self.height, self.width = height, width
        weight = conv.weight.detach()
        self.register_buffer("weight", weight.permute(0, 2, 3, 1).flatten(1).contiguous())  # [O, 9 C], tap by tap
        bias = conv.bias.detach() if isinstance(conv.bias, Tensor) else weight.new_zeros(weight.shape[0])
        self.register_buffer("bias", bias)
        # Where each tap reads without an offset, in the padded frame: one pixel of rim before the first.
        rows, columns = sampling_points(weight.new_zeros(1, 2 * NUM_TAPS, height, width))
        taps = torch.stack((rows, columns), -1)[0].permute(1, 2, 0, 3) + 1  # [H, W, 9, 2]
        self.register_buffer("taps", taps.reshape(height * width, NUM_TAPS, 2).contiguous())

    def forward(self, x: Tensor, offsets: Tensor, modulation: Tensor) -> Tensor:
        """[1, C, H, W], [1, 18, H, W], [1, 9, H, W] -> [1, O, H, W]."""
        height, width, channels = self.height, self.width, x.shape[1]
        padded_width = width + 3  # one pixel before, two after: the corner below and right of a sample exists
        # sample points in the padded frame, pixel by pixel and tap by tap
        points = offsets.permute(0, 2, 3, 1).reshape(height * width, NUM_TAPS, 2) + self.taps
        y = points[:, :, 0:1].clamp(0.0, height + 1.0)
        x_ = points[:, :, 1:2].clamp(0.0, width + 1.0)
        top, left = y.floor(), x_.floor()
        below, right = y - top, x_ - left
        m = modulation.permute(0, 2, 3, 1).reshape(height * width, NUM_TAPS, 1)
        upper, lower = m * (1.0 - below), m * below
        index = (top * float(padded_width) + left).to(torch.int64).flatten()
        # four corners
        rows = F.pad(x, (1, 2, 1, 2)).permute(0, 2, 3, 1).reshape(-1, channels)
        corners = (
            (0, upper * (1.0 - right)),
            (1, upper * right),
            (padded_width, lower * (1.0 - right)),
            (padded_width + 1, lower * right),
        )
        samples = [
            rows.index_select(0, index + step if step else index) * share.reshape(-1, 1) for step, share in corners
        ]
        taps = samples[0] + samples[1] + samples[2] + samples[3]  # [H W 9, C]
        out = F.linear(taps.reshape(height * width, NUM_TAPS * channels), self.weight, self.bias)
        return out.reshape(1, height, width, -1).permute(0, 3, 1, 2)


def gather_deform(split: SplitModel) -> list[str]:
    """Replace every deformable convolution by its gather form for the size at hand."""
    return swap_modules(split, DeformConv, lambda conv, shape: GatherDeformConv(conv, shape[2], shape[3]))
