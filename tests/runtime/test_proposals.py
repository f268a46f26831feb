"""Where everything is asked for, which answers are one, and their order."""

import numpy as np
import pytest

from rmpsam_mobile.contracts import Size
from rmpsam_mobile.fit import fit_picture
from rmpsam_mobile.runtime.object_regions import find_regions
from rmpsam_mobile.runtime.prompts import Prompt
from rmpsam_mobile.runtime.proposals import (
    LEVELS,
    NUM_PROMPTS,
    answer_candidates,
    click_grid,
    covered,
    distinct,
    object_prompts,
    proposals,
    region_candidates,
    stability,
)

FIT = fit_picture(128, 128, Size(128, 128))


def squares(*corners: tuple[int, int, int, int]) -> np.ndarray:
    """Query masks on the grid of 32 x 32, each x1, y1, x2, y2 in cells."""
    logits = np.full((len(corners), 32, 32), -4, np.float32)
    for mask, (x1, y1, x2, y2) in zip(logits, corners, strict=True):
        mask[y1:y2, x1:x2] = 4
    return logits


def test_a_grid_of_clicks() -> None:
    prompts = click_grid(2, 40, 60)
    assert [prompt.points for prompt in prompts] == [((15, 10),), ((45, 10),), ((15, 30),), ((45, 30),)]
    assert {prompt.labels for prompt in prompts} == {(1,)}


def test_clicks_first_then_boxes_of_the_likeliest_regions() -> None:
    masks = squares((0, 0, 8, 8), (16, 16, 24, 24), (0, 0, 8, 8))
    regions = find_regions(np.array([[0, 0.0], [3, 0], [1, 0]]), masks)
    prompts = object_prompts(regions, masks, FIT)
    boxes = [prompt.box for prompt in prompts if prompt.box]
    assert boxes == [(64, 64, 96, 96), (0, 0, 32, 32)]
    clicks = [prompt for prompt in prompts if prompt.points]
    assert prompts == [*clicks, *(Prompt(box=box) for box in boxes)]
    assert {prompt.labels for prompt in clicks} == {(1,)}


def test_as_many_prompts_as_three_calls_take() -> None:
    corners = [(x, y, x + 4, y + 4) for y in range(0, 32, 4) for x in range(0, 32, 4)]
    masks = squares(*corners)
    regions = find_regions(np.tile([4.0, 0.0], (len(corners), 1)), masks)
    prompts = object_prompts(regions, masks, FIT)
    assert len(prompts) == NUM_PROMPTS
    assert sum(prompt.box is not None for prompt in prompts) >= NUM_PROMPTS - 40


def test_prompts_stay_in_a_picture_that_fills_a_part_of_the_canvas() -> None:
    fit = fit_picture(90, 301, Size(128, 128))
    masks = covered(np.random.default_rng(0).normal(size=(4, 32, 32)).astype(np.float32), fit)
    assert masks.shape == (4, 10, 32)  # 38 of 128 px, in cells of 4
    prompts = object_prompts(find_regions(np.tile([4.0, 0.0], (4, 1)), masks), masks, fit)
    for prompt in prompts:
        xs, ys = zip(*(prompt.points or (prompt.box[:2], prompt.box[2:])), strict=True)  # type: ignore[index]
        assert 0 <= min(xs) <= max(xs) <= 301
        assert 0 <= min(ys) <= max(ys) <= 90


def test_regions_come_behind_answers_and_bring_no_other_part_of_their_mask() -> None:
    masks = np.maximum(squares((0, 0, 8, 8)), squares((16, 16, 30, 30)))
    regions = find_regions(np.array([[4.0, 0.0]]), masks)
    found = region_candidates(regions, masks)
    assert [int(mask.sum()) for mask in found.masks] == [196, 64]
    assert (found.scores <= 0).all()
    answers = answer_candidates(squares((0, 0, 8, 8)), np.array([0.4]), LEVELS[:1])
    kept = proposals(answers + found, FIT, 0.8, 9)
    assert [(one.box, one.score) for one in kept] == [((0, 0, 32, 32), pytest.approx(0.4)), ((64, 64, 120, 120), 0.0)]


def test_stability_by_hand() -> None:
    logits = np.array([[[2, 0.5], [-0.5, -2]], [[2, 2], [-2, -2]], [[-2, -2], [-2, -2]]])
    assert stability(logits).tolist() == pytest.approx([1 / 3, 1, 0])


def test_of_near_duplicates_the_surest_stays() -> None:
    masks = np.zeros((5, 10, 10), bool)
    masks[0, :4], masks[1, :5], masks[2, 6:], masks[4, :2] = True, True, True, True  # the fourth is empty
    scores = np.array([0.5, 0.9, 0.1, 1, 0.7])
    assert distinct(masks, scores, 0.7, 9) == [1, 4, 2]  # 40 of 50 shared
    assert distinct(masks, scores, 0.8, 9) == [1, 4, 0, 2]  # not more than that
    assert distinct(masks, scores, 0.8, 2) == [1, 4]
    assert distinct(masks, scores, 0.39, 9) == [1, 2]


def test_levels_of_one_answer() -> None:
    logits = np.array([[[3.5, 1.5, 0.5, -1.5]]])
    found = answer_candidates(logits, np.array([0.8]), (0, -1, 1, 3))
    assert found.masks.sum((1, 2)).tolist() == [3, 3, 2, 1]
    stable = np.sqrt([2 / 3, 3 / 4, 1 / 3, 0])
    assert found.scores.tolist() == pytest.approx((0.8 * stable - [0, 0.25, 0.25, 0.75]).tolist())
    assert (LEVELS[0], min(LEVELS), max(LEVELS), len(LEVELS)) == (0, -3, 3, 13)


def test_a_proposal_is_the_mask_of_its_level() -> None:
    logits = squares((4, 8, 12, 16))
    candidates = answer_candidates(logits, np.array([0.8]), (0.0,))
    (found,) = proposals(candidates, FIT, 0.7, 9)
    assert (found.box, found.area, found.level) == ((16, 32, 48, 64), found.mask.sum(), 0)
    assert found.area == pytest.approx(32 * 32, abs=4)  # corners are round
    assert proposals(answer_candidates(logits - 9, np.array([1.0]), (0.0,)), FIT, 0.7, 9) == []
