"""Where everything is asked for, which answers are one, and their order."""

import numpy as np
import pytest

from rmpsam_mobile.contracts import Size
from rmpsam_mobile.fit import fit_picture
from rmpsam_mobile.postprocess import PictureMasks
from rmpsam_mobile.runtime.proposals import (
    LEVELS,
    NUM_PROMPTS,
    click_grid,
    distinct,
    object_prompts,
    proposal,
    stability,
)

FIT = fit_picture(128, 128, Size(128, 128))


def squares(*corners: tuple[int, int, int, int]) -> PictureMasks:
    """Query masks on the grid of 32 x 32, each x1, y1, x2, y2 in cells."""
    logits = np.full((len(corners), 32, 32), -4, np.float32)
    for mask, (x1, y1, x2, y2) in zip(logits, corners, strict=True):
        mask[y1:y2, x1:x2] = 4
    return PictureMasks(logits, FIT)


def test_a_grid_of_clicks() -> None:
    prompts = click_grid(2, 40, 60)
    assert [prompt.points for prompt in prompts] == [((15, 10),), ((45, 10),), ((15, 30),), ((45, 30),)]
    assert {prompt.labels for prompt in prompts} == {(1,)}


def test_boxes_of_the_likeliest_queries_first_and_none_twice() -> None:
    masks = squares((0, 0, 8, 8), (16, 16, 24, 24), (0, 0, 8, 8), (0, 0, 0, 0))
    class_logits = np.array([[0, 0.0], [3, 0], [1, 0], [9, 0]])
    prompts = object_prompts(class_logits, masks)
    assert [prompt.box for prompt in prompts[:2]] == [(64, 64, 96, 96), (0, 0, 32, 32)]
    assert len(prompts) == NUM_PROMPTS
    clicks = [prompt.points[0] for prompt in prompts[2:]]
    assert prompts[2].box is None
    assert len(set(clicks)) == NUM_PROMPTS - 2
    # the first half are a chessboard's black fields
    fields = [(int(x // 16), int(y // 16)) for x, y in clicks]
    assert [sum(field) % 2 for field in fields] == [0] * 32 + [1] * (len(fields) - 32)


def test_no_more_boxes_than_leave_room_for_clicks() -> None:
    corners = [(x, y, x + 2, y + 2) for y in range(0, 32, 4) for x in range(0, 32, 4)]
    prompts = object_prompts(np.zeros((len(corners), 3)), squares(*corners))
    assert sum(prompt.box is not None for prompt in prompts) == 16
    assert len(prompts) == NUM_PROMPTS


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
    logits = np.array([[3.5, 1.5, 0.5, -1.5]])
    found = [proposal(logits, 0.8, 0.5, level) for level in (0, -1, 1, -2, 3)]
    assert [one and one.area for one in found] == [3, 3, 2, 4, 1]
    assert [one and one.box for one in found[1:3]] == [(0, 0, 3, 1), (0, 0, 2, 1)]
    assert [one.score for one in found if one] == pytest.approx([0.4, 0.15, 0.15, -0.1, -0.35])
    assert (LEVELS[0], min(LEVELS), max(LEVELS), len(LEVELS)) == (0, -3, 3, 13)
    assert proposal(logits, 1, 1, 4) is None
