"""Turn into constants what depends on the export size alone.

before:  linspace, interpolate(position table), temperature ** exponents, thirds of a weight: computed at each run
after:   tensors stored in the file

Mask-grid coordinates of the neck, SeaFormer's axial positions, the wavelengths of the prompts' sine code, and the
three projections of an attention, which torch keeps in one parameter. No delegate takes a weight that is computed.
"""

import torch
from torch import Tensor, nn

from rmpsam_mobile.export.rewrites.swap import swap_modules
from rmpsam_mobile.export.split import SplitModel
from rmpsam_mobile.model.attention import MultiHeadAttention
from rmpsam_mobile.model.encoders.seaformer import AxisPosition
from rmpsam_mobile.model.neck import Coordinates
from rmpsam_mobile.model.prompt import SineCode


class BakedCoordinates(nn.Module):
    """``Coordinates`` of one grid."""

    grid: Tensor

    def __init__(self, grid: Tensor) -> None:
        super().__init__()
        self.register_buffer("grid", grid)

    def forward(self, _: Tensor) -> Tensor:
        """[1, C, h, w] -> [1, 2, h, w]."""
        return self.grid


class BakedPosition(nn.Module):
    """``AxisPosition`` of one length."""

    position: Tensor

    def __init__(self, position: Tensor) -> None:
        super().__init__()
        self.register_buffer("position", position)

    def forward(self, x: Tensor) -> Tensor:
        """[1, K, L] -> the same plus the position."""
        return x + self.position


class BakedSineCode(SineCode):
    """``SineCode`` with stored wavelengths."""

    table: Tensor

    def __init__(self, code: SineCode, like: Tensor) -> None:
        super().__init__(code.num_features, code.temperature)
        self.register_buffer("table", code.frequencies(like))

    def frequencies(self, like: Tensor) -> Tensor:  # noqa: ARG002 - the table already has the dtype
        """The stored table."""
        return self.table


class BakedProjections(MultiHeadAttention):
    """``MultiHeadAttention`` with three weights in the place of one."""

    def __init__(self, attention: MultiHeadAttention) -> None:
        super().__init__(attention.out_proj.in_features, attention.num_heads)
        self.out_proj = attention.out_proj
        weights, biases = attention.in_proj_weight.detach().chunk(3), attention.in_proj_bias.detach().chunk(3)
        del self.in_proj_weight, self.in_proj_bias
        self.to_query, self.to_key, self.to_value = (_linear(*pair) for pair in zip(weights, biases, strict=True))

    def project(self, query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The three input projections."""
        return self.to_query(query), self.to_key(key), self.to_value(value)


def bake_constants(split: SplitModel) -> list[str]:
    """Replace the four kinds."""
    like = next(next(iter(split.parts.values())).module.parameters()).detach()

    def position(module: AxisPosition, shape: tuple[int, ...]) -> nn.Module:
        with torch.no_grad():
            return BakedPosition(module(like.new_zeros(shape)))

    return [
        *swap_modules(split, Coordinates, lambda module, shape: BakedCoordinates(module(like.new_zeros(shape)))),
        *swap_modules(split, AxisPosition, position),
        *swap_modules(split, SineCode, lambda module, _: BakedSineCode(module, like)),
        *swap_modules(split, MultiHeadAttention, lambda module, _: BakedProjections(module)),
    ]


def _linear(weight: Tensor, bias: Tensor) -> nn.Linear:
    linear = nn.Linear(weight.shape[1], weight.shape[0], dtype=weight.dtype).requires_grad_(requires_grad=False)
    linear.weight.copy_(weight)
    linear.bias.copy_(bias)
    return linear
