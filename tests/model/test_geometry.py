"""Closed forms of prompts against the plain geometry that they state."""

import math

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rmpsam_mobile.model.geometry import DISC_SHARE, MARGIN, Geometry, outside_box, prompt_geometry
from rmpsam_mobile.model.prompt import PromptSet

SIDE, STRIDE = 64, 4
GRID = SIDE // STRIDE
SIZE = torch.tensor([[float(SIDE), float(SIDE)]], dtype=torch.float64)


def asked(points: list[tuple[float, float, int]], box: tuple[float, float, float, float] | None = None) -> PromptSet:
    """One prompt with room for four points."""
    xy = torch.zeros(1, 1, 4, 2, dtype=torch.float64)
    labels = torch.full((1, 1, 5), -1.0, dtype=torch.float64)
    for i, (x, y, label) in enumerate(points):
        xy[0, 0, i], labels[0, 0, i] = torch.tensor([x, y]), label
    boxes = torch.zeros(1, 1, 4, dtype=torch.float64)
    if box is not None:
        boxes[0, 0], labels[0, 0, -1] = torch.tensor(box), 1.0
    return PromptSet(xy, labels, boxes)


def drawn(prompts: PromptSet) -> Geometry:
    return prompt_geometry(prompts, SIZE, (GRID, GRID), STRIDE)


def centres() -> tuple[np.ndarray, np.ndarray]:
    rows, columns = np.mgrid[:GRID, :GRID]
    return (columns + 0.5) * STRIDE, (rows + 0.5) * STRIDE


@given(x=st.floats(4, 40), y=st.floats(4, 40), width=st.floats(10, 24), height=st.floats(10, 24))
@settings(max_examples=25, deadline=None)
def test_the_first_mask_of_a_box_is_its_inscribed_ellipse(x: float, y: float, width: float, height: float) -> None:
    mask = drawn(asked([], (x, y, x + width, y + height))).first_mask[0, 0] > 0
    columns, rows = centres()
    wanted = ((columns - x - width / 2) / (width / 2)) ** 2 + ((rows - y - height / 2) / (height / 2)) ** 2 < 1
    assert (mask.numpy() == wanted).all()


@given(x=st.floats(0, 64), y=st.floats(0, 64))
@settings(max_examples=25, deadline=None)
def test_the_first_mask_of_a_click_is_a_disc_of_a_share_of_the_picture(x: float, y: float) -> None:
    mask = drawn(asked([(x, y, 1)])).first_mask[0, 0] > 0
    columns, rows = centres()
    wanted = (columns - x) ** 2 + (rows - y) ** 2 < DISC_SHARE * SIDE * SIDE / math.pi
    assert (mask.numpy() == wanted).all()


def test_two_clicks_are_two_discs() -> None:
    both = drawn(asked([(12, 12, 1), (50, 50, 1)])).first_mask > 0
    each = [drawn(asked([(x, x, 1)])).first_mask > 0 for x in (12, 50)]
    assert torch.equal(both, each[0] | each[1])


def test_a_background_click_takes_its_surroundings_away() -> None:
    at = 26, 26  # centre of a cell
    with_box = drawn(asked([(*at, 0)], (4, 4, 48, 48)))
    cell = (at[1] // STRIDE, at[0] // STRIDE)
    assert drawn(asked([], (4, 4, 48, 48))).first_mask[0, 0][cell] > 0
    assert with_box.first_mask[0, 0][cell] < 0
    assert with_box.denied[0, 0][cell] > 0
    assert (with_box.first_mask[0, 0] > 0).any()


def test_an_empty_slot_says_nothing() -> None:
    geometry = drawn(asked([]))
    assert not (geometry.first_mask > 0).any()
    assert not (geometry.sure > 0).any()
    assert not (geometry.denied > 0).any()


def test_a_click_is_where_features_are_sure_even_inside_of_a_box() -> None:
    geometry = prompt_geometry(asked([(160, 96, 1)], (16, 16, 240, 240)), 4 * SIZE, (32, 32), 8)
    sure = (geometry.sure[0, 0] > 0).nonzero().double().mean(0)
    assert ((sure + 0.5) * 8 - torch.tensor([96.0, 160.0])).abs().max() < 8


def test_every_click_has_a_sure_cell_at_the_stages_resolution() -> None:
    """At the smallest training size: the sure disc must not fall between the cells."""
    size = torch.tensor([[256.0, 256.0]], dtype=torch.float64)
    for x, y in ((128.0, 128.0), (132.0, 132.0), (0.5, 0.5), (255.5, 100.0)):
        geometry = prompt_geometry(asked([(x, y, 1)]), size, (32, 32), 8)
        assert (geometry.sure > 0).any(), (x, y)


def test_maps_are_bounded() -> None:
    maps = drawn(asked([(1, 1, 1), (60, 60, 0)], (10, 10, 12, 12))).maps
    assert maps.shape == (1, 1, 7, GRID, GRID)
    assert maps.abs().max() <= 1


def test_outside_of_a_box_counts_only_beyond_its_margin() -> None:
    beside, above = outside_box(asked([], (16, 16, 48, 48)), (GRID, GRID), STRIDE)
    columns, _ = centres()
    wanted = np.clip(np.abs(columns[0] - 32) / 16 - MARGIN, 0, 1)
    assert np.allclose(beside[0, 0, 0].numpy(), wanted)
    assert np.allclose(above[0, 0, :, 0].numpy(), wanted)
    nothing = outside_box(asked([(5, 5, 1)]), (GRID, GRID), STRIDE)
    assert not any(part.any() for part in nothing)
