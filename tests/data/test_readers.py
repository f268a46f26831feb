"""Readers on small data sets made here, and on the shared ones."""

import gzip
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pycocotools import mask as coco_mask

from rmpsam_mobile.data import (
    read_coco_instances,
    read_coco_panoptic,
    read_eval_manifest,
    read_folder,
    read_manifest,
    read_youtube_vis,
)
from rmpsam_mobile.errors import InputError
from tests.conftest import shared

MASK = np.zeros((12, 16), bool)
MASK[3:7, 2:9] = True


def rle(mask: NDArray[np.bool_]) -> dict[str, Any]:
    code = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"size": list(code["size"]), "counts": code["counts"].decode()}


def picture(seed: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (12, 16, 3), np.uint8)


def png(pixels: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def write_manifest(folder: Path, name: str = "tar:a.png") -> Path:
    with tarfile.open(folder / "small.tar", "w") as tar:
        for member, seed in (("a.png", 1), ("b.png", 2)):
            raw = png(picture(seed))
            info = tarfile.TarInfo(member)
            info.size = len(raw)
            tar.addfile(info, io.BytesIO(raw))
    pictures = [
        {"file": name, "width": 16, "height": 12, "source": "s", "objects": [{"mask": rle(MASK), "category": "cat"}]},
        {"file": "tar:b.png", "width": 16, "height": 12, "source": "unlabelled-x", "objects": []},
    ]
    path = folder / "small.json.gz"
    path.write_bytes(gzip.compress(json.dumps({"version": 1, "pictures": pictures}).encode()))
    return path


def test_a_manifest_and_its_tar(tmp_path: Path) -> None:
    first, second = read_manifest(write_manifest(tmp_path))
    assert np.array_equal(first.read(), picture(1))
    assert np.array_equal(second.read(), picture(2))
    (label,) = first.objects
    assert (label.category, first.is_labelled, second.is_labelled) == ("cat", True, False)
    assert np.array_equal(label.mask(), MASK)


@pytest.mark.parametrize(
    ("name", "message"),
    [("tar:z.png", "has no member 'z.png'; copy the data set again"), ("../x.png", "lies outside of it")],
)
def test_a_manifest_that_names_what_is_not_there(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_manifest(write_manifest(tmp_path, name))


def test_broken_documents_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    for raw, message in (
        (b"{", "is no JSON"),
        (b"[]", "has no version, pictures"),
        (b'{"version": 1}', "has no pictures"),
    ):
        path.write_bytes(raw)
        with pytest.raises(InputError, match=message):
            read_manifest(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_manifest(tmp_path / "none.json")


def test_a_picture_of_another_size_than_its_masks(tmp_path: Path) -> None:
    path = write_manifest(tmp_path)
    document = json.loads(gzip.decompress(path.read_bytes()))
    document["pictures"][0]["width"] = 17
    path.write_bytes(gzip.compress(json.dumps(document).encode()))
    with pytest.raises(InputError, match=r"the picture is 16 x 12 px, its masks 17 x 12 px; leave it out$"):
        read_manifest(path)[0].read()


def test_an_eval_manifest(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(picture(1)))
    item = {"mask": rle(MASK), "box": [2, 3, 7, 4], "point": [5, 5], "area": 28, "category": None}
    entry = {"file": "a.png", "width": 16, "height": 12, "source": "s", "licence": "l", "objects": [item]}
    (tmp_path / "manifest.json").write_text(json.dumps({"version": 1, "pictures": [entry]}))
    ((record, (found,)),) = read_eval_manifest(tmp_path)
    assert np.array_equal(record.read(), picture(1))
    assert (found.box, found.point, found.area) == ((2, 3, 9, 7), (5, 5), 28)


def test_coco_panoptic(tmp_path: Path) -> None:
    ids = np.zeros((12, 16), np.uint32)
    ids[MASK], ids[8:] = 70000, 5
    colours = np.stack((ids % 256, ids // 256 % 256, ids // 65536), -1).astype(np.uint8)
    (tmp_path / "a.png").write_bytes(png(colours))
    (tmp_path / "a.jpg").write_bytes(png(picture(1)))
    segments = [{"id": 70000, "category_id": 1, "iscrowd": 0}, {"id": 5, "category_id": 9, "iscrowd": 1}]
    document = {
        "images": [{"id": 3, "file_name": "a.jpg", "width": 16, "height": 12}],
        "annotations": [{"image_id": 3, "file_name": "a.png", "segments_info": segments}],
        "categories": [{"id": 1, "name": "cat", "isthing": 1}, {"id": 9, "name": "sky", "isthing": 0}],
    }
    (tmp_path / "p.json").write_text(json.dumps(document))
    (record,) = read_coco_panoptic(tmp_path / "p.json", tmp_path, tmp_path)
    (label,) = record.objects
    assert (label.category, label.is_thing, record.is_exhaustive) == ("cat", True, True)
    assert np.array_equal(label.mask(), MASK)


def test_coco_instances_in_three_forms(tmp_path: Path) -> None:
    plain = {"size": [12, 16], "counts": [0, 12, 180]}  # the first column
    forms: list[Any] = [rle(MASK), plain, [[2.0, 3.0, 9.0, 3.0, 9.0, 7.0, 2.0, 7.0]]]
    annotations = [{"image_id": 3, "category_id": 1, "iscrowd": 0, "segmentation": form} for form in forms]
    annotations.append({"image_id": 3, "category_id": 1, "iscrowd": 1, "segmentation": plain})
    document = {
        "images": [{"id": 3, "file_name": "a.jpg", "width": 16, "height": 12}],
        "annotations": annotations,
        "categories": [{"id": 1, "name": "cat"}],
    }
    (tmp_path / "i.json").write_text(json.dumps(document))
    (record,) = read_coco_instances(tmp_path / "i.json", tmp_path)
    masks = [label.mask() for label in record.objects]
    assert np.array_equal(masks[0], MASK)
    assert np.array_equal(masks[1], np.arange(16)[None] + np.zeros((12, 1)) < 1)
    assert np.array_equal(masks[2], MASK)


def test_a_folder_says_what_it_skips(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.png").write_bytes(png(picture(1)))
    (tmp_path / "b.jpg").write_bytes(b"no picture")
    (record,), (skipped,) = read_folder(tmp_path)
    assert (record.key, record.is_labelled, record.height, record.width) == ("sub/a.png", False, 12, 16)
    assert skipped.key == "b.jpg"
    with pytest.raises(InputError, match="is no folder"):
        read_folder(tmp_path / "none")


def test_the_shared_training_data() -> None:
    records = read_manifest(shared("data", "train.json.gz"))
    assert (len(records), sum(len(record.objects) for record in records)) == (1563, 20908)
    for record in records[::150]:
        assert record.read().shape[:2] == record.objects[0].mask().shape
    second = read_manifest(shared("data", "train2.json.gz"))
    assert sum(not record.is_labelled for record in second) == 855


def test_the_shared_measuring_data() -> None:
    pictures = list(read_eval_manifest(shared("data", "eval")))
    objects = [(found, record) for record, prompted in pictures for found in prompted]
    assert (len(pictures), len(objects)) == (185, 840)
    for found, _ in objects[::40]:
        mask, (x, y) = found.label.mask(), found.point
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        assert mask[int(y), int(x)]
        assert found.area == mask.sum()
        assert found.box == (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)


def test_the_shared_panoptic_and_video_data() -> None:
    folder = shared("data", "panoptic")
    records = read_coco_panoptic(folder / "annotations" / "panoptic_val.json", folder / "val", folder / "panoptic_val")
    assert len(records) == 66
    masks = np.stack([label.mask() for label in records[0].objects])
    assert masks.sum(0).max() == 1  # a panoptic map does not overlap itself
    clips = read_youtube_vis(shared("data", "clips", "instances_val.json"), shared("data", "clips", "val"))
    assert (len(clips), {len(clip.frames) for clip in clips}) == (7, {6})
    label = clips[0].objects[0][0]
    assert label is not None
    assert label.mask().shape == clips[0].frames[0].read().shape[:2]
