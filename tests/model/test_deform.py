"""Deformable convolution against nine bilinear samples a pixel, one by one."""

from math import floor

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from rmpsam_mobile.model.deform import NUM_TAPS, DeformConv, sampling_points
from tests.model.deform_offsets import OFFSETS
from tests.models import random_tensor, relative_error


def sample(x: Tensor, row: float, column: float) -> Tensor:
    """Bilinear sample [C] of one map [C, H, W]; each neighbour outside counts as zero."""
    top, left = floor(row), floor(column)
    total = torch.zeros(x.shape[0], dtype=x.dtype)
    for r in (top, top + 1):
        for c in (left, left + 1):
            if 0 <= r < x.shape[1] and 0 <= c < x.shape[2]:
                total += (1 - abs(row - r)) * (1 - abs(column - c)) * x[:, r, c]
    return total


def slow_deform(x: Tensor, weight: Tensor, offsets: Tensor, modulation: Tensor) -> Tensor:
    """The operator's definition as loops."""
    batch, _, height, width = x.shape
    out = torch.zeros(batch, weight.shape[0], height, width, dtype=x.dtype)
    for b in range(batch):
        for r in range(height):
            for c in range(width):
                for t in range(NUM_TAPS):
                    dy, dx = offsets[b, 2 * t, r, c].item(), offsets[b, 2 * t + 1, r, c].item()
                    value = sample(x[b], r - 1 + t // 3 + dy, c - 1 + t % 3 + dx)
                    out[b, :, r, c] += modulation[b, t, r, c] * (weight[:, :, t // 3, t % 3] @ value)
    return out


def convolution(in_width: int, width: int) -> DeformConv:
    conv = DeformConv(in_width, width).double()
    conv.weight.data = random_tensor(width, in_width, 3, 3, seed=9)
    return conv


def modulation_for(batch: int, height: int, width: int) -> Tensor:
    return random_tensor(batch, NUM_TAPS, height, width, seed=10).sigmoid()


@pytest.mark.parametrize("kind", OFFSETS)
@given(
    batch=st.integers(1, 2),
    widths=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    size=st.tuples(st.integers(1, 5), st.integers(1, 5)),
)
@settings(max_examples=8, deadline=None)
@torch.no_grad()
def test_equals_the_definition(kind: str, batch: int, widths: tuple[int, int], size: tuple[int, int]) -> None:
    conv, x = convolution(*widths), random_tensor(batch, widths[0], *size, seed=11)
    offsets, modulation = OFFSETS[kind]((batch, 2 * NUM_TAPS, *size)), modulation_for(batch, *size)
    wanted = slow_deform(x, conv.weight, offsets, modulation)
    # 1e-9: grid sampling divides positions by the size and multiplies them back
    torch.testing.assert_close(conv(x, offsets, modulation), wanted, rtol=0, atol=1e-9)


@torch.no_grad()
def test_without_offsets_it_is_a_plain_convolution() -> None:
    conv, x = convolution(4, 6), random_tensor(2, 4, 7, 5)
    ones, zeros = torch.ones(2, NUM_TAPS, 7, 5).double(), torch.zeros(2, 2 * NUM_TAPS, 7, 5).double()
    assert relative_error(conv(x, zeros, ones), F.conv2d(x, conv.weight, padding=1)) < 1e-12


@torch.no_grad()
def test_even_offset_channels_move_rows_and_odd_ones_columns() -> None:
    conv, x = convolution(2, 3), random_tensor(1, 2, 6, 6)
    ones, offsets = torch.ones(1, NUM_TAPS, 6, 6).double(), torch.zeros(1, 2 * NUM_TAPS, 6, 6).double()
    offsets[:, 0::2] = 2
    offsets[:, 1::2] = -1
    shifted = F.pad(x, (1, -1, -2, 2))  # row + 2, column - 1
    inner = conv(x, offsets, ones)[..., 1:3, 2:5]
    assert relative_error(inner, F.conv2d(shifted, conv.weight, padding=1)[..., 1:3, 2:5]) < 1e-12


@pytest.mark.parametrize("at", [-1.0, -1.5, 1.0, 2.5])
@torch.no_grad()
def test_a_sample_one_pixel_outside_is_zero(at: float) -> None:
    conv, x = convolution(1, 1), torch.ones(1, 1, 1, 1).double()
    offsets = torch.zeros(1, 2 * NUM_TAPS, 1, 1).double()
    rows = torch.arange(NUM_TAPS) // 3 - 1
    offsets[0, 0::2, 0, 0] = at - rows.double()  # every tap reads row ``at``
    assert conv(x, offsets, modulation_for(1, 1, 1)).abs().max() < 1e-12


@torch.no_grad()
def test_a_bias_is_added_once_it_exists() -> None:
    conv, x = convolution(2, 3), random_tensor(1, 2, 4, 4)
    offsets, modulation = OFFSETS["trained-like"]((1, 18, 4, 4)), modulation_for(1, 4, 4)
    before = conv(x, offsets, modulation)
    conv.bias = torch.nn.Parameter(torch.tensor([1.0, -2.0, 0.5]).double())
    torch.testing.assert_close(conv(x, offsets, modulation), before + conv.bias.view(1, 3, 1, 1))


def test_taps_are_numbered_row_by_row() -> None:
    rows, columns = sampling_points(torch.zeros(1, 2 * NUM_TAPS, 3, 4))
    assert rows[0, :, 1, 2].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert columns[0, :, 1, 2].tolist() == [1, 2, 3, 1, 2, 3, 1, 2, 3]
