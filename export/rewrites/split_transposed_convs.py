"""A wide transposed convolution as four plain ones, one for each phase of its output.

before:  conv_transpose2d(x), 4x4, stride 2, padding 1
after:   out[2 i + a, 2 j + b] = (2x2 convolution a, b of x)[i, j]; the four are interleaved by a pixel shuffle

An output row of phase 0 is met by the kernel's rows 3 and 1 (from the input's rows i - 1 and i), one of phase 1 by
2 and 0 (from i and i + 1): the same products, no zeros. XNNPACK's transposed kernel is several times slower on wide
layers.
"""

import copy
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rmpsam_mobile.export.rewrites.swap import swap_modules
from rmpsam_mobile.export.split import SplitModel

LEAST_WIDTH: Final = 128  # narrower layers would gain a few tenths of a millisecond
_TAPS: Final = ((3, 1), (2, 0))  # of the kernel along one axis, by phase


class PhaseConvs(nn.Module):
    """``ConvTranspose2d(C, O, 4, 2, 1)``."""

    def __init__(self, conv: nn.ConvTranspose2d) -> None:
        super().__init__()
        kernel = conv.weight.detach().transpose(0, 1)  # [O, C, 4, 4]
        self.phases = nn.ModuleList()
        for rows in _TAPS:
            for columns in _TAPS:
                phase = nn.Conv2d(conv.in_channels, conv.out_channels, 2, padding=1, bias=conv.bias is not None)
                phase.weight = nn.Parameter(kernel[:, :, rows][:, :, :, columns].contiguous(), requires_grad=False)
                # a copy each: in 8 bit, XNNPACK stores a bias by the scales of its own kernel
                phase.bias = copy.deepcopy(conv.bias)
                self.phases.append(phase)

    def forward(self, x: Tensor) -> Tensor:
        """[1, C, H, W] -> [1, O, 2 H, 2 W]."""
        height, width = x.shape[2:]
        # padded by one cell on each side, a phase has one row and one column too many: first or last
        phases = [
            phase(x)[:, :, place // 2 : place // 2 + height, place % 2 : place % 2 + width]
            for place, phase in enumerate(self.phases)
        ]
        return F.pixel_shuffle(torch.stack(phases, 2).flatten(1, 2), 2)


def split_transposed_convs(split: SplitModel) -> list[str]:
    """Split the wide transposed convolutions of the neck."""
    return swap_modules(split, nn.ConvTranspose2d, lambda conv, _: PhaseConvs(conv), where=_is_wide)


def _is_wide(conv: nn.ConvTranspose2d) -> bool:
    form = (conv.kernel_size, conv.stride, conv.padding, conv.output_padding, conv.dilation, conv.groups)
    return form == ((4, 4), (2, 2), (1, 1), (0, 0), (1, 1), 1) and conv.out_channels >= LEAST_WIDTH
