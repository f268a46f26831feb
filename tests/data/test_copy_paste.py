"""Pasting: what lies on top is whole, what lies beneath has a hole of its shape."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rmpsam_mobile.data import Sample, Task
from rmpsam_mobile.data.copy_paste import MAX_PASTED, is_pasteable, paste
from tests.data.painted import box_mask, label

Box = tuple[int, int, int, int]


def sample(boxes: list[Box], colour: int, **options: Any) -> Sample:
    masks = np.array([box_mask(64, 64, box) for box in boxes]).reshape(-1, 1, 64, 64)
    pixels = np.zeros((1, 64, 64, 3), np.uint8)
    rows, columns = options.pop("image_size", (48, 64))
    pixels[:, :rows, :columns] = colour
    chosen: dict[str, Any] = {
        "key": "k",
        "source": "s",
        "task": Task.IMAGE,
        "image_size": (rows, columns),
        "labels": np.arange(len(boxes), dtype=np.int64) + colour,
        "is_labelled": True,
        "is_exhaustive": True,
    }
    return Sample(pixels=pixels, masks=masks.astype(np.bool_), **chosen | options)


def pasted(target: Sample, donor: Sample, seed: int = 0, max_objects: int = 9) -> Sample:
    return paste(target, donor, min_pixels=4, max_objects=max_objects, rng=np.random.default_rng(seed))


def test_the_pasted_object_hides_what_is_beneath() -> None:
    target = sample([(0, 0, 30, 30), (12, 12, 18, 18), (40, 0, 60, 10)], 10)
    result = pasted(target, sample([(10, 10, 20, 20)], 90))
    on_top = box_mask(64, 64, (10, 10, 20, 20))
    assert result.labels.tolist() == [10, 12, 90]  # the second object is wholly hidden
    assert np.array_equal(result.masks[0, 0], box_mask(64, 64, (0, 0, 30, 30)) & ~on_top)
    assert np.array_equal(result.masks[1, 0], box_mask(64, 64, (40, 0, 60, 10)))
    assert np.array_equal(result.masks[2, 0], on_top)
    assert (result.pixels[0][on_top] == 90).all()
    assert np.array_equal(result.pixels[0][~on_top], target.pixels[0][~on_top])
    assert (result.key, result.image_size, result.is_exhaustive) == ("k", (48, 64), True)


def test_a_rest_below_the_limit_is_dropped() -> None:
    target = sample([(10, 10, 20, 11), (10, 30, 20, 31)], 10)
    result = pasted(target, sample([(7, 7, 17, 12)], 90))
    assert result.labels.tolist() == [11, 90]  # three pixels of the first are left


def test_nothing_is_pasted_beside_the_picture() -> None:
    target = sample([], 10, image_size=(30, 64))
    assert pasted(target, sample([(5, 40, 15, 47)], 90, image_size=(64, 64))) is target
    result = pasted(target, sample([(5, 20, 15, 40)], 90, image_size=(64, 64)))
    assert np.array_equal(result.masks[0, 0], box_mask(64, 64, (5, 20, 15, 30)))
    assert not result.pixels[0, 30:].any()


def test_what_would_hide_most_of_the_picture_is_not_pasted() -> None:
    target = sample([(0, 0, 10, 10)], 10)
    assert pasted(target, sample([(0, 0, 60, 40)], 90)) is target
    assert pasted(target, sample([], 90)) is target


def test_the_limit_on_objects_holds_and_is_told() -> None:
    boxes: list[Box] = [(x, y, x + 5, y + 5) for x in range(0, 60, 10) for y in (0, 10)]
    donor = sample([(x, 30, x + 6, 36) for x in range(0, 60, 10)], 90)
    for seed in range(20):
        result = pasted(sample(boxes, 10), donor, seed, max_objects=12)
        number = int((result.labels >= 90).sum())
        assert 1 <= number <= MAX_PASTED
        assert len(result.labels) == len(result.masks) == 12
        assert not result.is_exhaustive


@pytest.mark.parametrize("seed", range(10))
def test_masks_and_labels_stay_in_step(seed: int) -> None:
    """Object i of the target is 5 + i px wide; donors likewise, 20 px lower."""
    boxes: list[Box] = [(10 * i, 0, 10 * i + 3 + i, 5) for i in range(6)]
    donors: list[Box] = [(10 * i, 20, 10 * i + 3 + i, 25) for i in range(6)]
    result = pasted(sample(boxes, 10), sample(donors, 90), seed, max_objects=7)
    for mask, number in zip(result.masks, result.labels, strict=True):
        assert mask.sum() == 5 * (3 + number % 10 if number < 90 else 3 + number - 90)
        assert mask[0, 20:].any() == (number >= 90)


def test_regions_and_stuff_are_left_where_they_are() -> None:
    mask: NDArray[np.bool_] = box_mask(8, 8, (0, 0, 4, 4))
    assert is_pasteable(label(mask, "cat"))
    assert not is_pasteable(label(mask, None))
    assert not is_pasteable(label(mask, "sky", is_thing=False))
