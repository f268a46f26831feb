"""Reading at places against numpy, and between cells against loops."""

import itertools
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmpsam_mobile.errors import InputError, UnsupportedError
from tests.runtime.mil.programs import SEEDS, Numbers, agree, interpreted, normal, shapes, whole

FEW = settings(max_examples=15, deadline=None)


@FEW
@given(shape=shapes(1, 4), places=shapes(1, 2), seed=SEEDS, data=st.data(), negative=st.booleans())
def test_gather(
    shape: tuple[int, ...], places: tuple[int, ...], seed: int, data: st.DataObject, negative: bool
) -> None:
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    size = shape[axis]
    x, indices = normal(*shape, seed=seed), whole(*places, low=-size if negative else 0, high=size - 1, seed=seed)
    opset = "iOS16" if negative else "iOS17"
    agree("gather", {"x": x, "indices": indices}, {"axis": axis}, to=lambda x, i: x.take(i, axis), opset=opset)


@FEW
@given(batch=shapes(1, 2, 3), between=shapes(0, 2, 3), rest=shapes(0, 1, 3), places=shapes(0, 2, 3), seed=SEEDS)
def test_gather_in_batches(
    batch: tuple[int, ...], between: tuple[int, ...], rest: tuple[int, ...], places: tuple[int, ...], seed: int
) -> None:
    if len(batch) + len(between) + len(rest) + 1 > 5 or len(batch) + len(places) > 5:
        return
    if len(batch) + len(between) + len(rest) + len(places) > 5:
        return
    x = normal(*batch, *between, 4, *rest, seed=seed)
    indices = whole(*batch, *places, low=0, high=3, seed=seed)
    axis = len(batch) + len(between)
    wanted = np.zeros((*batch, *between, *places, *rest), np.float32)
    for at in np.ndindex(*batch):
        wanted[at] = x[at].take(indices[at], len(between))
    attributes = {"axis": axis, "batch_dims": len(batch)}
    (got,) = interpreted("gather", {"x": x, "indices": indices}, attributes)
    np.testing.assert_array_equal(got, wanted)


@FEW
@given(shape=shapes(1, 4), count=st.integers(1, 5), seed=SEEDS, data=st.data())
def test_gather_along_axis(shape: tuple[int, ...], count: int, seed: int, data: st.DataObject) -> None:
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    places = [count if i == axis % len(shape) else size for i, size in enumerate(shape)]
    x, indices = normal(*shape, seed=seed), whole(*places, low=0, high=shape[axis] - 1, seed=seed)
    to = lambda x, i: np.take_along_axis(x, i, axis)  # noqa: E731
    agree("gather_along_axis", {"x": x, "indices": indices}, {"axis": axis}, to=to)


@FEW
@given(depth=st.integers(1, 3), batch_dims=st.integers(0, 2), places=shapes(1, 1), seed=SEEDS)
def test_gather_nd(depth: int, batch_dims: int, places: tuple[int, ...], seed: int) -> None:
    batch = (2, 3)[:batch_dims]
    sizes = (4, 3, 5)
    x = normal(*batch, *sizes, seed=seed)
    columns = [whole(*batch, *places, low=0, high=size - 1, seed=seed + i) for i, size in enumerate(sizes[:depth])]
    indices = np.stack(columns, -1)
    wanted = np.zeros((*batch, *places, *sizes[depth:]), np.float32)
    for at in np.ndindex(*batch, *places):
        wanted[at] = x[(*at[:batch_dims], *indices[at])]
    (got,) = interpreted("gather_nd", {"x": x, "indices": indices}, {"batch_dims": batch_dims})
    np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("index", [-1, 3])
def test_a_place_that_is_none_is_an_error_that_names_the_operator(index: int) -> None:
    tensors = {"x": normal(3, 2), "indices": np.array([0, index], np.int32)}
    with pytest.raises(InputError) as caught:
        interpreted("gather", tensors, {"axis": 0, "validate_indices": True})
    message = str(caught.value)
    where = "-1 to 0 where 0 to 2 are" if index < 0 else "0 to 3 where 0 to 2 are"
    ending = f" cannot be computed (index {where}); the program is broken, export it again"
    assert re.fullmatch(r"gather 'gather_\d+'" + re.escape(ending), message)


def read_bilinear(plane: Numbers, x: float, y: float, pad: str, value: float) -> float:
    """One value between four cells, coordinates in cells."""
    height, width = plane.shape
    left, top = int(np.floor(x)), int(np.floor(y))
    total = 0.0
    for row, column in itertools.product((top, top + 1), (left, left + 1)):
        share = (1 - abs(y - row)) * (1 - abs(x - column))
        inside = 0 <= row < height and 0 <= column < width
        if pad == "border":
            row, column, inside = min(max(row, 0), height - 1), min(max(column, 0), width - 1), True
        total += share * (plane[row, column] if inside else value)
    return total


@pytest.mark.parametrize("padding", ["constant", "border"])
@pytest.mark.parametrize("frame", ["unnormalized", "normalized_minus_one_to_one", "normalized_zero_to_one"])
@pytest.mark.parametrize("aligned", [True, False])
@settings(max_examples=5, deadline=None)
@given(height=st.integers(2, 5), width=st.integers(2, 5), seed=SEEDS)
def test_resample(padding: str, frame: str, aligned: bool, height: int, width: int, seed: int) -> None:
    x = normal(1, 2, height, width, seed=seed)
    cells = np.random.default_rng(seed).uniform(-1.5, 6.5, (1, 3, 4, 2)).astype(np.float32)
    size = np.array([width, height], np.float32)
    zero_to_one = cells / (size - 1) if aligned else (cells + 0.5) / size
    frames = {"unnormalized": cells, "normalized_zero_to_one": zero_to_one}
    coordinates = frames.get(frame, 2 * zero_to_one - 1)
    value = np.float32(0.7)
    attributes = {
        "sampling_mode": "bilinear",
        "padding_mode": padding,
        "padding_value": value,
        "coordinates_mode": frame,
        "align_corners": aligned,
    }

    def to(x: Numbers, _: Numbers) -> Numbers:
        out = np.zeros((1, 2, 3, 4))
        for c, i, j in np.ndindex(2, 3, 4):
            column, row = cells[0, i, j]
            out[0, c, i, j] = read_bilinear(x[0, c], float(column), float(row), padding, float(value))
        return out

    agree("resample", {"x": x, "coordinates": coordinates}, attributes, to=to, infers=False, limit=1e-4)


@pytest.mark.parametrize(("padding", "aligned"), [("reflection", True), ("symmetric", False)])
def test_resample_reflects_at_centres_or_edges(padding: str, aligned: bool) -> None:
    x = np.arange(4, dtype=np.float32).reshape(1, 1, 1, 4).repeat(2, 2)
    cells = np.array([-2, -1, 0, 3, 4, 5], np.float32)
    coordinates = np.stack([cells, np.zeros_like(cells)], -1)[None, None]
    attributes = {
        "sampling_mode": "nearest",
        "padding_mode": padding,
        "padding_value": np.float32(0),
        "coordinates_mode": "unnormalized",
        "align_corners": aligned,
    }
    (got,) = interpreted("resample", {"x": x, "coordinates": coordinates}, attributes)
    wanted = [2, 1, 0, 3, 2, 1] if padding == "reflection" else [1, 0, 0, 3, 3, 2]
    np.testing.assert_array_equal(got[0, 0, 0], wanted)


def test_a_reflection_that_torch_has_not_is_refused() -> None:
    attributes = {
        "sampling_mode": "bilinear",
        "padding_mode": "symmetric",
        "padding_value": np.float32(0),
        "coordinates_mode": "unnormalized",
        "align_corners": True,
    }
    with pytest.raises(UnsupportedError) as caught:
        interpreted("resample", {"x": normal(1, 1, 3, 3), "coordinates": normal(1, 2, 2, 2)}, attributes)
    wanted = r"resample 'resample_\d+': resample with padding symmetric and align_corners True"
    assert re.fullmatch(wanted, str(caught.value))
