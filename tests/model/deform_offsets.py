"""Offsets that a deformable convolution must take, from what training gives to what breaks careless sampling."""

from collections.abc import Callable, Mapping
from typing import Final

import torch
from torch import Tensor

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
