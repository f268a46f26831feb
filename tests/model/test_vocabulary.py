"""Class names: the built-in lists, the checks, the text file."""

import json
from pathlib import Path

import pytest

from rmpsam_mobile.checkpoint import read_vocabulary
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.model.vocabulary import (
    COCO_PANOPTIC,
    YOUTUBE_VIS_2019,
    Vocabulary,
    vocabulary_for,
)
from tests.conftest import shared


def test_coco_has_80_things_then_53_stuff() -> None:
    assert (len(COCO_PANOPTIC), COCO_PANOPTIC.num_things) == (133, 80)
    assert COCO_PANOPTIC.names[:3] == ("person", "bicycle", "car")
    assert COCO_PANOPTIC.things[-1] == "toothbrush"
    assert COCO_PANOPTIC.stuff[0] == "banner"
    assert COCO_PANOPTIC.names[-1] == "rug-merged"


def test_coco_is_in_the_order_of_the_data_set() -> None:
    stored = json.loads(shared("data", "panoptic", "annotations", "panoptic_val.json").read_text())["categories"]
    ordered = sorted(stored, key=lambda category: (not category["isthing"], category["id"]))
    assert [category["name"] for category in ordered] == list(COCO_PANOPTIC.names)


def test_youtube_vis_has_40_things() -> None:
    assert (len(YOUTUBE_VIS_2019), YOUTUBE_VIS_2019.num_things) == (40, 40)
    assert YOUTUBE_VIS_2019.names[:2] == ("person", "giant_panda")
    assert YOUTUBE_VIS_2019.names[-2:] == ("earless_seal", "tennis_racket")
    assert YOUTUBE_VIS_2019.stuff == ()


def test_the_number_of_classes_chooses_the_vocabulary() -> None:
    assert vocabulary_for(133) is COCO_PANOPTIC
    assert vocabulary_for(40) is YOUTUBE_VIS_2019
    assert vocabulary_for(3) == Vocabulary(("class 0", "class 1", "class 2"), 3)


@pytest.mark.parametrize(
    ("names", "num_things", "message"),
    [
        ((), 0, "a vocabulary of 0 names; at least 1 is needed; give one name a class"),
        (("cat", " "), 1, "class 1 is named ' '; a name is words on one line; rename it"),
        (("cat", "a\nb"), 1, "class 1 is named 'a\\nb'; a name is words on one line; rename it"),
        (("cat", "dog", "cat"), 1, "'cat' names class 0 and class 2; names are unique; rename one"),
        (("cat",), 2, "2 things among 1 names; the limit is 0 to 1; count the names before the first stuff class"),
        (("cat",), -1, "-1 things among 1 names; the limit is 0 to 1; count the names before the first stuff class"),
    ],
)
def test_what_is_no_vocabulary_is_refused(names: tuple[str, ...], num_things: int, message: str) -> None:
    with pytest.raises(InputError) as caught:
        Vocabulary(names, num_things)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cat\ndog\n", Vocabulary(("cat", "dog"), 2)),
        ("\ufeffcat\r\n---\r\nsky\r\n\r\n", Vocabulary(("cat", "sky"), 1)),
        ("---\nsky\n", Vocabulary(("sky",), 0)),
    ],
)
def test_a_text_file_has_a_name_a_line(tmp_path: Path, text: str, expected: Vocabulary) -> None:
    path = tmp_path / "names.txt"
    path.write_bytes(text.encode())
    assert read_vocabulary(path) == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "a vocabulary of 0 names; at least 1 is needed; give one name a class"),
        (b"a\n---\nb\n---\n", "2 lines ---; the limit is 1, between things and stuff; remove the others"),
        (b"a\nb\na\n", "'a' names class 0 and class 2; names are unique; rename one"),
        (b"\xff\xfe\x00", "is not UTF-8 text; save it as plain text with one name a line"),
    ],
)
def test_a_broken_text_file_is_refused_by_name(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "names.txt"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_vocabulary(path)
    assert str(caught.value) == f"{path}: {message}"


def test_a_missing_text_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.txt: cannot be read \(No such file or directory\); give a text file"):
        read_vocabulary(tmp_path / "none.txt")
