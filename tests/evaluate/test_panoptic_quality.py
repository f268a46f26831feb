"""Panoptic quality by hand, rule by rule, and once against another implementation of COCO's evaluation."""

import numpy as np
import pytest
from numpy.typing import NDArray

from rmpsam_mobile.evaluate import Quality, Tally, TrueSegment, average, compare_maps, read_panoptic_truth
from tests.conftest import shared

CAR, TREE = 3, 9
ONE_CAR = {7: TrueSegment(CAR)}


def row(text: str) -> NDArray[np.int64]:
    """A map of one row: a digit is an id, a dot is 0."""
    return np.array([[int(sign) for sign in text.replace(".", "0")]])


def test_equal_maps() -> None:
    truth = row("7777889999")
    segments = {7: TrueSegment(CAR), 8: TrueSegment(CAR), 9: TrueSegment(TREE)}
    found = compare_maps(truth, segments, truth, {7: CAR, 8: CAR, 9: TREE})
    assert found == {CAR: Tally(2.0, matched=2), TREE: Tally(1.0, matched=1)}
    assert average(found, [CAR, TREE]) == Quality(1, 1, 1, 2)


def test_a_match_needs_more_than_half() -> None:
    found = compare_maps(
        row("777777....") + row("......8888"), {**ONE_CAR, 8: TrueSegment(TREE)}, row("111......."), {1: CAR}
    )
    assert found == {CAR: Tally(missed=1, false=1), TREE: Tally(missed=1)}  # IoU 3 / 6
    found = compare_maps(row("777777") + row("......"), ONE_CAR, row("1111.."), {1: CAR})
    assert found[CAR] == Tally(4 / 6, matched=1)
    assert [found[CAR].pq, found[CAR].sq, found[CAR].rq] == pytest.approx([2 / 3, 2 / 3, 1])


def test_void_is_not_in_the_union() -> None:
    assert compare_maps(row("7777......"), ONE_CAR, row("1111111111"), {1: CAR}) == {CAR: Tally(1.0, matched=1)}


@pytest.mark.parametrize(("prediction", "false"), [("..1111....", 1), ("...1111...", 0)])
def test_more_than_half_in_void_excuses(prediction: str, false: int) -> None:
    truth, segments = row("7777......"), {7: TrueSegment(TREE)}
    assert compare_maps(truth, segments, row(prediction), {1: CAR}).get(CAR, Tally()) == Tally(false=false)


@pytest.mark.parametrize(("category", "false"), [(CAR, 0), (TREE, 1)])
def test_a_crowd_excuses_its_own_category_and_is_not_missed(category: int, false: int) -> None:
    found = compare_maps(row("77777777"), {7: TrueSegment(CAR, is_crowd=True)}, row("11111..."), {1: category})
    assert found.get(category, Tally()) == Tally(false=false)
    assert sum(tally.missed for tally in found.values()) == 0


def test_a_crowd_is_never_matched() -> None:
    found = compare_maps(row("7777"), {7: TrueSegment(CAR, is_crowd=True)}, row("1111"), {1: CAR})
    assert found == {}


def test_void_and_crowd_add_up() -> None:
    segments = {7: TrueSegment(CAR, is_crowd=True), 8: TrueSegment(TREE)}
    prediction = row("11111111")
    assert compare_maps(row("77...888"), segments, prediction, {1: CAR}) == {TREE: Tally(missed=1)}  # 5 of 8 excused
    assert compare_maps(row("77..8888"), segments, prediction, {1: CAR})[CAR] == Tally(false=1)  # 4 of 8: not more


def test_another_category_is_false_and_missed() -> None:
    assert compare_maps(row("7777"), ONE_CAR, row("1111"), {1: TREE}) == {CAR: Tally(missed=1), TREE: Tally(false=1)}


def test_what_names_nothing_is_no_prediction() -> None:
    """Values outside of ``predicted`` (void, or a class that the data set does not have) count for nobody."""
    assert compare_maps(row("7777"), ONE_CAR, row("5555"), {}) == {CAR: Tally(missed=1)}
    assert compare_maps(row("7777"), ONE_CAR, row("5555"), {1: CAR}) == {CAR: Tally(missed=1)}  # 1 has no pixel


def test_means_are_over_what_was_seen() -> None:
    tallies = {1: Tally(1.6, matched=2, false=1, missed=1), 2: Tally(false=1), 3: Tally(0.9, matched=1), 4: Tally()}
    assert tallies[1].pq == pytest.approx(1.6 / 3)
    assert tallies[2].pq == tallies[4].pq == 0
    found = average(tallies, [1, 2, 4, 5])
    assert found.categories == 2
    assert [found.pq, found.sq, found.rq] == pytest.approx([0.8 / 3, 0.4, 1 / 3])
    assert average(tallies, [4, 5]) == Quality(None, None, None, 0)


def test_tallies_add_up() -> None:
    assert Tally(0.5, 1, 2, 3) + Tally(0.25, 1, 1, 1) == Tally(0.75, 2, 3, 4)
    assert not Tally().is_seen
    assert all(Tally(**{name: 1}).is_seen for name in ("matched", "false", "missed"))


# hotcoco 1.3.0's pq_compute on the same maps, written as PNG files: PQ, SQ, RQ, number of categories
OTHERS = {
    (True, False): (0.37377891827992377, 0.506455594888897, 0.4754566217312479, 105),
    (True,): (0.3414234060288945, 0.46648210818058594, 0.4173038377020843, 61),
    (False,): (0.4186354239006685, 0.5618733832799646, 0.5560775268625892, 44),
}


def spoiled(
    truth: NDArray[np.int64], segments: dict[int, TrueSegment], order: list[int]
) -> tuple[NDArray[np.int64], dict[int, int]]:
    """The truth moved by 6, 3 px, every fifth segment dropped, every seventh under the next category."""
    moved, found = np.zeros_like(truth), np.zeros_like(truth)
    moved[3:, 6:] = truth[:-3, :-6]
    predicted = {}
    for i, (true_id, segment) in enumerate(segments.items(), start=1):
        mask = moved == true_id
        if i % 5 == 0 or not mask.any():
            continue
        if i % 3 == 0:
            mask[:, :6] = truth[:, :6] == 0
        found[mask] = i
        following = order[(order.index(segment.category) + 1) % len(order)]
        predicted[i] = following if i % 7 == 0 else segment.category
    return found, predicted


def test_another_implementation_counts_the_same() -> None:
    folder = shared("data", "panoptic")
    truth = read_panoptic_truth(folder / "annotations" / "panoptic_val.json", folder / "val", folder / "panoptic_val")
    total = {category.id: Tally() for category in truth.categories}
    for picture in truth.pictures:
        ids = picture.map()
        prediction = spoiled(ids, picture.segments, list(total))
        for category, tally in compare_maps(ids, picture.segments, *prediction).items():
            total[category] += tally
    for kinds, (pq, sq, rq, categories) in OTHERS.items():
        found = average(total, [category.id for category in truth.categories if category.is_thing in kinds])
        assert [found.pq, found.sq, found.rq] == pytest.approx([pq, sq, rq])
        assert found.categories == categories
