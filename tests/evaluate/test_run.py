"""The loop: one process and two, killed and gone on, each with the same report."""

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from rmpsam_mobile.errors import InputError
from rmpsam_mobile.evaluate import PROTOCOLS, Journal, Task, TaskOptions, measure_units, open_task
from rmpsam_mobile.runtime import Segmenter
from tests.conftest import REPOSITORY
from tests.evaluate.measuring_sets import SQUARE, write_clips, write_objects, write_panoptic, write_prompted
from tests.evaluate.test_panoptic import SEGMENTS, STREET
from tests.evaluate.told_objects import opened

TIMES = {"decoder_ms", "decoder_time_ratio"}  # measured, so never twice the same


@pytest.fixture
def sets(tmp_path: Path) -> dict[str, Path]:
    prompted, objects = write_prompted(tmp_path / "prompted"), write_objects(tmp_path / "objects")
    return {
        "box": prompted,
        "click": prompted,
        "panoptic": write_panoptic(tmp_path / "panoptic", {"a": (STREET, SEGMENTS), "b": (STREET, SEGMENTS)}),
        "instance": objects,
        "video": write_clips(tmp_path / "video", [SQUARE, SQUARE, None]),
        "everything": objects,
    }


def without_times(report: Any) -> Any:
    if isinstance(report, dict):
        return {key: without_times(value) for key, value in report.items() if key not in TIMES}
    return report


def reported(task: Task, results: list[Any]) -> str:
    return json.dumps(without_times(task.report(results, opened().contract)))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_two_processes_say_what_one_says(sets: dict[str, Path], protocol: str) -> None:
    task = open_task(protocol, sets[protocol], TaskOptions(clicks=2, as_official=True))
    task.require(opened())
    units = [*task.units] * 2 if protocol == "video" else task.units  # a clip alone would stay in this process
    one = measure_units(task.measure, units, opened)
    two = measure_units(task.measure, units, opened, processes=2)
    assert json.dumps([without_times(row) for row in one]) == json.dumps([without_times(row) for row in two])
    assert json.loads(json.dumps(one)) == json.loads(json.dumps(one, allow_nan=False))
    if protocol != "video":
        assert reported(task, one) == reported(task, two)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_stored_half_gives_the_same_report(sets: dict[str, Path], tmp_path: Path, protocol: str) -> None:
    task = open_task(protocol, sets[protocol], TaskOptions())
    whole = measure_units(task.measure, task.units, opened)
    journal = Journal(tmp_path / "half.jsonl", {"protocol": protocol})
    measure_units(task.measure, task.units[:1], opened, journal=journal)
    again = Journal(tmp_path / "half.jsonl", {"protocol": protocol})
    done: list[int] = []
    results = measure_units(task.measure, task.units, opened, journal=again, progress=done.append)
    assert reported(task, results) == reported(task, whole)
    assert sum(done) == len(task.units)
    assert set(Journal(tmp_path / "half.jsonl", {"protocol": protocol}).done) == set(range(len(task.units)))


def test_what_is_stored_is_not_measured_again(sets: dict[str, Path], tmp_path: Path) -> None:
    task = open_task("box", sets["box"], TaskOptions())
    path = tmp_path / "all.jsonl"
    first = measure_units(task.measure, task.units, opened, journal=Journal(path, {}))

    def fails(*_: object) -> Any:
        raise AssertionError("measured again")

    assert json.dumps(measure_units(fails, task.units, opened, journal=Journal(path, {}))) == json.dumps(first)


def test_an_error_of_a_worker_is_the_callers(sets: dict[str, Path]) -> None:
    (sets["box"] / "1.png").unlink()
    task = open_task("box", sets["box"], TaskOptions())
    with pytest.raises(InputError, match=r"1\.png"):
        measure_units(task.measure, task.units, opened, processes=2)


def slowly(_: Segmenter, unit: int) -> list[int]:
    time.sleep(0.2)
    return [unit, os.getpid()]


SCRIPT = """
from functools import partial
from pathlib import Path
from rmpsam_mobile.evaluate import Journal, measure_units
from tests.evaluate.test_run import slowly
from tests.evaluate.told_objects import opened

if __name__ == "__main__":
    measure_units(slowly, range(200), opened, processes=2, journal=Journal(Path("killed.jsonl"), {}))
"""


def test_a_killed_run_goes_on_and_leaves_no_worker(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(SCRIPT)
    journal = tmp_path / "killed.jsonl"
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    run = subprocess.Popen([sys.executable, "main.py"], cwd=tmp_path, env=environment)
    try:
        end = time.monotonic() + 120
        while time.monotonic() < end and (not journal.exists() or journal.read_bytes().count(b"\n") < 4):
            time.sleep(0.05)
    finally:
        run.send_signal(signal.SIGKILL)
        run.wait()
    done = Journal(journal, {}).done
    assert 3 <= len(done) < 200
    assert all(result[0] == place for place, result in done.items())
    workers = {pid for _, pid in done.values()}
    end = time.monotonic() + 30
    while time.monotonic() < end and any(Path("/proc", str(pid)).exists() for pid in workers):
        time.sleep(0.05)
    assert not [pid for pid in workers if Path("/proc", str(pid)).exists()]
    results = measure_units(partial(slowly), range(len(done)), opened, journal=Journal(journal, {}))
    assert [unit for unit, _ in results] == list(range(len(done)))
