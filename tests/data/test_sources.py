"""Layouts are recognised by what is in them; the part held out is stable."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rmpsam_mobile.data import Record, hold_out, open_data
from rmpsam_mobile.data.records import PictureFile
from rmpsam_mobile.errors import InputError
from tests.conftest import shared
from tests.data.painted import atlas, box_mask, label, png, record, write_manifest
from tests.data.test_sa1b import write_folder

CAT = label(box_mask(48, 64, (4, 4, 30, 30)), "cat")
IMAGE = {"id": 3, "file_name": "a.png", "width": 64, "height": 48}
CATEGORIES = [{"id": 1, "name": "cat", "isthing": 1}]


def write_json(path: Path, document: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
    return path


def write_picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png(atlas(48, 64)))


def instances(path: Path) -> Path:
    annotation = {"image_id": 3, "category_id": 1, "iscrowd": 0, "segmentation": CAT.rle}
    return write_json(path, {"images": [IMAGE], "annotations": [annotation], "categories": CATEGORIES})


def test_a_manifest_with_words_for_stuff(tmp_path: Path) -> None:
    sky = replace(CAT, category="sky-other-merged")
    path = write_manifest(tmp_path / "set.json.gz", [("a.png", "s", [CAT, sky, replace(CAT, category=None)])])
    (found,) = open_data([path]).records
    assert [item.is_thing for item in found.objects] == [True, False, True]


@pytest.mark.parametrize("pictures", ["train2017", "annotations/train2017", "images", "JPEGImages", "."])
def test_coco_instances(tmp_path: Path, pictures: str) -> None:
    write_picture(tmp_path / pictures / "a.png")
    (found,) = open_data([instances(tmp_path / "annotations" / "instances_train2017.json")]).records
    assert np.array_equal(found.read(), atlas(48, 64))
    assert np.array_equal(found.objects[0].mask(), CAT.mask())


def test_coco_panoptic(tmp_path: Path) -> None:
    write_picture(tmp_path / "val" / "a.png")
    ids = np.zeros((48, 64, 3), np.uint8)
    ids[CAT.mask(), 0] = 7
    (tmp_path / "panoptic_val").mkdir()
    (tmp_path / "panoptic_val" / "a.png").write_bytes(png(ids))
    segment = {"id": 7, "category_id": 1, "iscrowd": 0}
    annotation = {"image_id": 3, "file_name": "a.png", "segments_info": [segment]}
    document = {"images": [IMAGE], "annotations": [annotation], "categories": CATEGORIES}
    (found,) = open_data([write_json(tmp_path / "annotations" / "panoptic_val.json", document)]).records
    assert found.is_exhaustive
    assert np.array_equal(found.objects[0].mask(), CAT.mask())


def video(masks: list[Any]) -> dict[str, Any]:
    entry = {"id": 1, "file_names": ["v/0.png", "v/1.png"], "width": 64, "height": 48}
    annotation = {"video_id": 1, "category_id": 1, "segmentations": masks}
    return {"videos": [entry], "annotations": [annotation], "categories": CATEGORIES}


def test_youtube_vis(tmp_path: Path) -> None:
    write_picture(tmp_path / "train" / "JPEGImages" / "v" / "0.png")
    (clip,) = open_data([write_json(tmp_path / "train.json", video([CAT.rle, None]))]).clips
    assert (clip.key, len(clip.frames), clip.objects[0][1]) == ("v", 2, None)
    with pytest.raises(InputError, match=r"^an object of v/0.png has 1 masks for 2 frames; mend the file$"):
        open_data([write_json(tmp_path / "train.json", video([CAT.rle]))])


def test_folders_and_several_at_once(tmp_path: Path) -> None:
    (tmp_path / "sa").mkdir()
    write_folder(tmp_path / "sa", (1, 2))
    write_picture(tmp_path / "plain" / "sub" / "a.png")
    (tmp_path / "plain" / "b.jpg").write_bytes(b"no picture")
    found = open_data([tmp_path / "sa", tmp_path / "plain"])
    assert [item.source for item in found.records] == ["sa-1b", "sa-1b", "plain"]
    assert [item.is_labelled for item in found.records] == [True, True, False]
    assert [skip.key for skip in found.skipped] == ["b.jpg"]


def test_what_is_no_data_set(tmp_path: Path) -> None:
    (tmp_path / "labelled").mkdir()
    write_manifest(tmp_path / "labelled" / "set.json.gz", [("a.png", "s", [CAT])])
    write_picture(tmp_path / "labelled" / "a.png")
    write_picture(tmp_path / "outlined" / "a.jpg")
    write_json(tmp_path / "outlined" / "a.json", {"shapes": []})
    (tmp_path / "empty").mkdir()
    (tmp_path / "x.tar").touch()
    prompted = {"mask": CAT.rle, "category": "cat", "box": [0, 0, 1, 1], "point": [0, 0], "area": 1}
    pictures = [{"file": "a.png", "width": 64, "height": 48, "source": "s", "objects": [prompted]}]
    for path, message in (
        (tmp_path / "none", r"none does not exist; check the path to the data set$"),
        (tmp_path / "x.tar", r"x\.tar is of no known layout; known are NAME\.json\.gz .*, a folder of pictures$"),
        (tmp_path / "empty", r"empty is of no known layout; known are .*, a folder of pictures$"),
        (tmp_path / "labelled", r"labelled is a folder with labels \(set\.json\.gz\); name the JSON file itself$"),
        (tmp_path / "outlined", r"outlined is a folder with labels \(a\.json\); name the JSON file itself$"),
        (write_json(tmp_path / "y.json", {"b": 1, "a": 2}), r"of no known layout \(it has a, b\); known are .*$"),
        (
            write_json(tmp_path / "manifest.json", {"version": 1, "pictures": pictures}),
            r"is a measuring set \(its objects have prompts\); measure on it, do not train on it$",
        ),
        (
            write_json(tmp_path / "z.json", {"version": 1, "pictures": [{"objects": []}]}),
            r"z\.json: an entry is not of its layout \(KeyError\('file'\)\); check the file$",
        ),
        (instances(tmp_path / "w" / "instances_q.json"), r"names 'a\.png', which is not in .*q, .*; put it there$"),
        (write_json(tmp_path / "n.json", {"version": 1, "pictures": []}), "hold no picture and no clip"),
    ):
        with pytest.raises(InputError, match=message) as caught:
            open_data([path])
        assert "\n" not in str(caught.value)


def keyed(keys: list[str]) -> list[Record]:
    return [Record(key=key, picture=PictureFile(Path("x")), height=8, width=8, source="s", labels=()) for key in keys]


def test_the_part_held_out() -> None:
    records = keyed([f"tar:{i}.jpg" for i in range(2000)])
    train, held = hold_out(records, 0.1, 3)
    assert [item.key for item in records] == sorted((r.key for r in (*train, *held)), key=lambda k: int(k[4:-4]))
    assert abs(len(held) - 200) < 5 * (2000 * 0.1 * 0.9) ** 0.5
    names = {item.key for item in held}
    assert {r.key for r in hold_out(records[::-3], 0.1, 3)[1]} == {r.key for r in records[::-3]} & names
    assert {r.key for r in hold_out(records, 0.1, 4)[1]} != names
    # A larger share holds more, and all that the smaller held
    assert names < {r.key for r in hold_out(records, 0.2, 3)[1]}
    assert (hold_out(records, 0, 3)[1], hold_out(records, 1, 3)[0]) == ([], [])


def test_a_known_split() -> None:
    """Written down, so that a change of the hash is seen: results before and after could not be compared."""
    _, held = hold_out(keyed([f"{i}.jpg" for i in range(40)]), 0.2, 0)
    assert [int(item.key[:-4]) for item in held] == [2, 8, 17]


def test_a_picture_listed_twice_is_on_one_side() -> None:
    names = [f"{i}.jpg" for i in range(200)]
    for seed in range(3):
        train, held = hold_out(
            keyed([*names, *(f"panoptic/train/{n}" for n in names), *(f"tar:{n}" for n in names)]), 0.3, seed
        )
        sides = [{item.key.removeprefix("tar:").rpartition("/")[2] for item in side} for side in (train, held)]
        assert not sides[0] & sides[1]


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_that_cannot_be(share: float) -> None:
    with pytest.raises(InputError, match=rf"^the share held out is {share}; give a number from 0 to 1$"):
        hold_out([], share, 0)


def test_a_lying_picture_has_the_size_that_a_person_sees(tmp_path: Path) -> None:
    from PIL import ExifTags, Image

    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    Image.new("RGB", (64, 48)).save(tmp_path / "a.jpg", exif=exif)
    (found,) = open_data([tmp_path]).records
    assert (found.height, found.width) == (64, 48)
    assert found.read().shape == (64, 48, 3)
    assert record(tmp_path, "b.png").read().shape == (48, 64, 3)


def test_the_shared_data() -> None:
    paths = [
        "train.json.gz",
        "train2.json.gz",
        "panoptic/annotations/panoptic_train.json",
        "clips/instances_train.json",
    ]
    found = open_data([shared("data", path) for path in paths])
    assert (len(found.records), len(found.clips), found.skipped) == (1563 + 2862 + 259, 10, ())
    train, held = hold_out(found.records, 0.05, 0)
    names = [{item.key.removeprefix("tar:").rpartition("/")[2] for item in side} for side in (train, held)]
    assert not names[0] & names[1]
    with pytest.raises(InputError, match="is a measuring set"):
        open_data([shared("data", "eval", "manifest.json")])
