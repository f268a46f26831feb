"""Resizing against the grids that the MIL specification writes down."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmpsam_mobile.errors import UnsupportedError
from tests.runtime.mil.programs import SEEDS, Numbers, agree, interpreted, normal

FEW = settings(max_examples=12, deadline=None)
MODES = ("STRICT_ALIGN_CORNERS", "ALIGN_CORNERS", "DEFAULT", "OFFSET_CORNERS", "UNALIGN_CORNERS")


def grid(mode: str, size: int, length: int) -> Numbers:
    """As in the docstring of coremltools' resize_bilinear, word for word."""
    i = np.arange(length, dtype=np.float64)
    if mode in ("STRICT_ALIGN_CORNERS", "ALIGN_CORNERS"):
        if length == 1:
            return np.array([(size - 1) / 2 if mode == "ALIGN_CORNERS" else 0.0])
        return np.clip(i * (size - 1) / (length - 1), 0, size - 1)
    if mode == "DEFAULT":
        spacing = (size - size / length) / (length - 1) if length > 1 else 0.0
        return np.clip(i * spacing, 0, size - 1)
    if mode == "OFFSET_CORNERS":
        delta = max(1, size - 1) / length
        return np.clip(0.5 * delta + i * delta, 0, size - 1)
    spacing = size / length
    return np.clip(i * spacing + 0.5 * spacing - 0.5, 0, size - 1)


def resized(x: Numbers, size: tuple[int, int], mode: str) -> Numbers:
    for axis, length in zip((-2, -1), size, strict=True):
        points = grid(mode, x.shape[axis], length)
        x = np.apply_along_axis(lambda row, at: np.interp(at, np.arange(len(row)), row), axis, x, points)
    return x


@pytest.mark.parametrize("mode", MODES)
@FEW
@given(sides=st.tuples(*[st.integers(1, 6)] * 4), rank=st.integers(3, 4), seed=SEEDS)
def test_resize_bilinear(mode: str, sides: tuple[int, int, int, int], rank: int, seed: int) -> None:
    x = normal(*(2, 3)[: rank - 2], *sides[:2], seed=seed)
    size = sides[2:]
    attributes = {"target_size_height": size[0], "target_size_width": size[1], "sampling_mode": mode}
    agree("resize_bilinear", {"x": x}, attributes, to=lambda x: resized(x, size, mode), infers=False)
    shape = {"shape": list(size), "resized_dims": np.uint32(2), "sampling_mode": mode}
    agree("resize", {"x": x}, shape, to=lambda x: resized(x, size, mode), infers=False)


def test_resize_keeps_what_is_zero_and_takes_one_axis() -> None:
    x = normal(2, 3, 4)
    attributes = {"shape": [9, 0, 7], "resized_dims": np.uint32(2), "sampling_mode": "DEFAULT"}
    agree("resize", {"x": x}, attributes, to=lambda x: resized(x, (3, 7), "DEFAULT"), infers=False)
    one = {"shape": [6], "resized_dims": np.uint32(1), "sampling_mode": "UNALIGN_CORNERS"}
    agree("resize", {"x": x}, one, to=lambda x: resized(x, (3, 6), "UNALIGN_CORNERS"), infers=False)


@pytest.mark.parametrize(
    ("corners", "mode"),
    [
        ({}, "STRICT_ALIGN_CORNERS"),
        ({"align_corners": True}, "STRICT_ALIGN_CORNERS"),
        ({"align_corners": True, "half_pixel_centers": False}, "STRICT_ALIGN_CORNERS"),
        ({"align_corners": False}, "UNALIGN_CORNERS"),
        ({"align_corners": False, "half_pixel_centers": True}, "UNALIGN_CORNERS"),
        ({"align_corners": False, "half_pixel_centers": False}, "DEFAULT"),
    ],
)
@FEW
@given(sides=st.tuples(st.integers(1, 5), st.integers(1, 5)), seed=SEEDS, data=st.data())
def test_upsample_bilinear(
    corners: dict[str, bool], mode: str, sides: tuple[int, int], seed: int, data: st.DataObject
) -> None:
    x = normal(2, *sides, seed=seed)
    kinds: list[list[float]] = [[1, 2, 3], [1.0, 1.5, 2.5]]  # both factors are of one type
    of_kind = kinds[data.draw(st.integers(0, 1))]
    factors = [data.draw(st.sampled_from(of_kind)) for _ in range(2)]
    size = int(factors[0] * sides[0]), int(factors[1] * sides[1])
    attributes = {"scale_factor_height": factors[0], "scale_factor_width": factors[1], **corners}
    agree("upsample_bilinear", {"x": x}, attributes, to=lambda x: resized(x, size, mode), infers=False)


def test_corners_that_contradict_each_other_are_refused() -> None:
    attributes = {"align_corners": True, "half_pixel_centers": True}
    with pytest.raises(UnsupportedError, match="both align_corners and half_pixel_centers"):
        interpreted("upsample_bilinear", {"x": normal(1, 2, 3)}, attributes)


@FEW
@given(factors=st.tuples(st.integers(1, 3), st.integers(1, 3)), seed=SEEDS)
def test_nearest(factors: tuple[int, int], seed: int) -> None:
    attributes = {"scale_factor_height": factors[0], "scale_factor_width": factors[1]}
    to = lambda x: x.repeat(factors[0], -2).repeat(factors[1], -1)  # noqa: E731
    agree("upsample_nearest_neighbor", {"x": normal(2, 3, 4, seed=seed)}, attributes, to=to, infers=False)


def test_nearest_by_a_fraction_is_refused() -> None:
    attributes = {"scale_factor_height": 1.5, "scale_factor_width": 2.0}
    with pytest.raises(UnsupportedError, match=r"upsample_nearest_neighbor by 1.5 x 2.0; not whole$"):
        interpreted("upsample_nearest_neighbor", {"x": normal(1, 2, 4)}, attributes)


def test_resize_to_the_nearest_is_refused() -> None:
    attributes = {"shape": [4, 4], "resized_dims": np.uint32(2), "interpolation_mode": "NEAREST_NEIGHBOR"}
    with pytest.raises(UnsupportedError, match="resize NEAREST_NEIGHBOR of 2 axes"):
        interpreted("resize", {"x": normal(1, 2, 4)}, attributes)
