"""Deformable convolution with offsets within +-R as one batched matrix product a tile, all of it delegated.

before:  grid_sample(x, tap + offset) * modulation -> einsum with the 3x3 weight
after:   tiles of T x T pixels; for each, hats [9 T^2, J^2] @ window [J^2, C], J = T + 2 R + 2 -> one linear layer

A bilinear sample at (u, v) is a sum over the pixels (i, j) of its surroundings, weighted by hat(u - i) hat(v - j) with
hat(t) = max(0, 1 - |t|). An offset of at most R leaves the samples of a tile within its window, so the sums of all its
pixels and taps are one matrix product, which needs neither gathers nor comparisons. Zeros outside the picture are the
window's padding. Where the model clamps its offsets to R, this is its function; elsewhere it clips what lies beyond.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rmpsam_mobile.export.deform_forms import DeformForm
from rmpsam_mobile.export.rewrites.swap import swap_deform
from rmpsam_mobile.export.split import SplitModel
from rmpsam_mobile.model.deform import NUM_TAPS, DeformConv

TILE = 4  # pixels a side: larger tiles multiply more zeros, smaller ones copy each pixel into more windows


class BoundedDeformConv(nn.Module):
    """``DeformConv`` with clipped offsets for one picture of one size."""

    weight: Tensor
    bias: Tensor
    row_distance: Tensor
    column_distance: Tensor

    def __init__(self, conv: DeformConv, height: int, width: int, radius: int) -> None:
        super().__init__()
        self.height, self.width, self.radius = height, width, radius
        self.tiles_down, self.tiles_across = -(-height // TILE), -(-width // TILE)
        self.window = TILE + 2 * radius + 2
        weight = conv.weight.detach()
        self.register_buffer("weight", weight.permute(0, 2, 3, 1).flatten(1).contiguous())  # [O, 9 C], tap by tap
        bias = conv.bias.detach() if isinstance(conv.bias, Tensor) else weight.new_zeros(weight.shape[0])
        self.register_buffer("bias", bias)
        rows, columns = self._distances()
        self.register_buffer("row_distance", rows.to(weight.dtype))
        self.register_buffer("column_distance", columns.to(weight.dtype))

    def _distances(self) -> tuple[Tensor, Tensor]:
        """From each window row (column) to where each tap of each tile pixel reads without an offset: [1, 9 T^2, J]."""
        shape = (TILE, TILE, NUM_TAPS, self.window)
        tap = torch.arange(NUM_TAPS)
        window = torch.arange(self.window)
        pixel = torch.arange(TILE).view(-1, 1, 1)
        rows = pixel + (tap // 3 + self.radius).view(-1, 1) - window
        columns = pixel + (tap % 3 + self.radius).view(-1, 1) - window
        rows, columns = rows.unsqueeze(1).expand(shape), columns.unsqueeze(0).expand(shape)
        return rows.reshape(1, -1, self.window).clone(), columns.reshape(1, -1, self.window).clone()

    def forward(self, x: Tensor, offsets: Tensor, modulation: Tensor) -> Tensor:
        """[1, C, H, W], [1, 18, H, W], [1, 9, H, W] -> [1, O, H, W]."""
        samples = torch.bmm(self._hats(offsets, modulation), self._windows(x))
        out = F.linear(samples.reshape(-1, NUM_TAPS * x.shape[1]), self.weight, self.bias)
        # tiles back to rows
        down, across, channels = self.tiles_down, self.tiles_across, self.weight.shape[0]
        out = out.reshape(down, across, TILE, TILE * channels).permute(0, 2, 1, 3)
        out = out.reshape(1, down * TILE, across * TILE, channels)
        if (down * TILE, across * TILE) != (self.height, self.width):
            out = out[:, : self.height, : self.width]
        return out.permute(0, 3, 1, 2)

    def _hats(self, offsets: Tensor, modulation: Tensor) -> Tensor:
        """Weight of each window pixel for each sample of a tile: [tiles, 9 T^2, J^2]."""
        radius, down, across = float(self.radius), self.tiles_down, self.tiles_across
        numbers = torch.cat((offsets.clamp(-radius, radius), modulation), 1)
        right, below = across * TILE - self.width, down * TILE - self.height
        if right or below:
            numbers = F.pad(numbers, (0, right, 0, below))
        # pixel by pixel within a tile
        tiles = numbers.permute(0, 2, 3, 1).reshape(down, TILE, across, TILE * 3 * NUM_TAPS).permute(0, 2, 1, 3)
        tiles = tiles.reshape(down * across, TILE * TILE, 3 * NUM_TAPS)
        points = tiles[:, :, : 2 * NUM_TAPS].reshape(down * across, TILE * TILE * NUM_TAPS, 2)
        share = tiles[:, :, 2 * NUM_TAPS :].reshape(down * across, TILE * TILE * NUM_TAPS, 1)
        rows = F.relu(1.0 - (points[:, :, 0:1] + self.row_distance).abs()) * share
        columns = F.relu(1.0 - (points[:, :, 1:2] + self.column_distance).abs())
        count, side = down * across * TILE * TILE * NUM_TAPS, self.window
        product = rows.reshape(count, side, 1) * columns.reshape(count, 1, side)
        return product.reshape(down * across, TILE * TILE * NUM_TAPS, side * side)

    def _windows(self, x: Tensor) -> Tensor:
        """Pixels of each tile and its surroundings: [tiles, J^2, C]."""
        channels, down, across = x.shape[1], self.tiles_down, self.tiles_across
        rim, whole = self.radius + 1, -(-self.window // TILE)  # tiles that a window touches along an axis
        height, width = (down + whole - 1) * TILE, (across + whole - 1) * TILE
        padded = F.pad(x, (rim, width - rim - self.width, rim, height - rim - self.height))
        strips = padded.permute(0, 2, 3, 1).reshape(height, across + whole - 1, TILE * channels)
        # side by side, then one above the other
        wide = _neighbours(strips, 1, across, whole=whole, length=self.window * channels, step=TILE * channels)
        wide = wide.reshape(down + whole - 1, TILE, across, self.window * channels)
        tall = _neighbours(wide, 0, down, whole=whole, length=self.window, step=TILE)
        return tall.permute(0, 2, 1, 3).reshape(down * across, self.window * self.window, channels)


def _neighbours(x: Tensor, axis: int, count: int, *, whole: int, length: int, step: int) -> Tensor:
    """Each of ``count`` tiles along ``axis`` with those after it, joined along the inner axis and cut to ``length``."""
    inner = x.dim() - 1 if axis else 1
    pieces = []
    for i in range(whole):
        piece = x.narrow(axis, i, count)
        pieces.append(piece if (rest := length - i * step) >= step else piece.narrow(inner, 0, rest))
    return torch.cat(pieces, inner)


def bounded_deform(split: SplitModel) -> list[str]:
    """Replace the deformable convolutions whose form is ``bounded``: by default those that the model clamps."""
    return swap_deform(
        split,
        DeformForm.BOUNDED,
        lambda conv, shape, choice: BoundedDeformConv(conv, shape[2], shape[3], choice.radius),
    )
