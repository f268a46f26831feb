"""Average precision and recall by hand, and against matching written out plainly."""

import math
from collections.abc import Sequence

import numpy as np
import pytest

from rmpsam_mobile.evaluate import FoundMask, Scene, TrueMask, average_precision, average_recall, mask_iou, match_ranks
from rmpsam_mobile.evaluate.detection import THRESHOLDS
from rmpsam_mobile.rle import encode_mask
from tests.evaluate.measuring_sets import Mask, rectangle


def true(mask: Mask, category: int = 1, *, is_crowd: bool = False) -> TrueMask:
    return TrueMask(rle=encode_mask(mask), share=float(mask.mean()), category=category, is_crowd=is_crowd)


def found(mask: Mask, score: float, category: int = 1) -> FoundMask:
    return FoundMask(rle=encode_mask(mask), share=float(mask.mean()), score=score, category=category)


def scene(truths: Sequence[TrueMask], masks: Sequence[FoundMask], source: str = "a") -> Scene:
    return Scene(source=source, truths=truths, found=masks)


LEFT, RIGHT = rectangle(0, 0, 10, 20), rectangle(30, 0, 40, 20)  # 10 % of the picture each
SHORT = rectangle(0, 0, 10, 15)  # IoU 0.75 with LEFT
SMALL = rectangle(20, 30, 23, 35)  # 0.75 %
EMPTY_CORNER = rectangle(45, 35, 50, 40)


def test_ap_by_hand() -> None:
    report = average_precision([scene([true(LEFT), true(RIGHT)], [found(LEFT, 0.9)])], by_class=True)
    # precision 1 up to recall 1/2: 51 of the 101 points
    assert report["ap"] == report["ap50"] == pytest.approx(51 / 101)
    assert (report["ar1"], report["ar100"], report["objects"]) == (0.5, 0.5, 2)
    report = average_precision([scene([true(LEFT)], [found(SHORT, 0.9)])], by_class=True)
    # IoU 3/4 reaches the thresholds 0.5, 0.55, ... 0.75
    assert (report["ap"], report["ap50"], report["ap75"]) == pytest.approx((0.6, 1, 1))
    report = average_precision([scene([true(LEFT)], [found(EMPTY_CORNER, 0.9), found(LEFT, 0.8)])], by_class=True)
    assert report["ap"] == pytest.approx(0.5)  # one false before the right one
    assert (report["ar1"], report["ar10"]) == (0, 1)


def test_classes_count_or_not() -> None:
    scenes = [scene([true(LEFT, 1), true(RIGHT, 2)], [found(LEFT, 0.9, 2), found(RIGHT, 0.8, 2)])]
    assert average_precision(scenes, by_class=True)["ap"] == pytest.approx(0.25)  # none of 1; of 2 at half precision
    assert average_precision(scenes, by_class=False)["ap"] == pytest.approx(1)


def test_a_crowd_excuses_and_is_not_missed() -> None:
    scenes = [scene([true(LEFT), true(RIGHT, is_crowd=True)], [found(RIGHT, 0.9), found(LEFT, 0.8)])]
    report = average_precision(scenes, by_class=True)
    assert (report["ap"], report["objects"]) == pytest.approx((1, 1))


def test_by_source_and_by_size() -> None:
    scenes = [
        scene([true(LEFT), true(SMALL)], [found(LEFT, 0.9)], "a"),
        scene([true(LEFT)], [], "b"),
        scene([], [found(LEFT, 0.9)], "c"),
    ]
    report = average_precision(scenes, by_class=False)
    assert {name: row["objects"] for name, row in report["by_source"].items()} == {"a": 2, "b": 1, "c": 0}
    assert report["by_source"]["a"]["ap"] == pytest.approx(51 / 101)
    assert (report["by_source"]["b"]["ap"], report["by_source"]["c"]["ap"]) == (0, None)
    assert {name: (row["objects"], row["ar100"]) for name, row in report["by_size"].items()} == {
        "<1%": (1, 0),
        "1-5%": (0, None),
        "5-20%": (2, 0.5),
        ">20%": (0, None),
    }


def test_a_false_mask_counts_against_its_own_size() -> None:
    report = average_precision([scene([true(SMALL)], [found(LEFT, 0.9), found(SMALL, 0.8)])], by_class=False)
    assert report["ap"] == pytest.approx(0.5)
    assert report["by_size"]["<1%"]["ap"] == pytest.approx(1)


def test_nothing_at_all() -> None:
    report = average_precision([scene([], [])], by_class=False)
    assert (report["ap"], report["ar100"], report["objects"]) == (None, None, 0)
    assert average_precision([], by_class=True)["ap"] is None


def test_ranks_by_hand() -> None:
    ranks = match_ranks(
        scene([true(LEFT), true(RIGHT), true(SMALL)], [found(EMPTY_CORNER, 3), found(SHORT, 2), found(RIGHT, 1)])
    )
    assert ranks == [[1] * 6 + [None] * 4, [2] * 10, [None] * 10]
    assert average_recall(ranks, 1) == 0
    assert average_recall(ranks, 2) == 6 / 30
    assert average_recall(ranks, 3) == 16 / 30
    assert average_recall([], 10) is None
    assert match_ranks(scene([], [])) == []
    assert match_ranks(scene([true(LEFT)], [])) == [[None] * 10]
    assert match_ranks(scene([true(LEFT, is_crowd=True), true(RIGHT)], [found(RIGHT, 1)])) == [[0] * 10]


def some_scene(seed: int) -> tuple[list[Mask], list[Mask]]:
    """Rectangles, and rectangles near them, more than one for some."""
    chance = np.random.default_rng(seed)
    truths, masks = [], []
    for _ in range(6):
        x, y, w, h = (int(v) for v in chance.integers((0, 0, 5, 5), (35, 25, 15, 15)))
        truths.append(rectangle(x, y, x + w, y + h))
        for _ in range(chance.integers(0, 4)):
            dx, dy, dw, dh = (int(v) for v in chance.integers(-2, 3, 4))
            masks.append(rectangle(max(x + dx, 0), max(y + dy, 0), x + w + dw, y + h + dh))
    return truths, [mask for mask in masks if mask.any()]


def plain_ranks(truths: list[Mask], masks: list[Mask]) -> list[list[int | None]]:
    """COCO's greedy matching: each mask, the surest first, takes the free object that it overlaps most."""
    ranks: list[list[int | None]] = [[None] * len(THRESHOLDS) for _ in truths]
    for column, threshold in enumerate(THRESHOLDS):
        for place, mask in enumerate(masks):
            free = [i for i in range(len(truths)) if ranks[i][column] is None]
            best = max(free, key=lambda i: mask_iou(mask, truths[i]), default=None)
            if best is not None and mask_iou(mask, truths[best]) >= threshold:
                ranks[best][column] = place
    return ranks


@pytest.mark.parametrize("seed", range(6))
def test_ranks_against_plain_matching(seed: int) -> None:
    truths, masks = some_scene(seed)
    given = scene([true(mask) for mask in truths], [found(mask, -i) for i, mask in enumerate(masks)])
    assert match_ranks(given) == plain_ranks(truths, masks)


def test_recall_is_that_of_coco() -> None:
    """AR at 1, 10 and 100 of several pictures from ranks, and from pycocotools' own tables."""
    scenes = []
    for seed in range(5):
        truths, masks = some_scene(seed)
        scenes.append(scene([true(mask) for mask in truths], [found(mask, -i) for i, mask in enumerate(masks)]))
    ranks = [row for one in scenes for row in match_ranks(one)]
    report = average_precision(scenes, by_class=False)
    for most in (1, 10, 100):
        assert average_recall(ranks, most) == pytest.approx(report[f"ar{most}"])


def plain_ap(pictures: list[tuple[list[Mask], list[tuple[Mask, float]]]], threshold: float) -> float:
    """Area under the precision, made to fall, at 101 recalls."""
    rows = []
    for truths, masks in pictures:
        free = set(range(len(truths)))
        for mask, score in sorted(masks, key=lambda pair: -pair[1]):
            best = max(free, key=lambda i: mask_iou(mask, truths[i]), default=None)
            hit = best is not None and mask_iou(mask, truths[best]) >= threshold
            rows.append((score, hit))
            if hit and best is not None:
                free.remove(best)
    hits = np.cumsum([hit for _, hit in sorted(rows, key=lambda row: -row[0])])
    precision = hits / np.arange(1, len(hits) + 1)
    recall = hits / sum(len(truths) for truths, _ in pictures)
    points = [max((p for p, r in zip(precision, recall, strict=True) if r >= at), default=0.0) for at in PERCENT]
    return math.fsum(points) / len(points)


PERCENT = np.linspace(0, 1, 101)


def test_ap_against_a_plain_curve() -> None:
    chance = np.random.default_rng(7)
    pictures = []
    for seed in range(6):
        truths, masks = some_scene(seed)
        pictures.append((truths, [(mask, float(chance.random())) for mask in masks]))
    scenes = [scene([true(t) for t in truths], [found(m, s) for m, s in masks]) for truths, masks in pictures]
    report = average_precision(scenes, by_class=False)
    assert report["ap"] == pytest.approx(np.mean([plain_ap(pictures, threshold) for threshold in THRESHOLDS]))
    assert report["ap75"] == pytest.approx(plain_ap(pictures, 0.75))
