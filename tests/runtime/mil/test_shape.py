"""Operators that move numbers against numpy."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from rmpsam_mobile.errors import UnsupportedError
from rmpsam_mobile.runtime.mil.operators import OPERATORS
from tests.runtime.mil.programs import SEEDS, agree, interpreted, normal, shapes, whole

FEW = settings(max_examples=12, deadline=None)


@FEW
@given(shape=shapes(2, 4), seed=SEEDS, data=st.data())
def test_reshape(shape: tuple[int, ...], seed: int, data: st.DataObject) -> None:
    x = normal(*shape, seed=seed)
    mixed = data.draw(st.permutations(shape))
    agree("reshape", {"x": x}, {"shape": list(mixed)}, to=lambda x: x.reshape(mixed))
    agree("reshape", {"x": x}, {"shape": [mixed[0], -1]}, to=lambda x: x.reshape(mixed[0], -1))
    agree("reshape", {"x": x}, {"shape": [*[0] * (len(shape) - 1), -1]}, to=lambda x: x)


@FEW
@given(shape=shapes(1, 5), seed=SEEDS, data=st.data())
def test_transpose_and_reverse(shape: tuple[int, ...], seed: int, data: st.DataObject) -> None:
    x, rank = normal(*shape, seed=seed), len(shape)
    perm = data.draw(st.permutations(range(rank)))
    signed = [axis - rank if data.draw(st.booleans()) else axis for axis in perm]
    agree("transpose", {"x": x}, {"perm": signed}, to=lambda x: x.transpose(perm))
    axes = signed[: data.draw(st.integers(1, rank))]
    agree("reverse", {"x": x}, {"axes": axes}, to=lambda x: np.flip(x, tuple(axes)))
    agree("reverse", {"x": x}, to=np.flip)


@FEW
@given(shape=shapes(1, 3), seed=SEEDS, data=st.data())
def test_axes_of_one_come_and_go(shape: tuple[int, ...], seed: int, data: st.DataObject) -> None:
    x = normal(*shape, seed=seed)
    count = data.draw(st.integers(1, 2))
    rank = len(shape) + count
    new = data.draw(st.lists(st.integers(0, rank - 1), min_size=count, max_size=count, unique=True).map(sorted))
    signed = [axis - rank if data.draw(st.booleans()) else axis for axis in new]
    agree("expand_dims", {"x": x}, {"axes": signed}, to=lambda x: np.expand_dims(x, tuple(new)))
    wide = np.expand_dims(x, tuple(new))
    agree("squeeze", {"x": wide}, {"axes": signed}, to=lambda x: np.squeeze(x, tuple(new)))
    agree("squeeze", {"x": np.concatenate([wide, wide], new[0])}, to=np.squeeze)


@FEW
@given(shape=shapes(2, 4), seed=SEEDS, data=st.data())
def test_flatten2d(shape: tuple[int, ...], seed: int, data: st.DataObject) -> None:
    axis = data.draw(
        st.integers(1 - len(shape), len(shape) - 1).filter(bool)
    )  # at both ends coremltools' own form fails
    before = int(np.prod(shape[:axis]))
    agree("flatten2d", {"x": normal(*shape, seed=seed)}, {"axis": axis}, to=lambda x: x.reshape(before, -1))


@settings(max_examples=60, deadline=None)
@given(shape=shapes(1, 3), seed=SEEDS, data=st.data())
def test_slices_by_index(shape: tuple[int, ...], seed: int, data: st.DataObject) -> None:
    begin, end, stride, masks, slices = [], [], [], [], []
    for size in shape:
        step = data.draw(st.sampled_from([-2, -1, 1, 2, 3]))
        from_start, to_end, squeezed = (data.draw(st.booleans()) for _ in range(3))
        low = data.draw(st.integers(0, size - 1))
        high = data.draw(st.integers(low + 1, size))
        first, last = (low, high) if step > 0 else (high - 1, low - 1)
        to_end = to_end or last < 0  # before the first cell there is no index
        if squeezed:
            step, from_start, to_end, last = 1, False, False, first + 1
        named = slice(None if from_start else first, None if to_end else last, step)
        begin.append(first - size if data.draw(st.booleans()) else first)
        end.append(last - size if 0 <= last < size and data.draw(st.booleans()) else max(last, 0))
        stride.append(step)
        masks.append((from_start, to_end, squeezed))
        slices.append(first if squeezed else named)
    names = ("begin_mask", "end_mask", "squeeze_mask")
    attributes: dict[str, Any] = dict(zip(names, (list(column) for column in zip(*masks, strict=True)), strict=True))
    attributes |= {"begin": begin, "end": end, "stride": stride}
    x = normal(*shape, seed=seed)
    # coremltools' inference returns a Python number where all axes are squeezed
    agree("slice_by_index", {"x": x}, attributes, to=lambda x: x[tuple(slices)], infers=True)


def test_slices_by_their_defaults() -> None:
    attributes = {"begin": [1, 0], "end": [3, 2]}
    agree("slice_by_index", {"x": normal(4, 5)}, attributes, to=lambda x: x[1:3, :2])


@FEW
@given(shape=shapes(1, 4), seed=SEEDS, data=st.data())
def test_slices_by_size(shape: tuple[int, ...], seed: int, data: st.DataObject) -> None:
    begin = [data.draw(st.integers(0, size - 1)) for size in shape]
    size = [data.draw(st.integers(1, n - b) | st.just(-1)) for n, b in zip(shape, begin, strict=True)]
    named = tuple(slice(b, None if n == -1 else b + n) for b, n in zip(begin, size, strict=True))
    agree("slice_by_size", {"x": normal(*shape, seed=seed)}, {"begin": begin, "size": size}, to=lambda x: x[named])


@FEW
@given(shape=shapes(1, 4), count=st.integers(2, 4), seed=SEEDS, data=st.data())
def test_joints(shape: tuple[int, ...], count: int, seed: int, data: st.DataObject) -> None:
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    values = [normal(*shape, seed=seed + i) for i in range(count)]
    agree("concat", {"values": values}, {"axis": axis}, to=lambda values: np.concatenate(values, axis))
    positive = axis % len(shape)
    mixed = np.stack(values, positive + 1).reshape(*shape[:positive], -1, *shape[positive + 1 :])
    # coremltools 9.0 passes interleave over when it infers a value, against its own documentation
    (got,) = interpreted("concat", {"values": values}, {"axis": axis, "interleave": True})
    np.testing.assert_array_equal(got, mixed)
    agree("stack", {"values": values}, {"axis": positive}, to=lambda values: np.stack(values, positive))
    unlike = [*values, normal(*(2 * n if i == positive else n for i, n in enumerate(shape)))]
    agree("concat", {"values": unlike}, {"axis": axis}, to=lambda values: np.concatenate(values, axis))


@FEW
@given(sizes=st.lists(st.integers(1, 4), min_size=2, max_size=4), seed=SEEDS)
def test_split(sizes: list[int], seed: int) -> None:
    x = normal(2, sum(sizes), 3, seed=seed)
    parts = lambda x: np.split(x, np.cumsum(sizes)[:-1], 1)  # noqa: E731
    agree("split", {"x": x}, {"split_sizes": sizes, "axis": 1}, to=parts)
    agree("split", {"x": normal(2, 3, 6)}, {"num_splits": 3, "axis": -1}, to=lambda x: np.split(x, 3, -1))


@FEW
@given(shape=shapes(1, 4), seed=SEEDS, data=st.data())
def test_tile(shape: tuple[int, ...], seed: int, data: st.DataObject) -> None:
    reps = [data.draw(st.integers(1, 3)) for _ in shape]
    agree("tile", {"x": normal(*shape, seed=seed)}, {"reps": reps}, to=lambda x: np.tile(x, reps))


@pytest.mark.parametrize(("mode", "numpys"), [("constant", "constant"), ("reflect", "reflect"), ("replicate", "edge")])
@FEW
@given(shape=st.lists(st.integers(3, 5), min_size=2, max_size=4), seed=SEEDS, data=st.data())
def test_pad(mode: str, numpys: str, shape: list[int], seed: int, data: st.DataObject) -> None:
    padded = data.draw(st.integers(1, min(2, len(shape)))) if mode != "constant" else len(shape)
    pad = [data.draw(st.integers(0, 2)) for _ in range(2 * padded)]
    rows = [(0, 0)] * (len(shape) - padded) + list(zip(pad[::2], pad[1::2], strict=True))
    attributes: dict[str, Any] = {"pad": pad, "mode": mode}
    attributes |= {"constant_val": np.float32(0.5)} if mode == "constant" else {}

    def to(x: Any) -> Any:
        wrapped: Any = np.pad  # its stubs know each mode by its letters
        return wrapped(x, rows, numpys, **({"constant_values": 0.5} if mode == "constant" else {}))

    agree("pad", {"x": normal(*shape, seed=seed)}, attributes, to=to)


def test_an_unknown_way_to_pad_is_named() -> None:
    with pytest.raises(UnsupportedError, match=r"^pad mode 'wrap'; the reference interpreter knows constant"):
        OPERATORS["pad"](torch.zeros(2, 3), [1, 1], mode="wrap")


@FEW
@given(factor=st.integers(1, 3), seed=SEEDS)
def test_pixel_shuffles(factor: int, seed: int) -> None:
    small = normal(2, 2 * factor**2, 3, 4, seed=seed)
    large = F.pixel_shuffle(torch.from_numpy(small), factor).numpy()
    agree("pixel_shuffle", {"x": small}, {"upscale_factor": factor}, to=lambda _: large, infers=False)
    back = {"downscale_factor": np.uint32(factor)}
    agree("pixel_unshuffle", {"x": large}, back, to=lambda _: small, infers=False)


@FEW
@given(size=st.integers(1, 3), stride=st.integers(1, 3), axis=st.integers(-3, 2), seed=SEEDS)
def test_sliding_windows(size: int, stride: int, axis: int, seed: int) -> None:
    x, at = normal(4, 5, 6, seed=seed), axis % 3
    rows = [x.take(range(i, i + size), at) for i in range(0, x.shape[at] - size + 1, stride)]
    attributes = {"axis": axis, "size": size, "stride": stride}
    agree("sliding_windows", {"x": x}, attributes, to=lambda _: np.stack(rows, at), infers=False)


@FEW
@given(lower=st.integers(-1, 3), upper=st.integers(-1, 3), seed=SEEDS)
def test_band_part(lower: int, upper: int, seed: int) -> None:
    x = normal(2, 4, 5, seed=seed)
    wanted = np.zeros_like(x)
    for i, j in itertools.product(range(4), range(5)):
        if (lower < 0 or i - j <= lower) and (upper < 0 or j - i <= upper):
            wanted[:, i, j] = x[:, i, j]
    agree("band_part", {"x": x}, {"lower": lower, "upper": upper}, to=lambda _: wanted)


@FEW
@given(shape=shapes(1, 4))
def test_tensors_made_of_shapes(shape: tuple[int, ...]) -> None:
    x = normal(*shape)
    agree("shape", {"x": x}, to=lambda x: np.array(x.shape, np.int32))
    filled = np.full(shape, 1.5, np.float32)
    agree("fill", {}, {"shape": list(shape), "value": np.float32(1.5)}, to=lambda: filled)
    attributes = {"value": np.float32(1.5)}
    agree("fill_like", {"ref_tensor": x}, attributes, to=lambda _: filled)


def test_ranges() -> None:
    for start, end, step in ((0, 7, 2), (5, -3, -2), (np.float32(0.5), np.float32(3), np.float32(0.5))):
        attributes = {"start": start, "end": end, "step": step}
        dtype = np.int32 if isinstance(start, int) else np.float32
        agree("range_1d", {}, attributes, to=lambda: np.arange(start, end, step).astype(dtype))  # noqa: B023


@FEW
@given(shape=shapes(1, 3), seed=SEEDS, data=st.data())
def test_one_hot(shape: tuple[int, ...], seed: int, data: st.DataObject) -> None:
    axis = data.draw(st.integers(-1, len(shape)))
    indices = whole(*shape, low=0, high=3, seed=seed)
    is_on = np.moveaxis(indices[..., None] == np.arange(5), -1, axis)
    attributes = {"one_hot_vector_size": 5, "axis": axis, "on_value": 3, "off_value": -2}
    (got,) = interpreted("one_hot", {"indices": indices}, attributes)
    np.testing.assert_array_equal(got, np.where(is_on, 3, -2))
