"""Deformable convolution with frozen offsets as a plain convolution; not the same function, needs distillation.

before:  grid_sample(x, tap + offset) * modulation -> einsum with the 3x3 weight
after:   one convolution of (3 + 2 r) x (3 + 2 r), r = the largest mean offset, rounded up

Each tap lands where its mean offset (over real pictures, from the offset audit) points, spread over four cells by
the bilinear hats and scaled by its mean modulation. Exact only where offsets and modulation never change; a starting
point for training, never taken by itself.
"""

from collections.abc import Sequence
from math import ceil

import torch
from torch import Tensor, nn

from rmpsam_mobile.export.deform_forms import DeformForm
from rmpsam_mobile.export.rewrites.swap import swap_deform
from rmpsam_mobile.export.split import SplitModel
from rmpsam_mobile.model.deform import NUM_TAPS, DeformConv


class StaticDeformConv(nn.Module):
    """A convolution that takes the place of ``DeformConv``; it does not look at offsets, whose layer falls away."""

    def __init__(self, conv: DeformConv, offsets: Sequence[float], modulation: Sequence[float]) -> None:
        """Args: offsets: 18 means in pixels, (dy, dx) tap by tap; modulation: 9 means."""
        super().__init__()
        weight = conv.weight.detach()
        kernel = folded_kernel(weight, offsets, modulation)
        side = kernel.shape[2]
        self.conv = nn.Conv2d(weight.shape[1], weight.shape[0], side, padding=side // 2, dtype=weight.dtype)
        self.conv.requires_grad_(requires_grad=False)
        assert self.conv.bias is not None
        self.conv.weight.copy_(kernel)
        self.conv.bias.copy_(conv.bias.detach() if isinstance(conv.bias, Tensor) else weight.new_zeros(len(weight)))

    def forward(self, x: Tensor, offsets: Tensor, modulation: Tensor) -> Tensor:  # noqa: ARG002
        """[1, C, H, W] and what is not read -> [1, O, H, W]."""
        out: Tensor = self.conv(x)
        return out


def folded_kernel(weight: Tensor, offsets: Sequence[float], modulation: Sequence[float]) -> Tensor:
    """[O, C, 3, 3] with one offset and factor a tap -> [O, C, 3 + 2 r, 3 + 2 r]; summed in float64."""
    radius = ceil(max(abs(offset) for offset in offsets))
    cells = torch.arange(3 + 2 * radius, dtype=torch.float64)
    kernel = weight.new_zeros((*weight.shape[:2], len(cells), len(cells)), dtype=torch.float64)
    for tap in range(NUM_TAPS):
        row, column = tap // 3, tap % 3
        down = _hat(cells - (row + radius + offsets[2 * tap]))
        across = _hat(cells - (column + radius + offsets[2 * tap + 1]))
        spread = modulation[tap] * down[:, None] * across
        kernel += weight[:, :, row, column, None, None].double() * spread
    return kernel.to(weight.dtype)


def static_deform(split: SplitModel) -> list[str]:
    """Replace the deformable convolutions whose form is ``static``: none unless asked for."""
    return swap_deform(
        split,
        DeformForm.STATIC,
        lambda conv, _, choice: StaticDeformConv(conv, choice.mean_offsets, choice.mean_modulation),
    )


def _hat(distance: Tensor) -> Tensor:
    return (1 - distance.abs()).clamp(min=0)
