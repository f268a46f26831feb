"""Prompt slots of the exported file: padding, order and number of used slots never change a mask."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rmpsam_mobile.contracts import Graph
from rmpsam_mobile.fit import fit_picture
from rmpsam_mobile.preprocess import pixel_values
from rmpsam_mobile.runtime import Array, Prompt, PteRunner
from rmpsam_mobile.runtime.prompts import fill_slots
from tests.bundles import NEEDS_BUNDLE, SIZE, SLOTS, photo

pytestmark = NEEDS_BUNDLE
HEIGHT, WIDTH = 427, 640

# float32 sums in the same order whatever the other slots hold: equal up to a few roundings of the largest logit
TOLERANCE = 1e-6


def clicks() -> st.SearchStrategy[Prompt]:
    place = st.tuples(st.floats(0, WIDTH), st.floats(0, HEIGHT))
    return place.map(lambda point: Prompt((point,), (1,)))


def boxes() -> st.SearchStrategy[Prompt]:
    left, top = st.floats(0, WIDTH - 8), st.floats(0, HEIGHT - 8)
    return st.tuples(left, top, st.floats(1, WIDTH), st.floats(1, HEIGHT)).map(
        lambda b: Prompt(box=(b[0], b[1], min(b[0] + b[2], WIDTH), min(b[1] + b[3], HEIGHT)))
    )


PROMPTS = st.lists(clicks() | boxes(), min_size=1, max_size=SLOTS)
few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def features(runner: PteRunner) -> Array:
    picture = photo()
    (found,) = runner.run(Graph.ENCODER, [pixel_values(picture, fit_picture(HEIGHT, WIDTH, SIZE))])
    return found


def run(runner: PteRunner, features: Array, slots: Sequence[Prompt | None]) -> tuple[Array, Array]:
    """Mask logits and IoU of all slots; None leaves a slot empty."""
    fit = fit_picture(HEIGHT, WIDTH, SIZE)
    points, labels, boxes_, image_size = fill_slots([slot or Prompt() for slot in slots], fit, runner.contract)
    masks, iou = runner.run(Graph.PROMPTS, [features, points, labels, boxes_, image_size])
    return masks[0], iou[0]


def assert_same(got: Array, wanted: Array) -> None:
    np.testing.assert_allclose(got, wanted, rtol=0, atol=TOLERANCE * float(np.abs(wanted).max()))
    np.testing.assert_array_equal(got > 0, wanted > 0)


@few
@given(prompts=PROMPTS)
def test_a_prompt_alone_gives_the_same_mask(runner: PteRunner, features: Array, prompts: list[Prompt]) -> None:
    together, scores = run(runner, features, prompts)
    for slot, prompt in enumerate(prompts):
        alone, score = run(runner, features, [prompt])
        assert_same(together[slot], alone[0])
        np.testing.assert_allclose(scores[slot], score[0], rtol=1e-5)


@few
@given(prompts=PROMPTS, data=st.data())
def test_order_and_gaps_change_nothing(
    runner: PteRunner, features: Array, prompts: list[Prompt], data: st.DataObject
) -> None:
    places = data.draw(st.permutations(range(SLOTS)))[: len(prompts)]
    slots: list[Prompt | None] = [None] * SLOTS
    for place, prompt in zip(places, prompts, strict=True):
        slots[place] = prompt
    wanted, _ = run(runner, features, prompts)
    got, _ = run(runner, features, slots)
    assert_same(got[places], wanted[: len(prompts)])


@few
@given(prompts=st.lists(clicks() | boxes(), max_size=SLOTS - 1))
def test_empty_slots_give_zeros(runner: PteRunner, features: Array, prompts: list[Prompt]) -> None:
    masks, scores = run(runner, features, prompts)
    assert not masks[len(prompts) :].any()
    assert np.isfinite(masks).all()
    assert np.isfinite(scores).all()


@few
@given(numbers=st.lists(st.floats(-1e4, 1e4, width=32), min_size=6, max_size=6))
def test_what_an_empty_slot_holds_is_never_read(runner: PteRunner, features: Array, numbers: list[float]) -> None:
    fit = fit_picture(HEIGHT, WIDTH, SIZE)
    points, labels, boxes_, image_size = fill_slots([Prompt(((300, 200),), (1,))], fit, runner.contract)
    wanted, _ = runner.run(Graph.PROMPTS, [features, points, labels, boxes_, image_size])
    points[0, 2], boxes_[0, 2] = numbers[:2], numbers[2:]
    got, _ = runner.run(Graph.PROMPTS, [features, points, labels, boxes_, image_size])
    assert_same(got[0, 0], wanted[0, 0])
    assert not got[0, 1:].any()


def test_two_prompts_are_not_the_same_prompt(runner: PteRunner, features: Array) -> None:
    masks, _ = run(runner, features, [Prompt(((20, 20),), (1,)), Prompt(((600, 400),), (1,))])
    assert float(np.abs(masks[0] - masks[1]).max()) > 100 * TOLERANCE * float(np.abs(masks).max())


def test_the_last_pixel_and_the_border_are_finite(runner: PteRunner, features: Array) -> None:
    corners = [Prompt(((x, y),), (1,)) for x in (0, WIDTH) for y in (0, HEIGHT)]
    masks, scores = run(runner, features, corners)
    assert np.isfinite(masks).all()
    assert np.isfinite(scores).all()
