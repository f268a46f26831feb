"""The neck's linear tail: ``output_conv`` applied to each level before the levels are enlarged and summed.

before:  C * (up8(A5 x5) + up4(A4 x4) + up2(A3 x3) + A2 x2 + bias), C a 3x3 convolution of all channels at stride 4
after:   near levels:  one 3x3 convolution of [x2; up2(x3); 1] with the kernels C A2, C A3 and C bias
         far levels:   (C A) x, nine products a cell at the level's own size, then two products with constant matrices
                       that shift and enlarge in one go, along the rows and along the columns

Nothing after the last deformable layer is linear but in name: sums and kernels may change places. A tap of C shifts the
enlarged map by one cell; bilinear enlargement and shift are both separable, so each is a matrix along one axis. Light
encoders have few channels there, and the convolution of 128 by 128 channels was half of the neck. Each level takes the
cheaper of both forms, and the whole is left alone where that saves nothing (wide necks, depthwise ``output_conv``).
"""

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rmpsam_mobile.contracts import Graph
from rmpsam_mobile.export.split import SplitModel
from rmpsam_mobile.model.neck import Aggregation

TAPS: Final = 3
FACTORS: Final = (1, 2, 4, 8)  # of the levels x2 to x5


class FarLevel(nn.Module):
    """``C * up(A x)`` of one level."""

    def __init__(self, kernel: Tensor, grid: tuple[int, int], factor: int) -> None:
        """Args: kernel: [O, U, 3, 3], C A; grid: rows and columns of the level."""
        super().__init__()
        self.width, self.grid = kernel.shape[0], grid
        # channels of the products: column tap, output channel, row tap
        self.taps = nn.Conv2d(kernel.shape[1], TAPS * TAPS * self.width, 1, bias=False, dtype=kernel.dtype)
        self.taps.weight = nn.Parameter(kernel.permute(3, 0, 2, 1).reshape(-1, kernel.shape[1], 1, 1).contiguous())
        self.rows, self.columns = (_enlarging(side, factor, kernel) for side in grid)

    def forward(self, x: Tensor) -> Tensor:
        """[1, U, h, w] -> [1, O, factor h, factor w]."""
        height, width = self.grid
        x = self.taps(x).reshape(TAPS, self.width, TAPS, height, width).permute(0, 1, 4, 2, 3)
        x = self.rows(x.reshape(TAPS, self.width, width, TAPS * height))  # [3, O, w, factor h]
        x = x.permute(1, 3, 0, 2).reshape(self.width, -1, TAPS * width)
        x = self.columns(x)  # [O, factor h, factor w]
        return x.unsqueeze(0)


class FoldedTail(nn.Module):
    """``Aggregation`` with its tail folded; ``far`` names the levels in that form."""

    ones: Tensor

    def __init__(self, neck: Aggregation, grid: tuple[int, int], far: Sequence[int]) -> None:
        super().__init__()
        self.top_down_path = neck
        kernels = _kernels(neck)
        self.near_levels = [level for level in range(len(FACTORS)) if level not in far]
        like = neck.output_conv.weight.detach()
        bias = torch.einsum("oiyx,i->oyx", like.double(), neck.bias.detach().flatten().double()).unsqueeze(1)
        near = torch.cat([*(kernels[level].double() for level in self.near_levels), bias], 1).to(like)
        self.near = nn.Conv2d(near.shape[1], near.shape[0], TAPS, padding=1, dtype=like.dtype)
        self.near.weight, self.near.bias = nn.Parameter(near), neck.output_conv.bias
        self.far_levels = nn.ModuleDict(
            {str(level): FarLevel(kernels[level], _grid(grid, level), FACTORS[level]) for level in far}
        )
        self.register_buffer("ones", like.new_ones(1, 1, *grid))

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """See ``Aggregation``."""
        levels = self.top_down_path.top_down(maps)
        near = [_enlarge(levels[level], FACTORS[level]) for level in self.near_levels]
        y = self.near(torch.cat((*near, self.ones), 1))
        for level, form in self.far_levels.items():
            y = y + form(levels[int(level)])
        return y


def fold_neck_tail(split: SplitModel) -> list[str]:
    """Fold the tail of the encoder's neck where it saves multiply-adds."""
    module = split.parts[Graph.ENCODER].module
    changed = []
    for path, neck in list(module.named_modules()):
        if isinstance(neck, Aggregation) and not path.endswith("top_down_path") and neck.output_conv.groups == 1:
            grid = split.sizes.size.grid
            far = [
                level
                for level in range(1, len(FACTORS))
                if _far_cost(neck, grid, level) < _near_cost(neck, grid, level)
            ]
            after = sum((_far_cost if level in far else _near_cost)(neck, grid, level) for level in range(len(FACTORS)))
            if after < _cost(neck, grid):
                module.set_submodule(path, FoldedTail(neck, grid, far).requires_grad_(requires_grad=False))
                changed.append(f"{Graph.ENCODER}.{path}")
    return changed


def _levels(neck: Aggregation) -> tuple[nn.Conv2d, nn.Conv2d, nn.Conv2d, nn.Conv2d]:
    return neck.conv_a2, neck.conv_a3, neck.conv_a4, neck.conv_a5


def _kernels(neck: Aggregation) -> list[Tensor]:
    """C A of each level: [O, U, 3, 3], multiplied in float64."""
    output = neck.output_conv.weight.detach()
    mixes = [conv.weight.detach().flatten(1).double() for conv in _levels(neck)]
    return [torch.einsum("oiyx,iu->ouyx", output.double(), mix).to(output) for mix in mixes]


def _grid(grid: tuple[int, int], level: int) -> tuple[int, int]:
    return grid[0] // FACTORS[level], grid[1] // FACTORS[level]


def _cost(neck: Aggregation, grid: tuple[int, int]) -> int:
    """Multiply-adds of the tail as it is."""
    width = neck.output_conv.out_channels
    total = TAPS * TAPS * width * width * grid[0] * grid[1]
    for level, conv in enumerate(_levels(neck)):
        height, columns = _grid(grid, level)
        total += conv.in_channels * width * height * columns
    return total


def _near_cost(neck: Aggregation, grid: tuple[int, int], level: int) -> int:
    conv = _levels(neck)[level]
    return TAPS * TAPS * conv.in_channels * conv.out_channels * grid[0] * grid[1]


def _far_cost(neck: Aggregation, grid: tuple[int, int], level: int) -> int:
    conv, (height, width) = _levels(neck)[level], _grid(grid, level)
    products = TAPS * TAPS * conv.in_channels * conv.out_channels * height * width
    along_rows = TAPS * conv.out_channels * width * (TAPS * height) * grid[0]
    return products + along_rows + conv.out_channels * grid[0] * (TAPS * width) * grid[1]


def _enlarging(side: int, factor: int, like: Tensor) -> nn.Linear:
    """Three shifted bilinear enlargements next to one another: [factor side, 3 side]."""
    enlarge = F.interpolate(torch.eye(side, dtype=torch.float64)[None], scale_factor=factor, mode="linear")[0].T
    padded = F.pad(enlarge, (0, 0, 1, 1))  # a shift leaves the picture: zero, as the convolution pads
    matrix = torch.cat([padded[tap : tap + side * factor] for tap in range(TAPS)], 1)
    linear = nn.Linear(matrix.shape[1], matrix.shape[0], bias=False, dtype=like.dtype)
    linear.weight = nn.Parameter(matrix.to(like))
    return linear


def _enlarge(x: Tensor, factor: int) -> Tensor:
    return x if factor == 1 else F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)
