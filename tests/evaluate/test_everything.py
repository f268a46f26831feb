"""Instances and segment everything from disk to figures, with a model whose answers are known."""

from pathlib import Path

import numpy as np
import pytest

from rmpsam_mobile.contracts import Graph
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.evaluate import (
    EverythingScore,
    TaskOptions,
    WayScore,
    everything_report,
    find_instances,
    instances_report,
    measure_units,
    open_objects,
    open_task,
    propose_everything,
)
from rmpsam_mobile.evaluate.everything import TimedRunner
from rmpsam_mobile.rle import decode_mask
from tests.evaluate.measuring_sets import HEIGHT, SQUARE, WIDTH, rectangle, write_objects, write_prompted
from tests.evaluate.told_objects import ToldRunner, opened


def test_cocos_layout_with_polygons_and_crowds(tmp_path: Path) -> None:
    first, second = open_objects(write_objects(tmp_path / "set"), "val").content
    assert [(o.category, o.is_crowd) for o in first.objects] == [
        ("person", False),
        ("spaceship", False),
        ("person", True),
    ]
    masks = [decode_mask(o.rle) for o in first.objects]
    assert (masks[0] == SQUARE).all()
    assert (masks[1] == rectangle(10, 10, 30, 30)).all()
    assert (masks[2] == rectangle(0, 0, 4, HEIGHT)).all()
    assert (second.record.key, second.objects) == ("1.png", ())


def test_instances_under_names_and_without(tmp_path: Path) -> None:
    pictures = open_objects(write_objects(tmp_path / "set"), "val").content
    found = [find_instances(opened(), picture) for picture in pictures]
    named = [mask for mask in found[0] if mask.category is not None]
    assert [mask.category for mask in named] == ["person", "car", "person", "car"]
    nameless = [mask for mask in found[0] if mask.category is None]
    assert len(nameless) == 2
    left, right = (decode_mask(mask.rle) for mask in nameless)
    assert left[:, :18].all()
    assert right[:, 27:].all()
    assert not (left & right).any()
    # softmax of 5, 0, 0, 0: the countable classes' share, times a mask that is sure by sigmoid(3) at most
    countable = (np.exp(5) + 1) / (np.exp(5) + 3)
    assert 0.9 * countable < nameless[0].score < countable
    assert nameless[0].share == left.mean()
    report = instances_report(pictures, found, opened().contract)
    assert report["unknown_objects"] == 1
    assert (report["by_class"]["objects"], report["class_agnostic"]["objects"]) == (1, 2)
    assert report["by_class"]["pictures"] == 2  # one without objects counts: nothing is there
    assert report["by_class"]["ap"] == 0


def test_pictures_whose_objects_have_no_known_name_are_left_out(tmp_path: Path) -> None:
    pictures = open_objects(write_prompted(tmp_path / "set"), "val").content
    report = instances_report(pictures, [find_instances(opened(), picture) for picture in pictures], opened().contract)
    assert (report["by_class"]["pictures"], report["by_class"]["objects"], report["by_class"]["ap"]) == (0, 0, None)
    assert (report["class_agnostic"]["objects"], report["unknown_objects"]) == (3, 3)


def test_both_ways_on_a_picture(tmp_path: Path) -> None:
    picture = open_objects(write_objects(tmp_path / "set"), "val").content[0]
    score = propose_everything(opened(), picture)
    assert score.shares == pytest.approx([16 / 2000, 400 / 2000])
    assert {name: way.decoder_calls for name, way in score.ways.items()} == {"object_aware": 3, "grid": 64}
    for way in score.ways.values():
        assert [len(ranks) for ranks in way.ranks] == [10, 10]  # the crowd is in no count
        assert 0 < way.proposals <= 1000
    # the square of 4 x 4 px is smaller than any disc; the one of 20 x 20 is about one
    assert score.ways["grid"].ranks[0] == [None] * 10
    assert score.ways["grid"].ranks[1][0] is not None


def test_the_decoders_time_is_measured(tmp_path: Path) -> None:
    picture = open_objects(write_objects(tmp_path / "set"), "val").content[0]
    ways = propose_everything(opened(slow_ms=5), picture).ways
    assert ways["grid"].decoder_ms >= 64 * 5
    assert 3 * 5 <= ways["object_aware"].decoder_ms < ways["grid"].decoder_ms / 4


def test_a_timed_runner_is_the_runner() -> None:
    runner = ToldRunner()
    timed = TimedRunner(runner)
    assert (timed.contract, timed.engine, timed.graphs) == (runner.contract, "told", runner.graphs)
    timed.run(Graph.ENCODER, [np.zeros((1, 3, 64, 64), np.float32)])
    assert timed.calls == {Graph.ENCODER: 1}
    assert timed.ms[Graph.ENCODER] > 0
    timed.reset()
    assert (timed.calls, timed.ms) == ({}, {})


def way(ranks: list[list[int | None]], ms: float, calls: int) -> WayScore:
    return WayScore(ranks=ranks, proposals=7, decoder_calls=calls, decoder_ms=ms)


def test_the_report_by_hand() -> None:
    never: list[int | None] = [None] * 10
    scores = [
        EverythingScore(
            source="a",
            shares=[0.005, 0.3],
            ways={"object_aware": way([[0] * 10, never], 2, 3), "grid": way([[150] * 10, [5] * 10], 40, 64)},
        ),
        EverythingScore(
            source="b", shares=[0.005], ways={"object_aware": way([never], 4, 3), "grid": way([never], 40, 64)}
        ),
    ]
    report = everything_report(scores)
    assert report["decoder_time_ratio"] == 15  # of 20 and 10
    ours, grid = report["object_aware"], report["grid"]
    assert [ours[f"ar{k}"] for k in (1, 10, 100, 1000)] == pytest.approx([1 / 3] * 4)
    assert [grid[f"ar{k}"] for k in (1, 10, 100, 1000)] == pytest.approx([0, 1 / 3, 1 / 3, 2 / 3])
    assert (ours["decoder_ms"], grid["decoder_ms"], ours["decoder_calls"], ours["proposals"]) == (3, 40, 3, 7)
    assert (grid["by_source"]["a"]["ar1000"], grid["by_source"]["b"]["ar1000"]) == (1, 0)
    assert {name: row["ar100"] for name, row in grid["by_size"].items()} == {
        "<1%": 0,
        "1-5%": None,
        "5-20%": None,
        ">20%": 1,
    }


@pytest.mark.parametrize("protocol", ["instance", "everything"])
def test_masks_of_another_size(tmp_path: Path, protocol: str) -> None:
    folder = write_objects(tmp_path / "set")
    document = folder / "annotations" / "instances_val.json"
    document.write_text(document.read_text().replace('"size": [40, 50]', '"size": [20, 100]'))
    task = open_task(protocol, folder, TaskOptions())
    with pytest.raises(InputError) as caught:
        measure_units(task.measure, task.units, opened)
    assert str(caught.value) == f"0.png: a mask is 100 x 20 px, the picture {WIDTH} x {HEIGHT} px; leave it out"
