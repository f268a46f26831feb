"""Simulated prompts against distances measured over the whole mask, and on masks of every awkward shape."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from rmpsam_mobile.contracts import PointLabel
from rmpsam_mobile.distill.simulate import (
    LARGEST_SIDE,
    FirstPrompts,
    Hints,
    correcting_click,
    draw_click,
    first_hints,
    rough_box,
)

Mask = NDArray[np.bool_]
ALWAYS_BOX = FirstPrompts(click=0.0, box=1.0)
any_mask = arrays.arrays(np.bool_, st.tuples(st.integers(2, 24), st.integers(2, 24)), elements=st.booleans())
some_mask = any_mask.filter(lambda mask: bool(mask.any()))
seeds = st.integers(0, 10_000)


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def ellipse(height: int, width: int, centre: tuple[float, float], radii: tuple[float, float]) -> Mask:
    rows, columns = np.mgrid[:height, :width]
    inside: Mask = ((rows - centre[0]) / radii[0]) ** 2 + ((columns - centre[1]) / radii[1]) ** 2 < 1
    return inside


def one_pixel(row: int = 5, column: int = 7) -> Mask:
    mask = np.zeros((12, 20), np.bool_)
    mask[row, column] = True
    return mask


def specks() -> Mask:
    """Four pixels of an extent of 300, none of them on every fourth row and column."""
    mask = np.zeros((300, 300), np.bool_)
    mask[(0, 1, 298, 299), (1, 0, 299, 297)] = True
    return mask


AWKWARD = {
    "one pixel": one_pixel(),
    "corner pixel": one_pixel(11, 19),
    "diagonal": np.eye(40, dtype=np.bool_),
    "long diagonal": np.eye(4 * LARGEST_SIDE + 3, dtype=np.bool_)[:, ::-1],
    "large": ellipse(400, 300, (190.0, 140.0), (180.0, 120.0)),
    "specks between the cells": specks(),
    "everything": np.ones((30, 50), np.bool_),
}


def pixel(point: tuple[float, float]) -> tuple[int, int]:
    """Row and column of the pixel at whose centre a click lies."""
    x, y = point
    assert (x % 1, y % 1) == (0.5, 0.5)
    return int(y), int(x)


@given(some_mask, seeds)
@settings(max_examples=80, deadline=None)
def test_rough_boxes_stay_inside_of_the_picture(mask: Mask, seed: int) -> None:
    noisy = FirstPrompts(exact_box=0.0, box_noise=1.0)
    x1, y1, x2, y2 = rough_box(mask, noisy, generator(seed))
    assert 0 <= x1 <= x2 - 2 + 1e-9
    assert 0 <= y1 <= y2 - 2 + 1e-9
    assert x2 <= mask.shape[1]
    assert y2 <= mask.shape[0]


def test_a_side_moves_a_quarter_at_most_and_about_as_far_as_asked() -> None:
    mask = ellipse(300, 300, (150.0, 150.0), (50.0, 50.0))
    tight = np.array(rough_box(mask, FirstPrompts(exact_box=1.0), generator()))
    rng = generator()
    boxes = np.array([rough_box(mask, FirstPrompts(exact_box=0.0, box_noise=0.08), rng) for _ in range(400)])
    moves = (boxes - tight) / (tight[2:] - tight[:2])[[0, 1, 0, 1]]
    assert np.abs(moves).max() <= 0.25
    assert moves.std(0) == pytest.approx(0.08, rel=0.15)
    assert moves.mean(0) == pytest.approx(0, abs=0.015)


def test_exact_boxes_are_tight() -> None:
    mask = np.zeros((30, 40), np.bool_)
    mask[4:9, 12], mask[6, 10:25] = True, True
    assert rough_box(mask, FirstPrompts(exact_box=1.0), generator()) == (10.0, 4.0, 25.0, 9.0)
    assert rough_box(one_pixel(), FirstPrompts(exact_box=1.0), generator()) == (7.0, 5.0, 8.0, 6.0)


@given(some_mask, seeds)
@settings(max_examples=80, deadline=None)
def test_the_deepest_click_is_farthest_from_the_boundary(mask: Mask, seed: int) -> None:
    depths = distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    assert depths[pixel(draw_click(mask, 1.0, generator(seed)))] == depths.max()


@given(some_mask, st.floats(0, 1), seeds)
@settings(max_examples=80, deadline=None)
def test_clicks_lie_inside_of_the_mask(mask: Mask, deepest: float, seed: int) -> None:
    assert mask[pixel(draw_click(mask, deepest, generator(seed)))]


@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_masks_get_clicks_and_boxes(name: str) -> None:
    mask = AWKWARD[name]
    rng = generator(3)
    for _ in range(20):
        assert mask[pixel(draw_click(mask, 0.5, rng))]
        hints = first_hints(mask, FirstPrompts(), rng)
        assert hints.points or hints.box


def test_a_large_mask_is_clicked_nearly_as_deep_as_can_be() -> None:
    mask = AWKWARD["large"]
    depths = distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    step = -(-360 // LARGEST_SIDE)
    deep = depths[pixel(draw_click(mask, 1.0, generator()))]
    assert deep > depths.max() - 2 * step  # cells of four pixels: the centre may be missed by that
    assert deep < depths.max() + 1e-9


def test_other_clicks_are_drawn_by_squared_depth() -> None:
    """A row of nine pixels three high: depths 1 1 1.. outside, 2 in the middle row but at its ends."""
    mask = np.zeros((5, 11), np.bool_)
    mask[1:4, 1:10] = True
    rng = generator(1)
    rows = np.array([pixel(draw_click(mask, 0.0, rng))[0] for _ in range(1500)])
    wanted = (7 * 4 + 2) / (7 * 4 + 2 + 18)
    assert (rows == 2).mean() == pytest.approx(wanted, abs=0.04)


def test_kinds_of_first_prompts_come_as_often_as_asked() -> None:
    mask, rng = ellipse(40, 40, (20.0, 20.0), (9.0, 9.0)), generator(5)
    drawn = [first_hints(mask, FirstPrompts(click=0.5, box=0.3), rng) for _ in range(600)]
    kinds = [(bool(hints.points), hints.box is not None) for hints in drawn]
    shares = [kinds.count(kind) / len(kinds) for kind in ((True, False), (False, True), (True, True))]
    assert shares == pytest.approx([0.5, 0.3, 0.2], abs=0.06)
    assert all(hints.labels == (PointLabel.FOREGROUND,) * len(hints.points) for hints in drawn)


@given(some_mask, some_mask, seeds)
@settings(max_examples=120, deadline=None)
def test_corrections_lie_in_the_error_that_they_name(truth: Mask, answer: Mask, seed: int) -> None:
    height, width = (min(a, b) for a, b in zip(truth.shape, answer.shape, strict=True))
    truth, answer = truth[:height, :width], answer[:height, :width]
    click = correcting_click(truth, answer, generator(seed))
    if (truth == answer).all():
        assert click is None
        return
    assert click is not None
    place, label = click
    row, column = pixel(place)
    assert label == (PointLabel.FOREGROUND if truth[row, column] else PointLabel.BACKGROUND)
    assert truth[row, column] != answer[row, column]


@pytest.mark.parametrize(("missed", "added", "label"), [(9, 4, 1), (4, 9, 0)])
def test_the_deeper_error_is_corrected(missed: int, added: int, label: int) -> None:
    truth, answer = np.zeros((2, 40, 60), np.bool_)
    truth[5 : 5 + missed, 5 : 5 + missed] = True
    answer[5 : 5 + added, 30 : 30 + added] = True
    click = correcting_click(truth, answer, generator())
    assert click is not None
    assert click[1] == label


def test_depth_counts_in_pixels_however_large_the_error_is() -> None:
    """A band of 400 x 60 is measured in cells of five pixels, six deep; a square of 20 is ten pixels deep."""
    truth, answer = np.zeros((2, 420, 420), np.bool_)
    truth[10:70, 10:410] = True
    answer[100:120, 100:120] = True
    click = correcting_click(truth, answer, generator())
    assert click is not None
    assert click[1] == PointLabel.FOREGROUND


@pytest.mark.parametrize("name", AWKWARD)
def test_the_same_generator_gives_the_same_hints(name: str) -> None:
    mask = AWKWARD[name]
    one, two, three = ([first_hints(mask, FirstPrompts(), g) for _ in range(8)] for g in map(generator, (4, 4, 9)))
    assert one == two
    assert mask.sum() == 1 or one != three


def test_hints_grow_by_clicks_and_keep_their_box() -> None:
    hints = Hints(box=(1.0, 2.0, 3.0, 4.0)).with_click((5.5, 6.5), 1).with_click((7.5, 8.5), 0)
    assert hints == Hints(((5.5, 6.5), (7.5, 8.5)), (1, 0), (1.0, 2.0, 3.0, 4.0))
