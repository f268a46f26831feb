"""Where the object branch says that objects may be, on masks painted by hand."""

import numpy as np
import pytest

from rmpsam_mobile.runtime.object_regions import find_regions, spread_clicks

EMPTY, FULL = -4.0, 4.0


def painted(*masks: list[tuple[int, int, int, int]], side: int = 32) -> np.ndarray:
    """One query a list of squares x1, y1, x2, y2."""
    logits = np.full((len(masks), side, side), EMPTY, np.float32)
    for mask, squares in zip(logits, masks, strict=True):
        for x1, y1, x2, y2 in squares:
            mask[y1:y2, x1:x2] = FULL
    return logits


def sure(count: int, classes: int = 2) -> np.ndarray:
    """Class logits of queries that are all objects."""
    return np.tile([*[6.0] * classes, 0.0], (count, 1))


def test_parts_of_one_mask_are_regions_of_their_own() -> None:
    found = find_regions(sure(1), painted([(2, 2, 10, 10), (20, 20, 24, 24)]))
    assert [region.box for region in found] == [(2, 2, 10, 10), (20, 20, 24, 24)]  # the larger first
    assert [int(region.mask.sum()) for region in found] == [64, 16]
    assert all(region.stable == 1 for region in found)


def test_the_same_part_of_other_queries_or_levels_counts_once() -> None:
    found = find_regions(sure(3), painted([(2, 2, 10, 10)], [(2, 2, 10, 10)], [(2, 2, 10, 9)]))
    assert [region.box for region in found] == [(2, 2, 10, 10)]


def test_sure_queries_and_stable_parts_come_first() -> None:
    logits = painted([(0, 0, 8, 8)], [(16, 0, 24, 8)], [(0, 16, 8, 24)])
    logits[2][logits[2] > 0] = 0.5  # gone one logit higher
    class_logits = np.array([[0.0, 0, 4], [4, 0, 0], [4, 0, 0]])
    found = find_regions(class_logits, logits)
    assert [region.query for region in found] == [1, 2, 0]
    assert [region.level for region in found if region.query == 2] == [-1.0]
    assert found[1].stable == 1  # at level -1 all of it lies above 0


def test_tiny_parts_and_empty_masks_are_left_out() -> None:
    assert find_regions(sure(2), painted([(0, 0, 2, 2)], [])) == []


def test_clicks_lie_deep_in_what_the_queries_tell_apart() -> None:
    logits = painted([(0, 0, 16, 32)], [(16, 0, 32, 32)])
    points = spread_clicks(logits, 4)
    assert sorted(points[:, 0].tolist()) == pytest.approx([8, 8, 24, 24], abs=2)
    assert sorted(points[:, 1].tolist()) == pytest.approx([8, 8, 24, 24], abs=2)


@pytest.mark.parametrize(("height", "width"), [(32, 32), (20, 32), (32, 7), (2, 32)])
def test_never_more_clicks_than_asked_for_and_all_inside(height: int, width: int) -> None:
    logits = np.random.default_rng(0).normal(size=(5, height, width)).astype(np.float32)
    points = spread_clicks(logits, 40)
    assert 1 <= len(points) <= 40
    assert (points >= 0).all()
    assert (points <= np.array([width, height]) + 1).all()
    assert np.array_equal(points, spread_clicks(logits, 40))
