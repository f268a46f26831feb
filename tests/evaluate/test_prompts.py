"""mIoU by box and click: baselines that need no network, and clicks that correct."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rmpsam_mobile.data import ObjectLabel, read_eval_manifest
from rmpsam_mobile.errors import InputError, UnsupportedError
from rmpsam_mobile.evaluate import ask_objects, mask_iou, measure_prompts, official_truth, prompts_report
from rmpsam_mobile.rle import encode_mask
from rmpsam_mobile.runtime import Prompt
from tests.conftest import shared
from tests.evaluate.measuring_sets import CORNER, SQUARE, Mask, Told, rectangle, write_prompted


def filled(prompt: Prompt, height: int, width: int) -> Mask:
    assert prompt.box is not None
    x1, y1, x2, y2 = (int(v) for v in prompt.box)
    return rectangle(x1, y1, x2, y2, height=height, width=width)


def ellipse(prompt: Prompt, height: int, width: int) -> Mask:
    assert prompt.box is not None
    x1, y1, x2, y2 = prompt.box
    y, x = (axis + 0.5 for axis in np.ogrid[:height, :width])
    found: Mask = ((2 * x - x1 - x2) / (x2 - x1)) ** 2 + ((2 * y - y1 - y2) / (y2 - y1)) ** 2 <= 1
    return found


def disc(prompt: Prompt, height: int, width: int) -> Mask:
    ((px, py),) = prompt.points
    y, x = (axis + 0.5 for axis in np.ogrid[:height, :width])
    found: Mask = (x - px) ** 2 + (y - py) ** 2 <= 0.05 * height * width / np.pi
    return found


# mIoU in % of shared/data/README.md, which baseline.py there computes by itself
BASELINES = [
    (ellipse, 0, 61.5, {"coco": 62.6, "bsds": 58.8, "coco-person": 55.4, "cat": 66.7, "clothing": 64.1, "davis": 57.6}),
    (filled, 0, 59.2, {"coco": 59.2, "bsds": 59.5, "coco-person": 53.4, "cat": 62.5, "clothing": 60.8, "davis": 52.4}),
    (disc, 1, 27.6, {"coco": 25.4, "bsds": 30.1, "coco-person": 28.8, "cat": 36.7, "clothing": 27.9, "davis": 41.9}),
]


@pytest.mark.parametrize(("answer", "clicks", "wanted", "by_source"), BASELINES, ids=["ellipse", "filled", "disc"])
def test_published_baselines(answer: object, clicks: int, wanted: float, by_source: dict[str, float]) -> None:
    pictures = read_eval_manifest(shared("data", "eval"))
    assert callable(answer)
    report = prompts_report(measure_prompts(Told(answer), pictures, clicks=clicks))
    assert 100 * report["miou"] == pytest.approx(wanted, abs=0.051)  # published with one decimal
    assert (report["objects"], report["pictures"], report["empty"]) == (840, 185, 0)
    found = {name: 100 * row["miou"] for name, row in report["by_source"].items()}
    assert found == pytest.approx(by_source, abs=0.051)
    shares = [round(100 * row["objects"] / 840) for row in report["by_size"].values()]
    assert shares == [32, 32, 26, 10]


def test_overlap_of_masks() -> None:
    nothing = np.zeros_like(SQUARE)
    assert mask_iou(SQUARE, SQUARE) == 1
    assert mask_iou(nothing, SQUARE) == mask_iou(nothing, nothing) == mask_iou(CORNER, SQUARE) == 0
    assert mask_iou(rectangle(4, 2, 8, 4), SQUARE) == 0.5
    assert mask_iou(rectangle(6, 2, 10, 6), SQUARE) == pytest.approx(1 / 3)


def test_by_box_on_a_small_set(tmp_path: Path) -> None:
    told = Told(filled)
    scores = measure_prompts(told, read_eval_manifest(write_prompted(tmp_path / "set")))
    report = prompts_report(scores)
    assert report["miou"] == pytest.approx((0.75 + 1 + 1) / 3)
    assert report["by_source"]["a"] == {"miou": 0.875, "objects": 2, "miou_by_click": [0.875]}
    assert report["by_source"]["b"]["miou"] == 1
    # 300 and 16 pixels of 2000
    counts = {name: row["objects"] for name, row in report["by_size"].items()}
    assert counts == {"<1%": 2, "1-5%": 0, "5-20%": 1, ">20%": 0}
    assert report["by_size"]["1-5%"] == {"miou": None, "objects": 0, "miou_by_click": []}
    assert told.pictures == 2
    assert [[prompt.box for prompt in asked] for asked in told.asked] == [
        [(10, 10, 30, 30), (4, 2, 8, 6)],
        [(4, 2, 8, 6)],
    ]


class Corrected:
    """A model that covers too much, then too little, then is right; the small square it sees at once."""

    def __call__(self, prompt: Prompt, height: int, width: int) -> Mask:
        if prompt.points[0] == (5.5, 3.5):
            return SQUARE
        answers = {1: rectangle(10, 10, 30, 30), 2: CORNER & rectangle(10, 10, 20, 40), 3: CORNER}
        found = answers[len(prompt.points)]
        assert found.shape == (height, width)
        return found


def test_clicks_correct_and_stop_where_nothing_is_wrong(tmp_path: Path) -> None:
    told = Told(Corrected(), num_points=8)
    done: list[int] = []
    pictures = list(read_eval_manifest(write_prompted(tmp_path / "set")))
    scores = measure_prompts(told, pictures, clicks=5, progress=done.append)
    assert [score.ious for score in scores] == [(0.75, 2 / 3, 1.0, 1.0, 1.0), (1.0,) * 5, (1.0,) * 5]
    assert done == [1, 1]
    first, second, third, other = told.asked
    assert [prompt.points for prompt in first] == [((11.5, 11.5),), ((5.5, 3.5),)]
    assert len(second) == len(third) == len(other) == 1
    # the middle of the 10 x 10 pixels covered too much, and of those then missed; the earlier clicks stay
    assert second[0] == Prompt(((11.5, 11.5), (24.5, 24.5)), (1, 0))
    assert third[0] == Prompt(((11.5, 11.5), (24.5, 24.5), (24.5, 14.5)), (1, 0, 1))
    report = prompts_report(scores)
    assert report["miou_by_click"] == pytest.approx([2.75 / 3, (2 / 3 + 2) / 3, 1, 1, 1])
    assert (report["miou"], report["clicks"]) == (1, 5)
    report = prompts_report(scores, clicks=5)
    assert report["noc"] == pytest.approx(
        {"80": 5 / 3, "85": 5 / 3, "90": 5 / 3}
    )  # the third click, the first, the first
    assert report["by_source"]["b"]["noc"]["90"] == 1
    assert report["by_size"]["5-20%"]["noc"]["90"] == 3
    assert report["by_size"]["1-5%"]["noc"]["90"] is None


def test_objects_keep_their_own_masks_and_no_pixel_is_clicked_twice(tmp_path: Path) -> None:
    """A model that never learns: of the corner it misses the left half, of the square the lower one."""

    def answer(prompt: Prompt, *_: int) -> Mask:
        is_square = prompt.points[0] == (5.5, 3.5)
        return SQUARE & rectangle(0, 0, 50, 4) if is_square else CORNER & rectangle(20, 0, 50, 40)

    told = Told(answer, num_points=4)
    scores = measure_prompts(told, list(read_eval_manifest(write_prompted(tmp_path / "set")))[:1], clicks=4)
    assert [score.ious for score in scores] == [(1 / 3,) * 4, (0.5,) * 4]
    report = prompts_report(scores, clicks=4)
    assert report["noc"] == {"80": 4, "85": 4, "90": 4}  # never: counted as all clicks
    corner, square = told.asked[-1]
    for prompt, left in ((corner, CORNER & rectangle(0, 0, 20, 40)), (square, SQUARE & rectangle(0, 4, 50, 6))):
        assert len(set(prompt.points)) == 4
        assert prompt.labels == (1, 1, 1, 1)
        assert all(left[int(y), int(x)] for x, y in prompt.points[1:])


def test_a_model_of_one_click_says_so() -> None:
    told = Told(disc)
    with pytest.raises(UnsupportedError) as caught:
        measure_prompts(told, [], clicks=3)
    assert str(caught.value) == ("--clicks 3: told reads 1 click a prompt; use --clicks 1, or a model that reads more")


def test_a_mask_of_another_size(tmp_path: Path) -> None:
    ((record, objects), _) = read_eval_manifest(write_prompted(tmp_path / "set"))
    label = ObjectLabel(encode_mask(SQUARE[:30]))
    with pytest.raises(InputError) as caught:
        measure_prompts(Told(filled), [(record, (replace(objects[0], label=label),))])
    assert str(caught.value) == "0.png: a mask is 50 x 30 px, the picture 50 x 40 px; leave it out"


def test_empty_masks_count_as_nothing(tmp_path: Path) -> None:
    pictures = read_eval_manifest(write_prompted(tmp_path / "set"))
    report = prompts_report(measure_prompts(Told(lambda _, h, w: np.zeros((h, w), bool)), pictures))
    assert (report["miou"], report["empty"]) == (0, 3)


def test_the_released_comparison_stands_beside_ours(tmp_path: Path) -> None:
    """A model of 64 px that answers with the truth: small masks come back larger from the two resizings."""
    told = Told(lambda prompt, *_: SQUARE if prompt.points[0] == (5.5, 3.5) else CORNER)
    pictures = list(read_eval_manifest(write_prompted(tmp_path / "set")))
    scores = [score for picture in pictures for score in ask_objects(told, picture, clicks=1, as_official=True)]
    size = told.contract.sizes.size
    wanted = [mask_iou(mask, official_truth(mask, size)) for mask in (CORNER, SQUARE, SQUARE)]
    assert [score.official_iou for score in scores] == wanted
    assert wanted[1] < wanted[0] < 1
    report = prompts_report(scores, clicks=1)
    assert report["miou"] == 1
    assert report["as_official"]["miou"] == pytest.approx(sum(wanted) / 3)
    misses = sum(iou < 0.8 for iou in wanted)
    assert misses == 2
    assert report["as_official"]["noc"]["80"] == pytest.approx((20 * misses + 3 - misses) / 3)
    assert report["as_official"]["by_source"]["b"]["noc"]["80"] == 20
    assert "as_official" not in prompts_report(measure_prompts(told, pictures, clicks=1), clicks=1)
