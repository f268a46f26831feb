"""The drawing: what is tinted, where labels go, and that any size and any text can be drawn."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rmpsam_mobile.errors import InputError
from rmpsam_mobile.overlay import Shape, colour_of, draw_overlay, label_map_image

GREY = np.full((480, 640, 3), 120, np.uint8)


def _disc(height: int, width: int, x: float, y: float, radius: float) -> NDArray[np.bool_]:
    rows, columns = np.mgrid[0:height, 0:width]
    return np.asarray((columns - x) ** 2 + (rows - y) ** 2 < radius**2)


def _changed(result: Any, picture: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return np.asarray((np.asarray(result) != picture).any(axis=2))


def test_nothing_to_draw_leaves_the_picture_and_the_array_untouched() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    before = picture.copy()
    result = draw_overlay(picture, [Shape(np.zeros((480, 640), np.bool_), "empty")])
    np.testing.assert_array_equal(np.asarray(result), picture)
    draw_overlay(picture, [Shape(np.ones((480, 640), np.bool_), "all")], points=[(5, 5, 1)], banner="x")
    np.testing.assert_array_equal(picture, before)


def test_a_mask_is_tinted_inside_outlined_at_its_edge_and_nowhere_else() -> None:
    mask = _disc(480, 640, 300, 200, 80)
    result = np.asarray(draw_overlay(GREY, [Shape(mask, id=4)])).astype(int)
    expected = 120 + (np.array(colour_of(4)) - 120) * 0.42
    np.testing.assert_allclose(result[200, 300], expected, atol=1.5)
    changed = _changed(result, GREY)
    assert changed[mask].all()
    assert not changed[~_disc(480, 640, 300, 200, 90)].any()
    ray = result[200, 370:390].mean(axis=1)  # from inside through the edge at 380
    assert ray.max() > result[200, 300].mean() + 25  # the light line
    assert ray.min() < 90  # and the dark one outside
    assert ray.argmax() < ray.argmin()


def test_the_lines_show_on_black_and_on_white() -> None:
    mask = _disc(480, 640, 300, 200, 80)
    for ground in (0, 255):
        picture = np.full((480, 640, 3), ground, np.uint8)
        ray = np.asarray(draw_overlay(picture, [Shape(mask, id=1)]))[200, 365:395].astype(int)
        inside = ray[0].mean()
        assert np.abs(ray.mean(axis=1) - inside).max() > 60


def test_no_line_where_a_mask_meets_the_border_of_the_picture() -> None:
    result = np.asarray(draw_overlay(GREY, [Shape(np.ones((480, 640), np.bool_), id=2)]))
    assert np.unique(result.reshape(-1, 3), axis=0).shape == (1, 3)


def test_stuff_is_fainter_than_things() -> None:
    mask = _disc(480, 640, 300, 200, 80)
    thing, stuff = (
        np.asarray(draw_overlay(GREY, [Shape(mask, id=0, is_thing=is_thing)]))[200, 300] for is_thing in (True, False)
    )
    assert np.ptp(stuff.astype(int)) < 0.58 * np.ptp(thing.astype(int))  # paler and more transparent


def test_a_small_mask_is_drawn_over_a_large_one_in_any_order() -> None:
    large, small = Shape(_disc(480, 640, 300, 200, 150), id=1), Shape(_disc(480, 640, 300, 200, 40), id=2)
    results = [np.asarray(draw_overlay(GREY, shapes)) for shapes in ([large, small], [small, large])]
    np.testing.assert_array_equal(results[0], results[1])
    alone = np.asarray(draw_overlay(GREY, [large]))
    assert (results[0][200, 300] != alone[200, 300]).any()


def test_a_label_lies_inside_a_large_mask() -> None:
    mask = _disc(480, 640, 400, 250, 120)
    with_label, without = (draw_overlay(GREY, [Shape(mask, label, id=1)]) for label in ("person 0.97", ""))
    rows, columns = np.nonzero(_changed(with_label, np.asarray(without)))
    assert mask[rows, columns].all()
    assert abs(columns.mean() - 400) < 12
    assert abs(rows.mean() - 250) < 12


def test_a_label_does_not_cover_a_small_mask_or_another_label() -> None:
    masks = [_disc(480, 640, 300 + 30 * number, 200, 12) for number in range(3)]
    bare = np.asarray(draw_overlay(GREY, [Shape(mask, id=number) for number, mask in enumerate(masks)]))
    areas = []
    for number, mask in enumerate(masks):
        one = [Shape(other, "elephant" if other is mask else "", i) for i, other in enumerate(masks)]
        changed = _changed(draw_overlay(GREY, one), bare)
        assert not (changed & mask).any(), number
        areas.append(changed.sum())
    together = draw_overlay(GREY, [Shape(mask, "elephant", number) for number, mask in enumerate(masks)])
    assert _changed(together, bare).sum() == sum(areas)


def test_the_smaller_mask_chooses_the_place_of_its_label_first() -> None:
    small, large = _disc(480, 640, 300, 200, 60), _disc(480, 640, 300, 200, 170)
    both, alone = (
        np.asarray(draw_overlay(GREY, [Shape(large, label, 1), Shape(small, "cat", 2)])) for label in ("sofa", "")
    )
    np.testing.assert_array_equal(both[190:211, 285:316], alone[190:211, 285:316])
    assert (both != alone).any()


def test_text_wider_than_the_picture_is_cut() -> None:
    long, longer = (np.asarray(draw_overlay(GREY, [], banner="wide " * count)) for count in (100, 101))
    np.testing.assert_array_equal(long, longer)
    assert not _changed(long, GREY)[:, 639].any()


def test_the_label_goes_to_the_deepest_part_of_a_mask_of_several_parts() -> None:
    mask = _disc(480, 640, 100, 100, 40) | _disc(480, 640, 450, 300, 90)
    with_label, without = (draw_overlay(GREY, [Shape(mask, label, id=1)]) for label in ("dog", ""))
    rows, columns = np.nonzero(_changed(with_label, np.asarray(without)))
    assert (np.hypot(columns - 450, rows - 300) < 90).all()


def test_clicks_are_green_and_red_and_labels_keep_off() -> None:
    mask = _disc(480, 640, 300, 200, 120)
    result = np.asarray(draw_overlay(GREY, [Shape(mask, "person", 1)], points=[(300, 200, 1), (50, 60, 0)]))
    # between the arms of the sign: the disc's own colour; in the middle: the sign
    assert result[203, 303].tolist() == [22, 163, 74]
    assert result[64, 52].tolist() == [220, 38, 38]
    assert result[200, 300].tolist() == result[60, 50].tolist() == [255, 255, 255]
    assert result[198, 300].tolist() == [255, 255, 255]  # the plus has an upright bar,
    assert result[58, 50].tolist() == [220, 38, 38]  # the minus has none


def test_a_box_is_a_dashed_line_on_its_sides_only() -> None:
    result = np.asarray(draw_overlay(GREY, [], boxes=[(100, 120, 300, 260)]))
    changed = _changed(result, GREY)
    assert changed[120, 100:300].all()
    assert changed[120:260, 300].all()
    assert not changed[130:250, 110:290].any()
    side = result[120, 110:290]
    assert {tuple(colour) for colour in side.tolist()} == {(255, 255, 255), (16, 18, 22)}


def test_the_banner_lies_in_the_lower_right_corner() -> None:
    rows, columns = np.nonzero(_changed(draw_overlay(GREY, [], banner="untrained weights"), GREY))
    assert rows.min() > 480 - 40
    assert columns.min() > 640 / 2


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ((64, 64), (640, 640)),
        ((48, 64), (640, 480)),
        ((8, 256), (768, 24)),
        ((480, 640), (640, 480)),
        ((1, 1), (640, 640)),
    ],
)
def test_small_pictures_are_enlarged_by_a_whole_factor(shape: tuple[int, int], size: tuple[int, int]) -> None:
    picture = np.zeros((*shape, 3), np.uint8)
    result = draw_overlay(picture, [Shape(np.ones(shape, np.bool_), "person")], points=[(0, 0, 1)], banner="x" * 300)
    assert result.size == size
    assert result.mode == "RGB"


def test_marks_follow_the_enlargement() -> None:
    result = np.asarray(draw_overlay(np.full((64, 64, 3), 120, np.uint8), [], points=[(32, 16, 1)]))
    assert result[160, 320].tolist() == [255, 255, 255]
    assert result[163, 323].tolist() == [22, 163, 74]
    result = np.asarray(draw_overlay(np.full((64, 64, 3), 120, np.uint8), [], boxes=[(8, 16, 40, 48)]))
    rows, columns = np.nonzero((result != 120).any(axis=2))
    edges = [columns.min(), rows.min(), columns.max(), rows.max()]
    np.testing.assert_allclose(edges, [80, 160, 400, 480], atol=3)


def test_an_enlarged_mask_keeps_a_thin_outline() -> None:
    mask = np.zeros((24, 32), np.bool_)
    mask[6:18, 8:22] = True
    result = np.asarray(draw_overlay(np.full((24, 32, 3), 120, np.uint8), [Shape(mask, id=3)])).astype(int)
    ray = result[240, 320:520]
    is_line = (np.abs(ray - ray[0]).max(axis=1) > 8) & (np.abs(ray - 120).max(axis=1) > 8)
    assert 3 <= is_line.sum() <= 8


def test_lines_and_text_grow_with_the_picture() -> None:
    small, large = (
        _changed(draw_overlay(picture, [], banner="weights"), picture).sum() / picture[..., 0].size
        for picture in (GREY, np.full((1920, 2560, 3), 120, np.uint8))
    )
    assert 0.7 < small / large < 1.4


@settings(max_examples=25, deadline=None)
@given(
    label=st.text(max_size=30),
    seed=st.integers(0, 1000),
    point=st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.integers(0, 1)),
    box=st.tuples(*[st.floats(-1e6, 1e6)] * 4),
)
def test_any_text_mask_and_prompt_can_be_drawn(
    label: str, seed: int, point: tuple[float, float, int], box: tuple[float, float, float, float]
) -> None:
    generator = np.random.default_rng(seed)
    height, width = generator.integers(8, 60, 2)
    shapes = [Shape(generator.random((height, width)) < 0.3, label, number) for number in range(3)]
    picture = generator.integers(0, 256, (height, width, 3), dtype=np.uint8)
    factor = -(-640 // max(height, width))
    result = draw_overlay(picture, shapes, points=[point], boxes=[box], banner=label)
    assert result.size == (width * factor, height * factor)


def test_colours_are_stable_and_neighbours_differ() -> None:
    colours = np.array([colour_of(identity) for identity in range(24)])
    assert colour_of(0) == (242, 113, 106)
    for first in range(24):
        for second in range(first + 1, min(first + 6, 24)):
            assert np.abs(colours[first] - colours[second]).max() >= 30, (first, second)


def test_a_label_map_becomes_colours_with_borders() -> None:
    label_map = np.full((6, 8), 133)
    label_map[:, 4:] = 1002
    result = np.asarray(label_map_image(label_map))
    assert result[0, 0].tolist() == [16, 18, 22]
    assert result[3, 4].tolist() == [16, 18, 22]  # the border
    assert tuple(result[3, 6].tolist()) == colour_of(1002)


@pytest.mark.parametrize(
    ("picture", "shapes", "points", "message"),
    [
        (
            np.zeros((8, 8), np.uint8),
            [],
            [],
            "picture is uint8 (8, 8); needed is uint8 (H, W, 3); use read_picture",
        ),
        (
            np.zeros((8, 9, 3), np.uint8),
            [Shape(np.zeros((9, 8), np.bool_), "cat")],
            [],
            "mask 'cat' is bool (9, 8); needed is bool (8, 9); "
            "bring it to the picture with masks_to_picture and compare with 0",
        ),
        (
            np.zeros((8, 9, 3), np.uint8),
            [],
            [(float("nan"), 1.0, 1)],
            "prompt (nan, 1.0, 1) is not within +-1000000; give coordinates in pixels of the picture",
        ),
    ],
)
def test_what_cannot_be_drawn(
    picture: NDArray[np.uint8], shapes: list[Shape], points: list[tuple[float, float, int]], message: str
) -> None:
    with pytest.raises(InputError) as caught:
        draw_overlay(picture, shapes, points=points)
    assert str(caught.value) == message
