"""Instances: the official results, the rule written as loops, and their order."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rmpsam_mobile.errors import InputError
from rmpsam_mobile.fit import fit_limits
from rmpsam_mobile.postprocess import Instances, PictureMasks, instances, masks_to_picture, top_pairs
from tests.conftest import golden, oracle

Numbers = dict[str, NDArray[Any]]


def _compare(found: Instances, numbers: Numbers, prefix: str, score_tolerance: float) -> None:
    np.testing.assert_allclose(found.scores, numbers[f"{prefix}.scores"], atol=score_tolerance, rtol=0)
    np.testing.assert_array_equal(found.labels, numbers[f"{prefix}.labels"])
    np.testing.assert_array_equal(found.boxes, numbers[f"{prefix}.boxes"])
    np.testing.assert_array_equal(np.packbits(found.masks, axis=-1), numbers[f"{prefix}.masks_packed"])


def _slow_instances(
    class_logits: NDArray[Any], mask_logits: NDArray[Any], num_things: int, max_per_image: int
) -> list[tuple[float, int, int, list[int]]]:
    """(score, query, label, box) by falling score, pair by pair."""
    num_classes = class_logits.shape[1] - 1
    pairs = []
    for query, row in enumerate(class_logits):
        total = sum(np.exp(row))
        pairs += [(-float(np.exp(row[label]) / total), query, label) for label in range(num_classes)]
    results = []
    for falling, query, label in sorted(pairs)[:max_per_image]:
        if label >= num_things:
            continue
        ys, xs = np.nonzero(mask_logits[query] > 0)
        sure = sum(float(1 / (1 + np.exp(-mask_logits[query, y, x]))) for y, x in zip(ys, xs, strict=True))
        box = [min(xs), min(ys), max(xs) + 1, max(ys) + 1] if len(xs) else [0] * 4
        results.append((-falling * sure / (len(xs) + 1e-6), query, label, [int(side) for side in box]))
    return sorted(results, key=lambda result: -result[0])


@pytest.mark.parametrize("max_per_image", [100, 20])
def test_the_official_instances(max_per_image: int) -> None:
    numbers: Numbers = golden("postprocess")
    found = instances(numbers["class_logits"], numbers["mask_logits"], max_per_image=max_per_image)
    _compare(found, numbers, f"instances{max_per_image}", 1e-6)  # its masks are float32 sums of up to 3072 pixels


@pytest.mark.parametrize("max_per_image", [100, 20])
def test_the_official_instances_in_float64(max_per_image: int) -> None:
    numbers: Numbers = oracle("postprocess")
    found = instances(numbers["class_logits"], numbers["mask_logits"], max_per_image=max_per_image)
    assert found.scores.dtype == np.float64
    _compare(found, numbers, f"instances{max_per_image}", 1e-14)


def test_the_network_s_instances_in_the_source_image() -> None:
    numbers: Numbers = oracle("r18.padded")
    fit = fit_limits(75, 101, 120, 90)
    for masks in (masks_to_picture(numbers["mask_logits"][0], fit), PictureMasks(numbers["mask_logits"][0], fit)):
        _compare(instances(numbers["class_logits"][0], masks), numbers, "instances", 1e-6)


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 10_000), num_things=st.integers(0, 5), max_per_image=st.integers(1, 40))
def test_the_rule_written_as_loops(seed: int, num_things: int, max_per_image: int) -> None:
    generator = np.random.default_rng(seed)
    class_logits = generator.normal(scale=2, size=(6, 6))
    mask_logits = generator.normal(size=(6, 4, 5)) + generator.normal(scale=2, size=(6, 1, 1))
    found = instances(class_logits, mask_logits, num_things, max_per_image)
    expected = _slow_instances(class_logits, mask_logits, num_things, max_per_image)
    np.testing.assert_allclose(found.scores, [score for score, *_ in expected], rtol=1e-12)
    assert found.queries.tolist() == [query for _, query, _, _ in expected]
    assert found.labels.tolist() == [label for _, _, label, _ in expected]
    assert found.boxes.tolist() == [box for *_, box in expected]
    np.testing.assert_array_equal(found.masks, mask_logits[found.queries] > 0)


@given(seed=st.integers(0, 10_000), shift=st.floats(-50, 50))
def test_pairs_fall_in_score_and_ignore_a_shift_of_a_row(seed: int, shift: float) -> None:
    logits = np.random.default_rng(seed).normal(size=(5, 4))
    pairs = top_pairs(logits, 8)
    assert len(pairs.scores) == 8
    assert (np.diff(pairs.scores) <= 0).all()
    moved = top_pairs(logits + shift, 8)
    np.testing.assert_allclose(moved.scores, pairs.scores, rtol=1e-9)
    probability = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(probability[pairs.queries, pairs.labels], pairs.scores, rtol=1e-12)
    assert pairs.labels.max() < 3  # never void


def test_of_equal_scores_the_lower_query_comes_first() -> None:
    queries, labels, _ = top_pairs(np.zeros((3, 3)), 4)
    assert list(zip(queries.tolist(), labels.tolist(), strict=True)) == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_one_mask_may_appear_under_two_labels_and_stuff_takes_places() -> None:
    class_logits = np.array([[3.0, 2.9, 9.0, 0.0]])
    found = instances(class_logits, np.ones((1, 2, 2)), num_things=2, max_per_image=3)
    assert found.labels.tolist() == [0, 1]
    assert found.queries.tolist() == [0, 0]
    assert len(instances(class_logits, np.ones((1, 2, 2)), num_things=2, max_per_image=1)) == 0


def test_an_empty_mask_has_no_score_and_no_box() -> None:
    found = instances(np.array([[5.0, 0.0]]), np.zeros((1, 3, 3)), num_things=1)
    assert found.scores.tolist() == [0.0]
    assert found.boxes.tolist() == [[0.0] * 4]
    assert not found.masks.any()


def test_tensors_and_half_precision() -> None:
    class_logits = np.array([[5.0, 1.0, 0.0]])
    masks = np.array([[[2.0, -2], [-2, -2]]])
    plain = instances(class_logits, masks, num_things=2)
    tensors = instances(torch.tensor(class_logits, requires_grad=True), torch.tensor(masks).half(), num_things=2)
    np.testing.assert_allclose(tensors.scores, plain.scores, rtol=1e-3)
    assert tensors.boxes.tolist() == plain.boxes.tolist() == [[0, 0, 1, 1]] * 2


@pytest.mark.parametrize(
    ("class_logits", "masks", "options", "message"),
    [
        (
            np.zeros((3, 4)),
            np.zeros((3, 2, 2)),
            {"num_things": 3, "max_per_image": 0},
            "max_per_image is 0; it needs to be 1 at least; try 100",
        ),
        (
            np.zeros((3, 4)),
            np.zeros((1, 3, 2, 2)),
            {"num_things": 3},
            "mask logits have shape (1, 3, 2, 2); needed is (3, H, W), as many as class logits",
        ),
        (
            np.zeros((3, 4)),
            np.zeros((3, 2, 2)),
            {"num_things": -1},
            "num_things is -1; with 3 classes it lies in 0 to 3",
        ),
        (
            np.zeros((3, 1)),
            np.zeros((3, 2, 2)),
            {"num_things": 0},
            "class logits have shape (3, 1); needed is (Q, K + 1); take one picture of a batch",
        ),
        (
            np.zeros((1, 2)),
            np.full((1, 2, 2), np.nan),
            {"num_things": 1},
            "mask logits of query 0 hold NaN; the graph overflowed: run it in float32 to see where",
        ),
    ],
)
def test_what_does_not_belong_together(
    class_logits: NDArray[Any], masks: NDArray[Any], options: dict[str, int], message: str
) -> None:
    with pytest.raises(InputError) as caught:
        instances(class_logits, masks, **options)
    assert str(caught.value) == message
