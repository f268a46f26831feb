"""Results that wait on disk: what goes on, what is measured again, and what is refused."""

import json
from pathlib import Path

import pytest

from rmpsam_mobile.errors import InputError
from rmpsam_mobile.evaluate import Journal

BINDING = {"protocol": "box", "data": "abc", "options": {"clicks": 0}}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "results.jsonl"


def test_what_was_stored_comes_back(path: Path) -> None:
    journal = Journal(path, BINDING)
    assert journal.done == {}
    journal.append(3, [{"iou": 0.1 + 0.2}])
    journal.append(0, None)
    assert Journal(path, BINDING).done == {3: [{"iou": 0.30000000000000004}], 0: None}


def test_a_line_that_a_kill_cut_off_is_measured_again(path: Path) -> None:
    journal = Journal(path, BINDING)
    journal.append(0, "whole")
    whole = path.read_bytes()
    journal.append(1, "cut off")
    for size in range(len(whole), path.stat().st_size):
        raw = path.read_bytes()
        path.write_bytes(raw[:size])
        again = Journal(path, BINDING)
        assert again.done == {0: "whole"}
        assert path.read_bytes() == whole
        again.append(1, "cut off")
    assert Journal(path, BINDING).done == {0: "whole", 1: "cut off"}


@pytest.mark.parametrize("size", [0, 1, 5, 30])
def test_a_header_that_was_cut_off_starts_anew(path: Path, size: int) -> None:
    Journal(path, BINDING)
    path.write_bytes(path.read_bytes()[:size])
    Journal(path, BINDING).append(0, 1)
    assert Journal(path, BINDING).done == {0: 1}


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("data", "abd", "another data (abc, not abd)"),
        ("protocol", "click", "another protocol (box, not click)"),
        ("options", {"clicks": 2}, "another options ({'clicks': 0}, not {'clicks': 2})"),
        ("engine", "eager", "another engine (None, not eager)"),
    ],
)
def test_results_of_something_else(path: Path, key: str, value: object, message: str) -> None:
    Journal(path, BINDING).append(0, 1)
    before = path.read_bytes()
    with pytest.raises(InputError) as caught:
        Journal(path, BINDING | {key: value})
    assert str(caught.value) == f"{path} holds results of {message}; choose another file"
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "text", ["no journal\n", "no end", "[1, 2]\n", "{}\n", '{"schema": "other/1"}\n', "\x00\x01\n"]
)
def test_files_that_are_none_stay_as_they_are(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        Journal(path, BINDING)
    assert str(caught.value) == f"{path} holds no results of an evaluation; choose another file"
    assert path.read_text() == text


def test_a_line_in_the_middle_that_is_none(path: Path) -> None:
    Journal(path, BINDING).append(0, 1)
    path.write_text(path.read_text() + "oops\n" + json.dumps([1, 2]) + "\n")
    with pytest.raises(InputError, match="holds no results of an evaluation"):
        Journal(path, BINDING)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        Journal(tmp_path / "gone" / "results.jsonl", BINDING)
    assert str(caught.value) == (
        f"{tmp_path}/gone/results.jsonl: cannot be written (No such file or directory); choose another file"
    )
