"""The log: means of some updates a row, nothing twice after a run that was killed, curves where they can be had."""

import csv
import io
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # type: ignore[import-untyped]

from rmpsam_mobile.distill.held_out import HeldOut
from rmpsam_mobile.distill.held_out_objects import HeldOutObjects
from rmpsam_mobile.distill.run_log import EVERY, RunLog
from tests.bundles import names_below

FOUND = HeldOut(box=0.5, click=0.25, clicks3=0.75, objects=3)


def rows(path: Path) -> list[list[str]]:
    with path.open(newline="") as stream:
        return list(csv.reader(stream))


def write(folder: Path, first: int, last: int) -> None:
    """Updates from ``first`` to ``last``, a measurement every five."""
    log = RunLog(folder, first - 1)
    for step in range(first, last + 1):
        log.losses(step, {"total": float(step)}, rate=0.5)
        if step % 5 == 0:
            log.held_out(step, FOUND)
    log.close()


def test_a_row_is_the_mean_of_the_updates_since_the_last(tmp_path: Path) -> None:
    log = RunLog(tmp_path, 0)
    for step in range(1, 2 * EVERY + 1):
        losses = {"total": float(step)} | ({"features": 8.0} if step % 5 == 0 else {})
        log.losses(step, losses, rate=step / 100)
    log.close()
    assert rows(tmp_path / "log.csv") == [
        ["10", "rate", "0.1"],
        ["10", "total", "5.5"],
        ["10", "features", "8"],  # of the two updates that had it
        ["20", "rate", "0.2"],
        ["20", "total", "15.5"],
        ["20", "features", "8"],
    ]


def test_measurements(tmp_path: Path) -> None:
    log = RunLog(tmp_path, 0)
    log.held_out(7, FOUND)
    log.close()
    wanted = [["7", "box", "0.5"], ["7", "click", "0.25"], ["7", "clicks3", "0.75"], ["7", "objects", "3"]]
    assert rows(tmp_path / "held_out.csv") == wanted


def test_measurements_of_objects(tmp_path: Path) -> None:
    log = RunLog(tmp_path, 0)
    log.held_out(7, FOUND, HeldOutObjects(object_iou=0.5, object_class=0.125, object_count=8))
    log.close()
    assert rows(tmp_path / "held_out.csv")[4:] == [
        ["7", "object_iou", "0.5"],
        ["7", "object_class", "0.125"],
        ["7", "object_count", "8"],
    ]


def test_pictures_lie_with_the_curves(tmp_path: Path) -> None:
    drawn = np.random.default_rng(0).integers(0, 256, (40, 60, 3)).astype(np.uint8)
    log = RunLog(tmp_path, 0)
    assert log.shows_pictures
    log.pictures(7, [drawn, 255 - drawn])
    log.close()
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert events.Tags()["images"] == ["held_out/0", "held_out/1"]
    (shown,) = events.Images("held_out/0")
    assert shown.step == 7
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(shown.encoded_image_string))), drawn)


def test_rows_past_the_resumed_step_are_cut_off(tmp_path: Path) -> None:
    write(tmp_path, 1, 35)
    before = {name: rows(tmp_path / name) for name in ("log.csv", "held_out.csv")}
    RunLog(tmp_path, 20).close()
    for name, old in before.items():
        assert rows(tmp_path / name) == [row for row in old if int(row[0]) <= 20]
    write(tmp_path, 21, 35)
    assert {name: rows(tmp_path / name) for name in before} == before


def test_a_torn_last_row_is_cut_off(tmp_path: Path) -> None:
    write(tmp_path, 1, 20)
    whole = rows(tmp_path / "log.csv")
    with (tmp_path / "log.csv").open("a") as stream:
        stream.write("20,gra")
    RunLog(tmp_path, 25).close()
    assert rows(tmp_path / "log.csv") == whole


def test_curves_lie_beside(tmp_path: Path) -> None:
    write(tmp_path, 1, 10)
    files = names_below(tmp_path)
    assert files[:3] == ["held_out.csv", "log.csv", "tensorboard"]
    assert files[3].startswith("tensorboard/events.out.tfevents.")
    assert len(files) == 4


def test_without_tensorboard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    write(tmp_path, 1, 10)
    assert names_below(tmp_path) == ["held_out.csv", "log.csv"]
    assert not RunLog(tmp_path, 10).shows_pictures
