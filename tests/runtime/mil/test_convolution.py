"""Convolutions and pools against plain loops and torch."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from tests.runtime.mil.programs import SEEDS, Numbers, agree, interpreted, normal

FEW = settings(max_examples=12, deadline=None)


def plain_conv(
    x: Numbers, weight: Numbers, pads: Sequence[tuple[int, int]], strides: Sequence[int], dilations: Sequence[int]
) -> Numbers:
    """Groups follow from the shapes: x [N, C, *D], weight [O, C / groups, *K]."""
    groups = x.shape[1] // weight.shape[1]
    x = np.pad(x.astype(np.float64), [(0, 0), (0, 0), *pads])
    reach = [(size - 1) * dilation + 1 for size, dilation in zip(weight.shape[2:], dilations, strict=True)]
    sizes = [(size - r) // s + 1 for size, r, s in zip(x.shape[2:], reach, strides, strict=True)]
    out = np.zeros((x.shape[0], weight.shape[0], *sizes))
    own = weight.shape[0] // groups
    for o, place in itertools.product(range(weight.shape[0]), np.ndindex(*sizes)):
        first = (o // own) * weight.shape[1]
        window = tuple(slice(p * s, p * s + r, d) for p, s, r, d in zip(place, strides, reach, dilations, strict=True))
        seen = x[(slice(None), slice(first, first + weight.shape[1]), *window)]
        out[(slice(None), o, *place)] = (seen * weight[o]).reshape(x.shape[0], -1).sum(-1)
    return out


def same_pads(sizes: Sequence[int], reach: Sequence[int], strides: Sequence[int], lower: bool) -> list[tuple[int, int]]:
    """Outputs are ceil(size / stride); an odd cell goes to the end, or for ``lower`` to the start."""
    pads = []
    for size, r, s in zip(sizes, reach, strides, strict=True):
        total = max(0, s * int(np.ceil(size / s)) - size + r - s)
        pads.append((total - total // 2, total // 2) if lower else (total // 2, total - total // 2))
    return pads


@st.composite
def windows(draw: st.DrawFn, *, dilated: bool = True) -> dict[str, list[int]]:
    """Kernel, strides, dilations and pads of one to three axes."""
    rank = draw(st.integers(1, 3))

    def numbers(low: int, high: int, count: int = rank) -> list[int]:
        return draw(st.lists(st.integers(low, high), min_size=count, max_size=count))

    return {
        "kernel": numbers(1, 3),
        "strides": numbers(1, 3),
        "dilations": numbers(1, 2) if dilated else [1] * rank,
        "pad": numbers(0, 2, 2 * rank),
        "size": numbers(5, 7) if rank < 3 else numbers(5, 6),
    }


@pytest.mark.parametrize("pad_type", ["valid", "custom", "same", "same_lower"])
@FEW
@given(window=windows(), groups=st.integers(1, 3), has_bias=st.booleans(), seed=SEEDS)
def test_conv(pad_type: str, window: dict[str, list[int]], groups: int, has_bias: bool, seed: int) -> None:
    x = normal(2, 2 * groups, *window["size"], seed=seed)
    weight, bias = normal(2 * groups, 2, *window["kernel"], seed=seed + 1), normal(2 * groups, seed=seed + 2)
    strides, dilations = window["strides"], window["dilations"]
    reach = [(k - 1) * d + 1 for k, d in zip(window["kernel"], dilations, strict=True)]
    pads = [(0, 0)] * len(strides)
    if pad_type == "custom":
        pads = list(zip(window["pad"][::2], window["pad"][1::2], strict=True))
    if pad_type.startswith("same"):
        pads = same_pads(window["size"], reach, strides, pad_type == "same_lower")
    attributes: dict[str, Any] = {"weight": weight, "strides": strides, "dilations": dilations, "groups": groups}
    attributes |= {"pad_type": pad_type} | ({"bias": bias} if has_bias else {})
    attributes |= {"pad": window["pad"]} if pad_type == "custom" else {}

    def to(x: Numbers) -> Numbers:
        found = plain_conv(x, weight, pads, strides, dilations)
        return found + bias.reshape(-1, *[1] * len(strides)) if has_bias else found

    agree("conv", {"x": x}, attributes, to=to, infers=False)


def test_conv_by_its_defaults() -> None:
    x, weight = normal(1, 2, 5, 6), normal(3, 2, 2, 3, seed=1)
    to = lambda x: plain_conv(x, weight, [(0, 0)] * 2, [1, 1], [1, 1])  # noqa: E731
    agree("conv", {"x": x}, {"weight": weight}, to=to, infers=False)


def test_conv_of_a_weight_that_is_computed() -> None:
    x, weight = normal(1, 2, 5, 6), normal(3, 2, 2, 3, seed=1)
    to = lambda x, w: plain_conv(x, w, [(1, 1)] * 2, [1, 1], [1, 1])  # noqa: E731
    agree("conv", {"x": x, "weight": weight}, {"pad_type": "custom", "pad": [1, 1, 1, 1]}, to=to, infers=False)


def plain_transposed(x: Numbers, weight: Numbers, strides: Sequence[int], dilations: Sequence[int]) -> Numbers:
    """Every input cell adds its weights where it reaches; nothing is cut. Groups follow from the shapes."""
    n, channels = x.shape[:2]
    kernel = weight.shape[2:]
    sizes = [
        (size - 1) * s + (k - 1) * d + 1 for size, s, k, d in zip(x.shape[2:], strides, kernel, dilations, strict=True)
    ]
    groups = 2
    out = np.zeros((n, weight.shape[1] * groups, *sizes))
    for c, place, tap in itertools.product(range(channels), np.ndindex(*x.shape[2:]), np.ndindex(*kernel)):
        group = c // (channels // groups)
        rows = slice(group * weight.shape[1], (group + 1) * weight.shape[1])
        at = tuple(p * s + t * d for p, s, t, d in zip(place, strides, tap, dilations, strict=True))
        out[(slice(None), rows, *at)] += x[(slice(None), c, *place)][:, None] * weight[(c, slice(None), *tap)]
    return out


@FEW
@given(window=windows(), seed=SEEDS, grown=st.integers(0, 2), has_bias=st.booleans())
def test_conv_transpose(window: dict[str, list[int]], seed: int, grown: int, has_bias: bool) -> None:
    rank = len(window["kernel"])
    sizes = [2] * rank if rank == 3 else [4] * rank
    x, weight = normal(2, 4, *sizes, seed=seed), normal(4, 3, *window["kernel"], seed=seed + 1)
    bias = normal(6, seed=seed + 2)
    strides, dilations = window["strides"], window["dilations"]
    reached = plain_transposed(x, weight, strides, dilations)
    pad = [min(p, (reached.shape[2 + i // 2] - 1) // 2) for i, p in enumerate(window["pad"])]
    pads = list(zip(pad[::2], pad[1::2], strict=True))
    length = [size - sum(p) + grown for size, p in zip(reached.shape[2:], pads, strict=True)]
    cut = np.pad(reached, [(0, 0), (0, 0), *[(0, grown)] * rank])
    kept: Any = (..., *(slice(p[0], p[0] + n) for p, n in zip(pads, length, strict=True)))
    cut = cut[kept]
    attributes: dict[str, Any] = {"weight": weight, "strides": strides, "dilations": dilations, "groups": 2}
    attributes |= {"pad_type": "custom", "pad": pad} | ({"bias": bias} if has_bias else {})
    attributes |= {"output_shape": [2, 6, *length]} if grown else {}
    wanted = cut + bias.reshape(-1, *[1] * rank) if has_bias else cut
    agree("conv_transpose", {"x": x}, attributes, to=lambda _: wanted, infers=False)


@pytest.mark.parametrize(("kernel", "stride"), [(4, 2), (3, 2), (2, 3), (1, 2)])
def test_conv_transpose_same(kernel: int, stride: int) -> None:
    x, weight = normal(1, 4, 5, 6), normal(4, 3, kernel, kernel, seed=1)
    attributes = {"weight": weight, "strides": [stride] * 2, "groups": 2, "pad_type": "same"}
    (got,) = interpreted("conv_transpose", {"x": x}, attributes)
    assert got.shape == (1, 6, 5 * stride, 6 * stride)
    reached = plain_transposed(x, weight, [stride] * 2, [1, 1])
    before = max(reached.shape[2] - 5 * stride, 0) // 2
    inside = reached[:, :, before : before + 5 * stride, before : before + 6 * stride]
    np.testing.assert_allclose(got[:, :, : inside.shape[2], : inside.shape[3]], inside, atol=1e-5)


@pytest.mark.parametrize("pad_type", ["valid", "custom", "same", "same_lower"])
@FEW
@given(window=windows(dilated=False), excludes=st.booleans(), seed=SEEDS)
def test_pools(pad_type: str, window: dict[str, list[int]], excludes: bool, seed: int) -> None:
    kernel, strides = window["kernel"], window["strides"]
    x = normal(2, 3, *window["size"], seed=seed)
    # a window that lies in the padding alone has no answer
    pad = [min(p, kernel[i // 2] - 1) for i, p in enumerate(window["pad"])]
    pads = list(zip(pad[::2], pad[1::2], strict=True)) if pad_type == "custom" else [(0, 0)] * len(kernel)
    if pad_type.startswith("same"):
        pads = same_pads(window["size"], kernel, strides, pad_type == "same_lower")
    attributes: dict[str, Any] = {"kernel_sizes": kernel, "strides": strides, "pad_type": pad_type}
    attributes |= {"pad": pad} if pad_type == "custom" else {}
    rows = [(0, 0), (0, 0), *pads]

    def windows_of(x: Numbers) -> Numbers:
        seen = np.lib.stride_tricks.sliding_window_view(x, kernel, tuple(range(2, x.ndim)))
        apart: Any = (..., *(slice(None, None, s) for s in strides), *[slice(None)] * len(kernel))
        chosen: Numbers = seen[apart]
        return chosen

    inner = tuple(range(-len(kernel), 0))
    largest = lambda x: windows_of(np.pad(x, rows, constant_values=-np.inf)).max(inner)  # noqa: E731
    agree("max_pool", {"x": x}, attributes, to=largest, infers=False)

    def mean(x: Numbers) -> Numbers:
        total = windows_of(np.pad(x, rows)).sum(inner)
        count = windows_of(np.pad(np.ones_like(x), rows)).sum(inner) if excludes else np.prod(kernel)
        return np.asarray(total / count)

    agree("avg_pool", {"x": x}, attributes | {"exclude_padding_from_average": excludes}, to=mean, infers=False)


@FEW
@given(size=st.integers(4, 9), kernel=st.integers(2, 3), stride=st.integers(1, 3), pad=st.integers(0, 1))
def test_pools_that_round_up(size: int, kernel: int, stride: int, pad: int) -> None:
    # else the last window would lie outside altogether
    assume(all(-(-(n + 2 * pad - kernel) // stride) * stride < n + pad for n in (size, size + 1)))
    x = normal(1, 2, size, size + 1)
    attributes = {"kernel_sizes": [kernel] * 2, "strides": [stride] * 2, "pad_type": "custom", "pad": [pad] * 4}
    given_to = torch.from_numpy(x)
    largest = F.max_pool2d(given_to, kernel, stride, pad, ceil_mode=True).numpy()
    agree("max_pool", {"x": x}, attributes | {"ceil_mode": True}, to=lambda _: largest, infers=False)
    mean = F.avg_pool2d(given_to, kernel, stride, pad, ceil_mode=True).numpy()
    agree("avg_pool", {"x": x}, attributes | {"ceil_mode": True}, to=lambda _: mean, infers=False)
