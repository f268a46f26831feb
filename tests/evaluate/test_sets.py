"""Measuring sets that are none: one line each."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rmpsam_mobile.errors import InputError
from rmpsam_mobile.evaluate import Measuring, open_clips, open_objects, open_panoptic, open_prompted
from tests.evaluate.measuring_sets import SQUARE, write_clips, write_objects, write_panoptic, write_prompted
from tests.evaluate.test_panoptic import SEGMENTS, STREET

Opened = Callable[[Path], Measuring[Any]]
OPENERS: dict[str, tuple[Opened, str]] = {
    "prompted": (open_prompted, "manifest.json"),
    "panoptic": (lambda folder: open_panoptic(folder, "val"), "annotations/panoptic_val.json"),
    "clips": (lambda folder: open_clips(folder, "val"), "instances_val.json"),
    "objects": (lambda folder: open_objects(folder, "val"), "annotations/instances_val.json"),
}


@pytest.fixture
def sets(tmp_path: Path) -> dict[str, Path]:
    return {
        "prompted": write_prompted(tmp_path / "prompted"),
        "panoptic": write_panoptic(tmp_path / "panoptic", {"a": (STREET, SEGMENTS), "b": (STREET, SEGMENTS)}),
        "clips": write_clips(tmp_path / "clips", [SQUARE]),
        "objects": write_objects(tmp_path / "objects"),
    }


@pytest.mark.parametrize("kind", OPENERS)
def test_folders_that_are_none(sets: dict[str, Path], tmp_path: Path, kind: str) -> None:
    opened, name = OPENERS[kind]
    with pytest.raises(InputError, match=r"gone is no folder; protocols? .* wants? "):
        opened(tmp_path / "gone")
    other = sets["clips" if kind == "prompted" else "panoptic" if kind == "objects" else "prompted"]
    with pytest.raises(InputError, match=rf"{other} holds no {name}; protocols? .* wants? "):
        opened(other)


@pytest.mark.parametrize("kind", OPENERS)
@pytest.mark.parametrize("text", ["", "[]", "{}", "no"])
def test_documents_that_are_none(sets: dict[str, Path], kind: str, text: str) -> None:
    opened, name = OPENERS[kind]
    (sets[kind] / name).write_text(text)
    with pytest.raises(InputError, match=r"is no JSON|is not of this layout"):
        opened(sets[kind])


LISTS = {
    "prompted": ("pictures",),
    "panoptic": ("annotations", "categories"),
    "clips": ("annotations", "videos"),
    "objects": ("annotations", "images"),
}


@pytest.mark.parametrize("kind", OPENERS)
@pytest.mark.parametrize("entries", [[{}], [3], ["x"], 5, None])
def test_entries_that_are_none(sets: dict[str, Path], kind: str, entries: object) -> None:
    opened, name = OPENERS[kind]
    whole = json.loads((sets[kind] / name).read_text())
    for key in LISTS[kind]:
        (sets[kind] / name).write_text(json.dumps(whole | {key: entries}))
        with pytest.raises(InputError) as caught:
            opened(sets[kind])
        assert str(caught.value).startswith(str(sets[kind] / name))
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", OPENERS)
def test_nothing_to_measure(sets: dict[str, Path], kind: str) -> None:
    opened, name = OPENERS[kind]
    whole = json.loads((sets[kind] / name).read_text())
    (sets[kind] / name).write_text(json.dumps(whole | {LISTS[kind][0]: []}))
    with pytest.raises(InputError, match=r" with 0 (objects|segments); at least 1 is needed"):
        opened(sets[kind])


def test_a_limit_takes_the_first(sets: dict[str, Path]) -> None:
    prompted = open_prompted(sets["prompted"], 1)
    assert (len(prompted.content), prompted.used, prompted.available) == (1, 1, 2)
    assert prompted.sha256 == hashlib.sha256((sets["prompted"] / "manifest.json").read_bytes()).hexdigest()
    panoptic = open_panoptic(sets["panoptic"], "val", 1)
    assert [picture.source for picture in panoptic.content.pictures] == ["a"]
    assert (panoptic.used, panoptic.available, len(panoptic.content.categories)) == (1, 2, 4)
    clips = open_clips(sets["clips"], "val", 9)
    assert (clips.used, clips.available) == (1, 1)


def test_maps_lie_where_cocos_own_archive_puts_them(sets: dict[str, Path]) -> None:
    folder = sets["panoptic"]
    (folder / "panoptic_val").rename(folder / "annotations" / "panoptic_val")
    picture = open_panoptic(folder, "val").content.pictures[0]
    assert (picture.map() == STREET).all()
