"""Curves of a run as a picture: what is read, smoothed, drawn, and refused."""

import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from benchmarks import curves
from tests.conftest import REPOSITORY

LOG = "10,rate,0.1\n10,focal,0.9\n10,dice,0.8\n20,rate,0.2\n20,focal,0.5\n30,focal,0.1\n30,dice,0.4\n"
HELD_OUT = "20,box,0.5\n20,click,0.25\n20,objects,9\n30,box,0.75\n30,click,0.5\n30,objects,9\n"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The folder of a run of thirty updates."""
    folder = tmp_path / "run7"
    folder.mkdir()
    (folder / "log.csv").write_text(LOG)
    (folder / "held_out.csv").write_text(HELD_OUT)
    return folder


def call(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    monkeypatch.setattr(sys, "argv", ["curves", *map(str, arguments)])
    curves.main()


def test_curves_by_name(run: Path) -> None:
    found = curves.read_curves(run / "log.csv")
    assert found == {
        "rate": ([10, 20], [0.1, 0.2]),
        "focal": ([10, 20, 30], [0.9, 0.5, 0.1]),
        "dice": ([10, 30], [0.8, 0.4]),
    }


def test_smoothing_is_the_mean_of_what_lies_around() -> None:
    values = np.random.default_rng(0).random(40)
    found, half = curves.smoothed(values.tolist()), curves.SMOOTHED // 2
    assert len(found) == 40
    assert found[20] == pytest.approx(values[20 - half : 21 + half].mean())
    assert found[0] == pytest.approx(values[: half + 1].mean())
    assert curves.smoothed([3.0, 5.0]).tolist() == pytest.approx([4.0, 4.0], abs=1.0)
    assert curves.smoothed([3.0]).tolist() == [3.0]


def test_what_is_drawn(run: Path) -> None:
    """Losses without the rate; overlaps in %, without the count of objects; everything has a name."""
    figure = curves.draw(*(curves.read_curves(path) for path in curves.csv_files(run)), title="a run")
    left, right = figure.axes
    legends = [axes.get_legend_handles_labels()[1] for axes in (left, right)]
    assert legends == [["focal", "dice"], ["box", "one click"]]
    assert left.get_legend()
    assert right.get_legend()
    assert [np.asarray(line.get_data()).tolist() for line in right.lines] == [
        [[20, 30], [50.0, 75.0]],
        [[20, 30], [25.0, 50.0]],
    ]
    assert all(axes.get_xlabel() == "updates" and axes.get_ylabel() and axes.get_title() for axes in (left, right))
    assert figure.get_suptitle() == "a run"


def test_a_folder_becomes_an_svg_beside_it(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    call(monkeypatch, run)
    drawn = run.with_name("run7.svg")
    assert ElementTree.parse(drawn).getroot().tag.endswith("svg")
    before = drawn.read_bytes()
    call(monkeypatch, run)
    assert drawn.read_bytes() == before
    call(monkeypatch, run, "-o", run / "curves.png", "--title", "other")
    with Image.open(run / "curves.png") as picture:
        assert picture.width == 2 * 550


def test_files_that_begin_alike(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("log.csv", "held_out.csv"):
        (run / name).rename(run.with_name(f"first_{name}"))
    call(monkeypatch, run.with_name("first"))
    assert run.with_name("first.svg").is_file()


def test_a_run_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as done:
        call(monkeypatch, tmp_path / "gone")
    assert done.value.code == 2
    gone = [str(tmp_path / f"gone_{name}") for name in ("log.csv", "held_out.csv")]
    assert (
        f"there is no {gone[0]} and no {gone[1]}; give the folder of a run that was logged" in capsys.readouterr().err
    )


@pytest.mark.parametrize("name", ["run1", "run2"])
def test_the_committed_pictures_are_those_of_their_numbers(name: str, tmp_path: Path) -> None:
    stored = REPOSITORY / "docs" / "curves" / name
    files = [curves.read_curves(path) for path in curves.csv_files(stored)]
    curves.save(curves.draw(files[0], files[1], title=f"rmpsam-mobile-tiny, run {name[-1]}"), tmp_path / "again.svg")
    texts = [ElementTree.parse(p).getroot() for p in (stored.with_name(f"{name}.svg"), tmp_path / "again.svg")]
    shown, again = ([e.text for e in root.iter() if e.tag.endswith("}text")] for root in texts)
    assert shown == again  # the lines' last digits are the renderer's
