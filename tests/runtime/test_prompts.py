"""Prompts from outside: accepted, clamped or refused with a message that helps; and laid into slots."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmpsam_mobile.contracts import GraphSizes, ModelContract, Size
from rmpsam_mobile.errors import InputError, UnsupportedError
from rmpsam_mobile.fit import fit_picture
from rmpsam_mobile.runtime import Prompt
from rmpsam_mobile.runtime.prompts import check_prompt, fill_slots
from tests.bundle.manifests import make_contract

HEIGHT, WIDTH = 60, 90
CONTRACT = make_contract()


def check(prompt: Prompt, contract: ModelContract = CONTRACT) -> Prompt:
    return check_prompt(prompt, contract, HEIGHT, WIDTH)


def refusal(*arguments: Any) -> str:
    with pytest.raises(InputError) as caught:
        check(Prompt.of(*arguments))
    assert not isinstance(caught.value, UnsupportedError)
    return str(caught.value)


def test_sams_arguments_become_a_prompt() -> None:
    assert Prompt.of(np.array([[3, 4]]), None, None) == Prompt(((3.0, 4.0),), (1,))
    assert Prompt.of([[3, 4], [5, 6]], [1, 0], None) == Prompt(((3.0, 4.0), (5.0, 6.0)), (1, 0))
    assert Prompt.of(None, None, np.array([1, 2, 3, 4], np.float32)) == Prompt(box=(1.0, 2.0, 3.0, 4.0))
    assert Prompt.of([], None, None) == Prompt()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[1, 2, 3]], None, None), "point_coords [[1, 2, 3]] is no array of shape (P, 2)"),
        (("left", None, None), "point_coords 'left' is no array of shape (P, 2)"),
        ((None, None, [1, 2, 3]), "box [1, 2, 3] is no array of shape (4)"),
        ((None, None, []), "box [] is no array of shape (4)"),
        ((None, None, [[1, 2, 3, 4], [1, 2, 3, 4]]), "box [[1, 2, 3, 4], [1, 2, 3, 4]] is no array of shape (4)"),
        (([[1, 2]], [1, 1], None), "1 points and 2 labels; give one label, 1 or 0, for each point"),
        (([[1, 2]], [], None), "1 points and 0 labels; give one label, 1 or 0, for each point"),
        ((None, [1], None), "0 points and 1 labels; give one label, 1 or 0, for each point"),
        (([1, 2, 3, 4], None, None), "point_coords [1, 2, 3, 4] is no array of shape (P, 2)"),
        (([[1, 2]], [0.5], None), "point labels [0.5]; known: 1 foreground, 0 background"),
        (([[1, 2]], [2], None), "point label 2; known: 1 foreground, 0 background"),
        (([[1, 2]], [-1], None), "point label -1; known: 1 foreground, 0 background"),
        ((None, None, None), "no point and no box; give at least one, for example --point 120,80"),
    ],
)
def test_shapes_and_labels_that_cannot_be(arguments: Sequence[Any], message: str) -> None:
    assert refusal(*arguments) == message


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_numbers_that_are_none(value: float) -> None:
    assert refusal([[value, 2.0]], None, None) == (
        f"point_coords [[{value}, 2.0]] holds a number that is not finite; give pixels of the picture"
    )
    assert "box [" in refusal(None, None, [1.0, 2.0, value, 4.0])


@pytest.mark.parametrize("point", [(0, 0), (WIDTH, HEIGHT), (0, HEIGHT), (WIDTH, 0), (44.5, 30.25)])
def test_points_up_to_the_border_are_taken(point: tuple[float, float]) -> None:
    prompt = Prompt((point,), (1,))
    assert check(prompt) == prompt


@pytest.mark.parametrize("point", [(-0.5, 3), (90.5, 3), (3, -1), (3, 61), (1e9, 0)])
def test_points_outside_are_refused(point: tuple[float, float]) -> None:
    assert refusal([point], None, None) == (
        f"point {point[0]:g},{point[1]:g} lies outside of the picture of 90 x 60 px; give xy inside it"
    )


@pytest.mark.parametrize(
    ("box", "clamped"),
    [
        ((1, 2, 3, 4), (1, 2, 3, 4)),
        ((-10, -10, 20, 20), (0, 0, 20, 20)),
        ((-1e9, 5, 1e9, 6), (0, 5, 90, 6)),
        ((80, 50, 100, 70), (80, 50, 90, 60)),
        ((0, 0, 90, 60), (0, 0, 90, 60)),
    ],
)
def test_boxes_are_clamped(box: tuple[float, ...], clamped: tuple[float, ...]) -> None:
    assert check(Prompt.of(None, None, box)).box == clamped


@pytest.mark.parametrize(
    "box",
    [
        (5, 5, 5, 5),  # no area
        (5, 5, 5, 9),  # no width
        (5, 5, 9, 5),  # no height
        (9, 5, 5, 9),  # corners swapped
        (-20, 5, -1, 9),  # left of the picture
        (-20, 5, 0, 9),  # touches it from outside
        (90, 5, 99, 9),  # right of it
        (5, 60, 9, 70),  # below
    ],
)
def test_boxes_without_area_inside_are_refused(box: tuple[int, ...]) -> None:
    x1, y1, x2, y2 = box
    assert refusal(None, None, box) == (
        f"box {x1},{y1},{x2},{y2} has no area inside the picture of 90 x 60 px; "
        "give x0,y0,x1,y1 with x0 < x1 and y0 < y1"
    )


@pytest.mark.parametrize(
    ("arguments", "points", "boxes"),
    [
        (([[1, 2], [3, 4]], None, None), 2, 0),
        (([[1, 2]], None, [1, 2, 3, 4]), 1, 1),
        (([[1, 2]], [0], None), 1, 0),
    ],
)
def test_more_than_a_one_click_model_reads_is_unsupported(arguments: Sequence[Any], points: int, boxes: int) -> None:
    with pytest.raises(UnsupportedError) as caught:
        check(Prompt.of(*arguments))
    assert caught.value.exit_code == 4
    assert str(caught.value) == (
        "small reads one foreground click or one box a prompt; "
        f"got {points} points and {boxes} boxes; give one, or one prompt for each"
    )


def accepted(prompt: Prompt, refused_because: str) -> Prompt | None:
    """The checked prompt, or None where it is refused for the reason that is expected."""
    try:
        return check(prompt)
    except InputError as error:
        if refused_because not in str(error):
            raise
        return None


@given(
    box=st.tuples(*[st.floats(-1e6, 1e6)] * 4),
    point=st.tuples(st.floats(-200, 200), st.floats(-200, 200)),
)
def test_what_is_accepted_lies_inside(box: tuple[float, float, float, float], point: tuple[float, float]) -> None:
    boxed = accepted(Prompt(box=box), "has no area inside the picture")
    if boxed is not None and boxed.box is not None:
        x1, y1, x2, y2 = boxed.box
        assert 0 <= x1 < x2 <= WIDTH
        assert 0 <= y1 < y2 <= HEIGHT
    clicked = accepted(Prompt((point,), (1,)), "lies outside of the picture")
    if clicked is not None:
        ((x, y),) = clicked.points
        assert 0 <= x <= WIDTH
        assert 0 <= y <= HEIGHT


def test_slots_hold_model_input_pixels() -> None:
    fit = fit_picture(120, 180, Size(64, 96))  # fitted by 0.5333
    points, labels, boxes, image_size = fill_slots(
        [Prompt(((90, 60),), (1,)), Prompt(box=(0, 0, 180, 120))], fit, CONTRACT
    )
    assert [value.dtype for value in (points, labels, boxes, image_size)] == [np.float32] * 4
    np.testing.assert_allclose(points[0, 0, 0], (48, 32), rtol=1e-6)
    np.testing.assert_allclose(boxes[0, 1], (0, 0, 96, 64), rtol=1e-6)
    assert labels[0].tolist() == [[1, -1], [-1, 1], [-1, -1], [-1, -1]]
    assert image_size.tolist() == [[64, 96]]
    assert not points[0, 1:].any()
    assert not boxes[0, [0, 2, 3]].any()


def test_image_size_is_the_fitted_picture_and_not_the_canvas() -> None:
    fit = fit_picture(100, 100, Size(64, 96))
    _, _, _, image_size = fill_slots([], fit, CONTRACT)
    assert image_size.tolist() == [[64, 64]]


def test_a_model_of_several_points_gets_them_all() -> None:
    contract = make_contract(GraphSizes(size=Size(64, 96), num_slots=2, num_points=3))
    fit = fit_picture(64, 96, Size(64, 96))
    points, labels, _, _ = fill_slots([Prompt(((1, 2), (3, 4)), (1, 1))], fit, contract)
    assert points[0, 0].tolist() == [[1, 2], [3, 4], [0, 0]]
    assert labels[0].tolist() == [[1, 1, -1, -1], [-1, -1, -1, -1]]


MOBILE = make_contract(GraphSizes(size=Size(64, 96), num_slots=2, num_points=8))


def test_a_mobile_model_reads_points_of_both_kinds_and_a_box() -> None:
    prompt = Prompt(((1, 2), (3, 4)), (1, 0), (0.0, 0.0, 9.0, 9.0))
    assert check(prompt, MOBILE) == prompt
    boxed = Prompt(((1, 2),), (0,), (0.0, 0.0, 9.0, 9.0))
    assert check(boxed, MOBILE) == boxed


def test_a_mobile_model_refuses_what_it_has_no_place_for() -> None:
    with pytest.raises(UnsupportedError) as caught:
        check(Prompt(((1, 2),) * 9, (1,) * 9), MOBILE)
    assert str(caught.value) == "small reads up to 8 points a prompt; got 9; give fewer"


def test_background_alone_asks_for_nothing() -> None:
    with pytest.raises(InputError) as caught:
        check(Prompt(((1, 2),), (0,)), MOBILE)
    assert str(caught.value) == ("1 background points and nothing wanted; give a box or a foreground point as well")
