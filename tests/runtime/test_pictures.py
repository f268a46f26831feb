"""Real photographs in every form that phones and cameras save them in: the same answer as the plain one."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from rmpsam_mobile.errors import InputError
from rmpsam_mobile.runtime import Segmenter
from tests.bundles import NEEDS_BUNDLE, photo, photo_path

pytestmark = NEEDS_BUNDLE
CLICK = [[205.0, 215.0]]


def logits(segmenter: Segmenter, image: str | Path | Image.Image | NDArray[np.uint8]) -> NDArray[np.floating]:
    segmenter.set_image(image)
    found: NDArray[np.floating] = segmenter.predict(CLICK, return_logits=True)[0][0]
    return found


def grey(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(picture).convert("L"))


@pytest.mark.parametrize("name", ["china.jpg", "flower.jpg"])
def test_photographs(segmenter: Segmenter, name: str) -> None:
    found = logits(segmenter, photo_path(name))
    assert found.shape == (427, 640)
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found, logits(segmenter, str(photo_path(name))))
    np.testing.assert_array_equal(found, logits(segmenter, photo(name)))
    np.testing.assert_array_equal(found, logits(segmenter, Image.open(photo_path(name))))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_what_a_person_sees(segmenter: Segmenter, tmp_path: Path, orientation: int) -> None:
    upright = Image.fromarray(photo())
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(undo[orientation]) if orientation in undo else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(logits(segmenter, tmp_path / "a.png"), logits(segmenter, photo()))


def test_grey_is_the_picture_without_colour(segmenter: Segmenter, tmp_path: Path) -> None:
    flat = grey(photo())
    Image.fromarray(flat).save(tmp_path / "grey.png")
    wanted = logits(segmenter, np.repeat(flat[:, :, None], 3, 2))
    np.testing.assert_array_equal(logits(segmenter, tmp_path / "grey.png"), wanted)
    np.testing.assert_array_equal(logits(segmenter, flat), wanted)


def test_sixteen_bits_are_scaled_and_not_clipped(segmenter: Segmenter, tmp_path: Path) -> None:
    flat = grey(photo())
    Image.fromarray(flat.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    wanted = logits(segmenter, np.repeat(flat[:, :, None], 3, 2))
    np.testing.assert_array_equal(logits(segmenter, tmp_path / "deep.png"), wanted)


def test_opaque_alpha_changes_nothing_and_clear_pixels_are_white(segmenter: Segmenter, tmp_path: Path) -> None:
    picture = photo()
    alpha = np.full(picture.shape[:2], 255, np.uint8)
    Image.fromarray(np.dstack((picture, alpha))).save(tmp_path / "opaque.png")
    np.testing.assert_array_equal(logits(segmenter, tmp_path / "opaque.png"), logits(segmenter, picture))
    alpha[:, 320:] = 0
    Image.fromarray(np.dstack((picture, alpha))).save(tmp_path / "half.png")
    picture[:, 320:] = 255
    np.testing.assert_array_equal(logits(segmenter, tmp_path / "half.png"), logits(segmenter, picture))


def test_a_palette_is_looked_up(segmenter: Segmenter, tmp_path: Path) -> None:
    indexed = Image.fromarray(photo()).quantize(64)
    indexed.save(tmp_path / "indexed.png")
    wanted = logits(segmenter, np.asarray(indexed.convert("RGB")))
    np.testing.assert_array_equal(logits(segmenter, tmp_path / "indexed.png"), wanted)


@pytest.mark.parametrize("shape", [(8, 8), (8, 256), (256, 8), (64, 96), (33, 97), (2000, 1500)])
def test_any_shape_gives_a_mask_of_its_own_size(segmenter: Segmenter, shape: tuple[int, int]) -> None:
    picture = np.asarray(Image.fromarray(photo()).resize(shape[::-1]))
    segmenter.set_image(picture)
    masks, scores = segmenter.predict([[shape[1] / 2, shape[0] / 2]])
    assert masks.shape == (1, *shape)
    assert np.isfinite(scores).all()
    assert segmenter.panoptic().map.shape == shape


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((1, 1), "picture is 1 x 1 px; the shortest side needs 8; take a larger picture"),
        ((8, 20_000), "picture is 20000 x 8 px; the longest side may have 16384; shrink or crop it first"),
    ],
)
def test_pictures_that_are_too_small_or_too_wide(segmenter: Segmenter, shape: tuple[int, int], message: str) -> None:
    with pytest.raises(InputError) as caught:
        segmenter.set_image(Image.new("RGB", shape[::-1]))
    assert str(caught.value) == message
