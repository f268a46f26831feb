"""Geometry against pictures that say where each pixel comes from; colours against the formulas written out."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rmpsam_mobile.contracts import Size
from rmpsam_mobile.data import Augmentation, augment
from rmpsam_mobile.data.augment import draw_view, mask_boxes
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.fit import fit_picture
from rmpsam_mobile.preprocess import resize_bilinear
from tests.data.painted import BLUE, atlas, box_mask

GEOMETRY = Augmentation(size=96, brightness=0, contrast=0, saturation=0, greyscale=0, min_pixels=1)
sides = st.integers(24, 250)


def disc(height: int, width: int, x: float, y: float, radius: float) -> NDArray[np.float64]:
    """Distance from the rim in pixels, positive inside, at the centre of each pixel."""
    rows, columns = np.mgrid[:height, :width]
    return np.asarray(radius - np.hypot(columns - x, rows - y))


@settings(max_examples=60, deadline=None)
@given(height=sides, width=sides, size=st.integers(48, 128), seed=st.integers(0, 2**32), radius=st.integers(3, 40))
def test_mask_and_picture_stay_aligned(height: int, width: int, size: int, seed: int, radius: int) -> None:
    """The atlas says which source pixel each pixel shows; there the disc's formula says what the mask must be."""
    rng = np.random.default_rng(seed)
    x, y = rng.random(2) * (width, height)
    rim = disc(height, width, x, y, radius)
    seen, masks, (rows, columns), kept = augment(
        atlas(height, width)[None], (rim > 0)[None, None], replace(GEOMETRY, size=size), rng
    )
    inside = seen[0, :rows, :columns]
    assert (inside[..., 2] == BLUE).all()
    assert not seen[0, rows:].any()
    assert not seen[0, :, columns:].any()
    shown = disc(height, width, x, y, radius)[inside[..., 1], inside[..., 0]]
    # A pixel shows a mixture of its neighbours: the red and green are right to one source pixel an axis.
    surely_in, surely_out = shown > 1.5, shown < -1.5
    if not len(kept):
        assert not surely_in.any()
        return
    found = masks[0, 0, :rows, :columns]
    assert found[surely_in].all()
    assert not found[surely_out].any()
    assert not masks[0, 0, rows:].any()
    assert not masks[0, 0, :, columns:].any()


@settings(max_examples=60, deadline=None)
@given(height=sides, width=sides, size=st.integers(48, 128), seed=st.integers(0, 2**32))
def test_scale_is_the_same_in_both_directions_and_within_its_limits(
    height: int, width: int, size: int, seed: int
) -> None:
    """Source pixels a pixel, read off the atlas along a row and a column."""
    seen, _, (rows, columns), _ = augment(
        atlas(height, width)[None],
        np.zeros((0, 1, height, width), np.bool_),
        replace(GEOMETRY, size=size),
        np.random.default_rng(seed),
    )
    assert max(rows, columns) >= int(0.6 * size)
    picture = seen[0, :rows, :columns].astype(float)
    low, high = max(height, width) / (2.0 * size), max(height, width) / (0.6 * size)
    for values, length in ((picture[rows // 2, :, 0], columns), (picture[:, columns // 2, 1], rows)):
        if length < 24:
            continue
        steps = np.abs(np.diff(values[[3, -4]]))[0] / (length - 7)
        slack = 1.5 / (length - 7) + 0.05  # rounding of both ends, and of the fitted side to whole pixels
        assert low - slack <= steps <= high + slack


@given(height=st.integers(16, 250), width=st.integers(16, 250), size=st.sampled_from((32, 64, 128)))
@settings(max_examples=60, deadline=None)
def test_none_is_the_fit_of_inference(height: int, width: int, size: int) -> None:
    if max(height, width) > 12 * min(height, width):
        return
    rng = np.random.default_rng(height * 300 + width)
    picture = rng.integers(0, 256, (height, width, 3), np.uint8)
    masks = np.ones((1, 1, height, width), np.bool_)
    seen, found, image_size, _ = augment(picture[None], masks, Augmentation.none(size, min_pixels=1), rng)
    fitted = fit_picture(height, width, Size(size, size)).fitted
    assert image_size == fitted
    wanted = resize_bilinear(picture, *fitted).astype(int)
    # One or two levels: OpenCV's bilinear, which inference copies, rounds its weights to 11 bits.
    assert np.abs(seen[0, : fitted.height, : fitted.width] - wanted).max() <= 2
    assert np.array_equal(found[0, 0], np.pad(np.ones(fitted, np.bool_), [(0, size - side) for side in fitted]))


def test_at_its_own_size_nothing_changes() -> None:
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (1, 40, 64, 3), np.uint8)
    masks = rng.random((5, 1, 40, 64)) < 0.3
    seen, found, image_size, kept = augment(picture, masks, Augmentation.none(64), rng)
    assert image_size == (40, 64)
    assert np.array_equal(seen[:, :40], picture)
    assert np.array_equal(found[:, :, :40], masks)
    assert kept.tolist() == [0, 1, 2, 3, 4]


def test_a_flip_mirrors_picture_and_masks() -> None:
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (1, 40, 60, 3), np.uint8)
    masks = rng.random((2, 1, 40, 60)) < 0.3
    plain = Augmentation.none(64)
    seen, found, (rows, columns), _ = augment(picture, masks, plain, rng)
    mirrored, found_too, size, _ = augment(picture, masks, replace(plain, flip=1.0), rng)
    assert size == (rows, columns)
    assert np.abs(mirrored[0, :rows, :columns].astype(int) - seen[0, :rows, :columns][:, ::-1]).max() <= 1
    assert np.array_equal(found_too[:, 0, :rows, :columns], found[:, 0, :rows, :columns][..., ::-1])


def test_all_frames_are_seen_alike() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (1, 60, 80, 3), np.uint8)
    masks = np.zeros((1, 3, 60, 80), np.bool_)
    masks[0, [0, 2], 10:50, 10:70] = True
    seen, found, _, _ = augment(picture.repeat(3, 0), masks, Augmentation(size=64), np.random.default_rng(4))
    assert np.array_equal(seen[0], seen[1])
    assert np.array_equal(seen[0], seen[2])
    assert np.array_equal(found[0, 0], found[0, 2])
    assert not found[0, 1].any()


@pytest.mark.parametrize("seed", range(20))
def test_a_crop_can_follow_an_object(seed: int) -> None:
    mask = box_mask(120, 200, (150, 90, 170, 104))
    settings = replace(GEOMETRY, scale=(1.6, 2.0), follow_object=1.0)
    _, found, _, _ = augment(atlas(120, 200)[None], mask[None, None], settings, np.random.default_rng(seed))
    # 20 x 14 px at 0.77 to 0.96 of their size: all of it is there, up to rounding at its edges
    assert found.sum() >= 0.9 * 20 * 14 * (1.6 * 96 / 200) ** 2


def test_a_large_object_fills_the_crop_that_follows_it() -> None:
    mask = box_mask(200, 200, (20, 20, 180, 180))
    settings = replace(GEOMETRY, scale=(2.0, 2.0), follow_object=1.0)
    for seed in range(10):
        _, found, _, _ = augment(atlas(200, 200)[None], mask[None, None], settings, np.random.default_rng(seed))
        assert found.all()


def test_what_is_kept_stays_in_step() -> None:
    """Objects of known sizes; the pixel, the absent and the object outside are dropped."""
    boxes = [(0, 0, 20, 20), (30, 30, 31, 31), (0, 0, 0, 0), (20, 5, 60, 45), (40, 40, 47, 47)]
    masks = np.stack([box_mask(64, 64, box) for box in boxes])[:, None]
    _, found, _, kept = augment(atlas(64, 64)[None], masks, Augmentation.none(64), np.random.default_rng(0))
    assert kept.tolist() == [0, 3, 4]
    assert found.sum((1, 2, 3)).tolist() == [400, 1600, 49]


def test_one_pixel_survives_where_it_is_allowed() -> None:
    mask = box_mask(64, 64, (30, 31, 31, 32))[None, None]
    _, found, _, kept = augment(
        atlas(64, 64)[None], mask, Augmentation.none(64, min_pixels=1), np.random.default_rng(0)
    )
    assert kept.tolist() == [0]
    assert np.argwhere(found[0, 0]).tolist() == [[31, 30]]


def test_no_object_at_all() -> None:
    seen, masks, _, kept = augment(
        atlas(40, 64)[None].repeat(2, 0), np.zeros((0, 2, 40, 64), np.bool_), GEOMETRY, np.random.default_rng(0)
    )
    assert (seen.shape, masks.shape, kept.shape) == ((2, 96, 96, 3), (0, 2, 96, 96), (0,))
    assert (str(seen.dtype), str(masks.dtype), str(kept.dtype)) == ("uint8", "bool", "int64")


def test_colours_follow_their_formulas() -> None:
    picture = np.random.default_rng(0).integers(60, 140, (1, 64, 64, 3), np.uint8)
    plain = Augmentation.none(64)
    for changed in ("brightness", "contrast", "saturation"):
        rng, twin = np.random.default_rng(7), np.random.default_rng(7)
        strength: dict[str, Any] = {changed: 0.3}
        seen, _, _, _ = augment(picture, np.zeros((0, 1, 64, 64), np.bool_), replace(plain, **strength), rng)
        draw_view((64, 64), np.zeros((0, 4)), plain, twin)
        draws = dict(zip(("brightness", "contrast", "saturation"), (1 + 0.3 * twin.uniform(-1, 1, 3)), strict=True))
        before = picture[0].astype(float)
        grey = before @ (0.299, 0.587, 0.114)
        centre = {"brightness": 0.0, "contrast": grey[::4, ::4].mean(), "saturation": grey[..., None]}[changed]
        wanted = centre + draws[changed] * (before - centre)
        assert np.abs(seen[0] - wanted).max() <= 1
        assert np.abs(seen[0] - before).max() > 3


def test_frames_keep_their_differences_in_brightness() -> None:
    """One map for all frames: the contrast is around the mean grey of the first."""
    pixels = np.full((2, 40, 64, 3), 100, np.uint8)
    pixels[0, :, ::2], pixels[1, :, ::2] = 110, 140
    settings = replace(Augmentation.none(64), contrast=0.5)
    seen, _, _, _ = augment(pixels, np.zeros((0, 2, 40, 64), np.bool_), settings, np.random.default_rng(7))
    assert np.array_equal(seen[0, :40, 1::2], seen[1, :40, 1::2])
    assert not np.array_equal(seen[0, :40, ::2], seen[1, :40, ::2])


def test_grey_has_no_colour_and_the_border_stays_empty() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (1, 40, 64, 3), np.uint8)
    settings = replace(Augmentation.none(64), greyscale=1.0, contrast=0.9, brightness=0.9)
    seen, _, _, _ = augment(picture, np.zeros((0, 1, 40, 64), np.bool_), settings, np.random.default_rng(1))
    assert np.ptp(seen.astype(int), axis=-1).max() <= 1
    assert not seen[:, 40:].any()


def test_boxes_of_masks() -> None:
    masks = np.zeros((2, 2, 20, 30), np.bool_)
    masks[0, 0, 3, 4] = masks[0, 1, 10, 20] = True
    assert mask_boxes(masks).tolist() == [[4, 3, 21, 11]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 4}, r"^size is 4; a picture needs 8 px; give a larger one$"),
        ({"size": 64, "scale": (2.0, 1.0)}, r"^scale is \(2.0, 1.0\); wanted two numbers .*, the smaller first$"),
        ({"size": 64, "flip": 1.5}, r"^flip is 1.5; give a number from 0 to 1$"),
        ({"size": 64, "copy_paste": -0.1}, r"^copy_paste is -0.1; give a number from 0 to 1$"),
    ],
)
def test_settings_out_of_range(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Augmentation(**options)
