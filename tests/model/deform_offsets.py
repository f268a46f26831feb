"""Offsets that a deformable convolution must take, from what training gives to what breaks careless sampling."""

from collections.abc import Callable, Mapping
from typing import Final

import torch
from torch import Tensor, nn

from rmpsam_mobile.model.deform import NUM_TAPS, DeformConv
from tests.models import random_tensor

# kind -> offsets of a shape [B, 18, H, W], in pixels
OFFSETS: Final[Mapping[str, Callable[[tuple[int, ...]], Tensor]]] = {
    "trained-like": lambda shape: 2 * random_tensor(*shape, seed=5),
    "whole pixels": lambda shape: (3 * random_tensor(*shape, seed=6)).round(),
    "far outside": lambda shape: 1e4 * random_tensor(*shape, seed=7),
    # fractions that put samples just inside and just outside of the rim, where each corner counts for itself
    "on the border": lambda shape: (2 * random_tensor(*shape, seed=8)).round() + 0.5 * random_tensor(*shape).sign(),
    "none": lambda shape: torch.zeros(shape, dtype=torch.float64),
}


def inputs_of(kind: str, channels: int, size: tuple[int, int], dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    """Features, offsets of a kind, and modulation of one picture."""
    x = random_tensor(1, channels, *size, seed=1, dtype=dtype)
    modulation = random_tensor(1, NUM_TAPS, *size, seed=2, dtype=dtype).sigmoid()
    return x, OFFSETS[kind]((1, 2 * NUM_TAPS, *size)).to(dtype), modulation


def convolution(channels: int, width: int, dtype: torch.dtype, *, bias: bool = True) -> DeformConv:
    """A deformable convolution with random weights, and a random bias where one is wanted."""
    conv = DeformConv(channels, width)
    if bias:
        conv.bias = nn.Parameter(random_tensor(width, seed=3))
    return conv.to(dtype).requires_grad_(requires_grad=False)
