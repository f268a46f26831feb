"""Panoptic maps: the official maps, the rule written as loops, and what may not change them."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rmpsam_mobile.contracts import Size
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.fit import Extent, Fit, fit_limits
from rmpsam_mobile.postprocess import (
    PanopticSegment,
    PictureMasks,
    masks_to_picture,
    panoptic,
    panoptic_segments,
)
from tests.conftest import golden, oracle

Numbers = dict[str, NDArray[Any]]
SETTINGS: dict[str, dict[str, Any]] = {
    "default": {"filter_low_score": False},
    "coco_config": {},
    "object_mask_thr_0.3": {"object_mask_thr": 0.3},
    "iou_thr_0.3": {"iou_thr": 0.3},
    "iou_thr_0.3_nofilter": {"iou_thr": 0.3, "filter_low_score": False},
}
NETWORK_SETTINGS: dict[str, dict[str, Any]] = {
    "default": {},
    "loose": {"object_mask_thr": 0.1, "iou_thr": 0.1},
    "loose_nofilter": {"object_mask_thr": 0.1, "iou_thr": 0.1, "filter_low_score": False},
}


def _slow_panoptic(
    class_logits: NDArray[Any],
    mask_logits: NDArray[Any],
    num_things: int,
    thresholds: tuple[float, float],
    strict: bool,
) -> NDArray[Any]:
    """The rule of the evaluation, pixel by pixel."""
    num_classes = class_logits.shape[1] - 1
    kept = []
    for query, row in enumerate(class_logits):
        powers = np.exp(row - row.max())
        label = int(np.argmax(powers))
        score = float(powers[label] / powers.sum())
        if label != num_classes and score > thresholds[0]:
            kept.append((label, score, 1 / (1 + np.exp(-mask_logits[query]))))
    height, width = mask_logits.shape[1:]
    result = np.full((height, width), num_classes)
    count = 0
    for position, (label, _, probability) in enumerate(kept):
        owned = []
        for y in range(height):
            for x in range(width):
                values = [score * mask[y, x] for _, score, mask in kept]
                if values.index(max(values)) == position:
                    owned.append((y, x))
        original = int((probability >= 0.5).sum())
        if not owned or not original or len(owned) / original < thresholds[1]:
            continue
        count += label < num_things
        for y, x in owned:
            if probability[y, x] >= 0.5 or not strict:
                result[y, x] = label + (1000 * count if label < num_things else 0)
    return result


@pytest.mark.parametrize("name", SETTINGS)
def test_the_official_maps(name: str) -> None:
    numbers: Numbers = golden("postprocess")
    result = panoptic(numbers["class_logits"], numbers["mask_logits"], **SETTINGS[name])
    assert result.dtype == np.int32
    np.testing.assert_array_equal(result, numbers[f"panoptic.{name}"])


@pytest.mark.parametrize("name", SETTINGS)
def test_the_official_maps_in_float64(name: str) -> None:
    numbers: Numbers = oracle("postprocess")
    result = panoptic(numbers["class_logits"], numbers["mask_logits"], **SETTINGS[name])
    np.testing.assert_array_equal(result, numbers[f"panoptic.{name}"])


@pytest.mark.parametrize("name", NETWORK_SETTINGS)
def test_the_network_s_masks_in_the_source_image(name: str) -> None:
    numbers: Numbers = oracle("r18.padded")
    fit = fit_limits(75, 101, 120, 90)
    expected = numbers[f"panoptic.{name}"]
    for masks in (masks_to_picture(numbers["mask_logits"][0], fit), PictureMasks(numbers["mask_logits"][0], fit)):
        result = panoptic(numbers["class_logits"][0], masks, **NETWORK_SETTINGS[name])
        np.testing.assert_array_equal(result, expected)


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    num_things=st.integers(0, 4),
    thresholds=st.tuples(st.sampled_from([0.1, 0.3, 0.5]), st.sampled_from([0.0, 0.2, 0.6])),
    strict=st.booleans(),
    steps=st.sampled_from([1.0, 8.0]),
)
def test_the_rule_written_as_loops(
    seed: int, num_things: int, thresholds: tuple[float, float], strict: bool, steps: float
) -> None:
    generator = np.random.default_rng(seed)
    class_logits = generator.normal(scale=2, size=(6, 5))
    # Coarse steps make ties, zeros and empty masks.
    mask_logits = np.rint(generator.normal(scale=2, size=(6, 1, 1)) + generator.normal(size=(6, 4, 5)) * steps) / steps
    if seed % 2:
        class_logits[1], mask_logits[1] = class_logits[0], mask_logits[0]
    result = panoptic(class_logits, mask_logits, num_things, *thresholds, strict)
    expected = _slow_panoptic(class_logits, mask_logits, num_things, thresholds, strict)
    np.testing.assert_array_equal(result, expected)


def test_no_sure_query_leaves_all_void() -> None:
    for queries in (0, 3):
        result = panoptic(np.zeros((queries, 4)), np.ones((queries, 2, 3)), num_things=1)
        np.testing.assert_array_equal(result, np.full((2, 3), 3))


def test_of_two_equal_queries_the_first_wins_and_stuff_merges() -> None:
    class_logits = np.full((3, 4), -9.0)
    class_logits[:2, 0] = class_logits[2, 2] = 9
    masks = np.full((3, 2, 4), -3.0)
    masks[:2, 0] = masks[2, 1] = 3
    assert panoptic(class_logits, masks, num_things=1).tolist() == [[1000] * 4, [2] * 4]
    class_logits[1] = class_logits[0, [1, 0, 2, 3]]
    assert panoptic(class_logits, masks, num_things=2).tolist() == [[1000] * 4, [2] * 4]
    assert panoptic(class_logits[[1, 0, 2]], masks, num_things=2).tolist() == [[1001] * 4, [2] * 4]
    class_logits[:2] = class_logits[2]
    masks[1] = -masks[0]
    assert panoptic(class_logits, masks, num_things=1, iou_thr=0.4).tolist() == [[2] * 4] * 2


def test_an_instance_is_counted_even_where_the_filter_leaves_it_no_pixel() -> None:
    class_logits = np.array([[5.0, 0, 0], [5.0 + 1e-3, 0, 0]])
    # The second query wins the pixels where both doubt, the first one its own: as many as the second's mask has.
    masks = np.array([[[9.0, 9, -1, -1]], [[8.0, -9, -0.5, -0.5]]])
    result = panoptic(class_logits, masks, num_things=1, iou_thr=0.1)
    expected = _slow_panoptic(class_logits, masks, 1, (0.8, 0.1), True)
    np.testing.assert_array_equal(result, expected)
    swapped = panoptic(class_logits[::-1], masks[::-1], num_things=1, iou_thr=0.1)
    assert swapped.tolist() == [[2000, 2000, 2, 2]]


def test_tensors_and_extreme_logits() -> None:
    class_logits = torch.tensor([[2000.0, -2000, 0]], requires_grad=True)
    masks = torch.full((1, 2, 2), -3000.0)
    masks[0, 0] = 3000
    assert panoptic(class_logits, masks, num_things=2).tolist() == [[1000, 1000], [2, 2]]


def test_the_segments_of_a_map() -> None:
    label_map = np.array([[1002, 1002, 133, 90], [1002, 133, 2002, 90], [133, 90, 90, 90]], np.int32)
    assert panoptic_segments(label_map) == [
        PanopticSegment(id=90, label=90, is_thing=False, area=5, box=(1, 0, 4, 3)),
        PanopticSegment(id=1002, label=2, is_thing=True, area=3, box=(0, 0, 2, 2)),
        PanopticSegment(id=2002, label=2, is_thing=True, area=1, box=(2, 1, 3, 2)),
    ]
    assert panoptic_segments(np.full((2, 2), 133)) == []


@given(seed=st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_the_segments_cover_what_is_not_void(seed: int) -> None:
    generator = np.random.default_rng(seed)
    label_map = generator.choice([7, 133, 1002, 2002, 3005], size=(5, 6))
    segments = panoptic_segments(label_map)
    assert sum(segment.area for segment in segments) == int((label_map != 133).sum())
    for segment in segments:
        x1, y1, x2, y2 = segment.box
        assert (label_map[y1:y2, x1:x2] == segment.id).sum() == segment.area


def _logits(queries: int, classes: int) -> NDArray[Any]:
    return np.pad(np.full((queries, 1), 9.0), ((0, 0), (0, classes)))


@pytest.mark.parametrize(
    ("class_logits", "masks", "num_things", "message"),
    [
        (
            np.zeros((1, 3, 5)),
            np.zeros((3, 2, 2)),
            0,
            "class logits have shape (1, 3, 5); needed is (Q, K + 1); take one picture of a batch",
        ),
        (
            _logits(3, 4),
            np.zeros((2, 2, 2)),
            0,
            "mask logits have shape (2, 2, 2); needed is (3, H, W), as many as class logits",
        ),
        (_logits(2, 4), np.zeros((2, 2, 2)), 80, "num_things is 80; with 4 classes it lies in 0 to 4"),
        (
            np.full((2, 5), np.nan),
            np.zeros((2, 2, 2)),
            0,
            "class logits hold NaN or infinity; the graph overflowed: run it in float32 to see where",
        ),
        (
            _logits(2, 4),
            np.full((2, 2, 2), np.nan),
            0,
            "mask logits of query 0 hold NaN; the graph overflowed: run it in float32 to see where",
        ),
        (
            _logits(2, 1000),
            np.zeros((2, 2, 2)),
            0,
            "1000 classes; a panoptic map names 999 at most; use instances instead",
        ),
    ],
)
def test_what_does_not_belong_together(
    class_logits: NDArray[Any], masks: NDArray[Any], num_things: int, message: str
) -> None:
    with pytest.raises(InputError) as caught:
        panoptic(class_logits, masks, num_things)
    assert str(caught.value) == message


def test_a_map_has_two_integer_axes() -> None:
    with pytest.raises(InputError) as caught:
        panoptic_segments(np.zeros((1, 2, 2)))
    assert str(caught.value) == "panoptic map is float64 (1, 2, 2); needed are integers (H, W); take one map"


def test_memory_stays_a_few_maps() -> None:
    fit = Fit(Extent(600, 800), Extent(96, 128), Size(96, 128))
    asked = []

    class Watched(PictureMasks):
        def __getitem__(self, index: int) -> NDArray[np.floating]:
            asked.append(index)
            return super().__getitem__(index)

    masks = Watched(np.random.default_rng(0).normal(size=(4, 24, 32)), fit)
    panoptic(np.array([[9.0, 0, 0], [0, 0, 9], [0, 9, 0], [1, 1, 1]]), masks, num_things=1)
    assert asked == [0, 2]  # only the kept queries, each once
