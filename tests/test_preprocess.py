"""Pixels in: the official numbers, OpenCV's rounding, and coordinates that survive the way there and back."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rmpsam_mobile.contracts import Size
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.fit import Extent, Fit, fit_limits, fit_picture
from rmpsam_mobile.preprocess import MEAN, STD, pixel_values, resize_bilinear
from tests.conftest import golden, oracle

# The mean is subtracted and the result divided in float32 here and there: two roundings of values up to 2.7.
ROUNDING = 3e-7
Numbers = dict[str, NDArray[Any]]
SIDES = st.integers(1, 3000)


def _rgb(picture_bgr: NDArray[Any]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(picture_bgr[..., ::-1]).astype(np.uint8)


def _slow_resize(picture: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """The fixed-point rule written down pixel by pixel."""

    def taps(target: int, source: int, index: int) -> tuple[int, float]:
        position = np.float32((index + 0.5) * (1 / (target / source)) - 0.5)
        first = math.floor(position)
        return first, float(position - np.float32(first))

    result = np.zeros((height, width, picture.shape[2]), np.uint8)
    last_row, last_column = picture.shape[0] - 1, picture.shape[1] - 1
    for y in range(height):
        row, down = taps(height, picture.shape[0], y)
        weights = [round(float(np.float32(1) - np.float32(down)) * 2048), round(down * 2048)]
        for x in range(width):
            column, right = taps(width, picture.shape[1], x)
            if column < 0 or column >= last_column:
                column, right = min(max(column, 0), last_column), 0.0
            across = [round(float(np.float32(1) - np.float32(right)) * 2048), round(right * 2048)]
            for channel in range(picture.shape[2]):
                total = 0
                for tap in (0, 1):
                    line = picture[min(max(row + tap, 0), last_row), :, channel].astype(int)
                    horizontal = line[column] * across[0] + line[min(column + 1, last_column)] * across[1]
                    total += (weights[tap] * (int(horizontal) >> 4)) >> 16
                result[y, x, channel] = (total + 2) >> 2
    return result


def test_resizing_equals_the_official_pixels_bit_by_bit() -> None:
    padded: Numbers = golden("preprocess")
    resized = resize_bilinear(padded["raw_bgr"].astype(np.uint8), *padded["img_shape"].tolist())
    np.testing.assert_array_equal(resized, padded["resized_bgr"])


def test_the_padded_picture_becomes_the_official_pixel_values() -> None:
    padded: Numbers = golden("preprocess")
    fit = fit_limits(75, 101, *padded["resize_scale"].tolist())
    assert fit == Fit(Extent(75, 101), Extent(89, 120), Size(96, 128))
    values = pixel_values(_rgb(padded["raw_bgr"]), fit)
    np.testing.assert_allclose(values[:, :, ::8, ::8], padded["pixel_values.every8"], atol=ROUNDING, rtol=0)


def test_all_official_pixel_values() -> None:
    padded: Numbers = oracle("r18.padded")
    image: Numbers = oracle("r18.image")
    prompts: Numbers = oracle("r18.prompts")
    fit = fit_limits(75, 101, *padded["resize_scale"].tolist())
    values = pixel_values(_rgb(padded["raw_bgr"]), fit)
    np.testing.assert_allclose(values, padded["pixel_values"], atol=ROUNDING, rtol=0)
    whole = Fit(Extent(96, 128), Extent(96, 128), Size(96, 128))
    np.testing.assert_allclose(
        pixel_values(_rgb(image["picture_bgr"]), whole), image["pixel_values"], atol=ROUNDING, rtol=0
    )
    part = Fit(Extent(60, 90), Extent(60, 90), Size(64, 96))
    for picture, expected in zip(prompts["pictures_bgr"], prompts["pixel_values"], strict=True):
        values = pixel_values(_rgb(picture[:60, :90]), part)
        np.testing.assert_allclose(values[0], expected, atol=ROUNDING, rtol=0)


def test_the_interactive_evaluation_feeds_the_same_numbers() -> None:
    numbers: Numbers = oracle("interactive")
    expected = numbers["pixel_values"]
    inside = np.flatnonzero(expected[0, 0].any(axis=1))[-1] + 1, np.flatnonzero(expected[0, 0].any(axis=0))[-1] + 1
    fit = Fit(Extent(*inside), Extent(*inside), Size(64, 96))
    # The picture is not stored, but 8-bit values come back from the normalised ones by rounding.
    exact = expected[0, :, : inside[0], : inside[1]].transpose(1, 2, 0) * np.array(STD) + np.array(MEAN)
    picture = np.rint(exact).astype(np.uint8)
    assert np.abs(exact - picture).max() < 1e-4
    np.testing.assert_allclose(pixel_values(picture, fit), expected, atol=ROUNDING, rtol=0)


@settings(max_examples=60, deadline=None)
@given(sides=st.tuples(*[st.integers(1, 24)] * 4), channels=st.integers(1, 3), seed=st.integers(0, 2**32 - 1))
def test_resizing_equals_the_rule_written_as_loops(sides: tuple[int, int, int, int], channels: int, seed: int) -> None:
    picture = np.random.default_rng(seed).integers(0, 256, (*sides[:2], channels), dtype=np.uint8)
    if sides[:2] == sides[2:]:
        return
    np.testing.assert_array_equal(resize_bilinear(picture, *sides[2:]), _slow_resize(picture, *sides[2:]))


@given(sides=st.tuples(*[st.integers(1, 40)] * 4), value=st.integers(0, 255))
def test_one_colour_stays_that_colour(sides: tuple[int, int, int, int], value: int) -> None:
    picture = np.full((*sides[:2], 3), value, np.uint8)
    resized = resize_bilinear(picture, *sides[2:])
    # Both vertical products drop their fraction, so OpenCV itself may lose 1.
    assert np.abs(resized.astype(int) - value).max() <= 1


def test_a_large_photo_is_resized_from_few_rows() -> None:
    photo = np.random.default_rng(0).integers(0, 256, (3000, 4000, 3), dtype=np.uint8)
    small = resize_bilinear(photo, 384, 512)
    # 4000 / 512 = 7.8125: the output pixel 0 lies at 3.40625 on both axes
    corner = photo[3:5, 3:5].astype(float)
    weights = np.array([1 - 0.40625, 0.40625])
    np.testing.assert_allclose(small[0, 0], np.einsum("yxc,y,x->c", corner, weights, weights), atol=1)


def test_a_picture_of_the_right_size_is_not_touched() -> None:
    picture = np.arange(8 * 8 * 3, dtype=np.uint8).reshape(8, 8, 3)
    assert resize_bilinear(picture, 8, 8) is picture


def test_padding_is_zero_after_normalisation_and_channels_are_rgb() -> None:
    fit = fit_picture(10, 20, Size(64, 64))
    assert fit.fitted == Extent(32, 64)
    values = pixel_values(np.full((10, 20, 3), (255, 0, 0), np.uint8), fit)
    assert values.shape == (1, 3, 64, 64)
    assert values.dtype == np.float32
    assert not values[:, :, 32:].any()
    expected = [(255 - MEAN[0]) / STD[0], -MEAN[1] / STD[1], -MEAN[2] / STD[2]]
    np.testing.assert_allclose(values[0, :, 31, 63], expected, rtol=1e-6)


@given(height=SIDES, width=SIDES, rows=st.integers(1, 20), columns=st.integers(1, 20))
def test_a_fitted_picture_fills_one_side_and_keeps_its_proportions(
    height: int, width: int, rows: int, columns: int
) -> None:
    size = Size(32 * rows, 32 * columns)
    fit = fit_picture(height, width, size)
    assert fit.size == size
    assert fit.fitted.height == size.height or fit.fitted.width == size.width
    assert 1 <= fit.fitted.height <= size.height
    assert 1 <= fit.fitted.width <= size.width
    scale = min(size.height / height, size.width / width)
    for side, fitted in zip((height, width), fit.fitted, strict=True):
        assert abs(fitted - side * scale) <= 0.5 + 1e-9 or fitted == 1


@pytest.mark.parametrize(
    ("picture", "limits", "fitted", "size"),
    [
        ((480, 640), (1333, 800), (800, 1067), (800, 1088)),
        ((640, 480), (1333, 800), (1067, 800), (1088, 800)),
        ((640, 480), (800, 1333), (1067, 800), (1088, 800)),
        ((427, 1280), (1333, 800), (445, 1333), (448, 1344)),
        ((720, 1280), (1280, 736), (720, 1280), (736, 1280)),
        ((1, 4000), (1333, 800), (1, 1333), (32, 1344)),
    ],
)
def test_the_official_limits(
    picture: tuple[int, int], limits: tuple[int, int], fitted: tuple[int, int], size: tuple[int, int]
) -> None:
    assert fit_limits(*picture, *limits) == Fit(Extent(*picture), Extent(*fitted), Size(*size))


@given(
    sides=st.tuples(SIDES, SIDES),
    boxes=st.lists(st.tuples(*[st.floats(-100, 4000, width=32)] * 4), min_size=1, max_size=5),
)
def test_coordinates_survive_the_way_there_and_back(
    sides: tuple[int, int], boxes: list[tuple[float, float, float, float]]
) -> None:
    fit = fit_picture(*sides, Size(512, 384))
    given_boxes = np.array(boxes)
    there = fit.boxes_to_input(given_boxes)
    np.testing.assert_allclose(fit.boxes_to_picture(there), given_boxes, rtol=1e-12, atol=1e-9)
    np.testing.assert_array_equal(fit.points_to_input(given_boxes.reshape(-1, 2, 2)).reshape(-1, 4), there)
    np.testing.assert_array_equal(
        fit.points_to_picture(there.reshape(-1, 2, 2)).reshape(-1, 4), fit.boxes_to_picture(there)
    )


def test_coordinates_scale_without_a_half_pixel_shift() -> None:
    fit = Fit(Extent(75, 101), Extent(89, 120), Size(96, 128))
    np.testing.assert_allclose(fit.points_to_input([[0, 0], [101, 75]]), [[0, 0], [120, 89]], rtol=1e-15)
    assert fit.points_to_input(np.zeros((2, 2), np.float32)).dtype == np.float32
    assert fit.points_to_input(np.zeros((2, 2), np.int64)).dtype == np.float64


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: fit_picture(0, 5, Size(64, 64)),
            "5 x 0 px is no size; each side needs 1 pixel; give width and height above 0",
        ),
        (
            lambda: fit_limits(5, 5, 0, 800),
            "0 x 800 px is no size; each side needs 1 pixel; give width and height above 0",
        ),
        (
            lambda: fit_picture(5, 5, Size(60, 64)),
            "size 60x64: 60 is no multiple of 32 from 32 to 2048; try 64",
        ),
        (
            lambda: fit_limits(5, 5, 3000, 3000),
            "size 3008: 3008 is no multiple of 32 from 32 to 2048; try 2048",
        ),
        (
            lambda: fit_picture(8, 8, Size(64, 64)).points_to_input([1, 2, 3]),
            "coordinates have shape (3,); the last axis needs 2 numbers: x, y",
        ),
        (
            lambda: fit_picture(8, 8, Size(64, 64)).boxes_to_picture([[1, 2]]),
            "coordinates have shape (1, 2); the last axis needs 4 numbers: x1, y1, x2, y2",
        ),
        (
            lambda: pixel_values(np.zeros((9, 8, 3), np.uint8), fit_picture(8, 8, Size(64, 64))),
            "picture is uint8 (9, 8, 3), the fit is for uint8 (8, 8, 3); "
            "read it with read_picture and make the fit from its shape",
        ),
    ],
)
def test_what_does_not_fit_is_refused(call: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        call()
    assert str(caught.value) == message
