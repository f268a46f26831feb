"""COCO's layouts: panoptic (JSON and PNG) and instances."""

from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from rmpsam_mobile.data.documents import inside, read_document
from rmpsam_mobile.data.records import ObjectLabel, PictureFile, Record
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.picture import read_picture
from rmpsam_mobile.rle import Rle, encode_mask


def read_coco_panoptic(annotations: str | Path, pictures: str | Path, segments: str | Path) -> list[Record]:
    """Read a panoptic split; things and stuff are objects alike, crowds are left out and so become void.

    Args:
        annotations: ``panoptic_SPLIT.json``.
        pictures: folder of the photographs.
        segments: folder of the PNG files, id = R + 256 G + 65536 B.

    Raises:
        InputError: missing or of another layout.
    """
    document = read_document(Path(annotations), ("images", "annotations", "categories"))
    return panoptic_records(document, Path(pictures), Path(segments))


def panoptic_records(document: dict[str, Any], pictures: Path, segments: Path) -> list[Record]:
    """Pictures of a panoptic document; the PNG files are read when the labels are asked for.

    Raises:
        InputError: a file name leads out of its folder.
    """
    categories = {category["id"]: category for category in document["categories"]}
    images = {image["id"]: image for image in document["images"]}
    records = []
    for annotation in document["annotations"]:
        image = images[annotation["image_id"]]
        records.append(
            Record(
                key=image["file_name"],
                picture=PictureFile(inside(pictures, image["file_name"])),
                height=image["height"],
                width=image["width"],
                source=image.get("source", "coco-panoptic"),
                labels=partial(_segments, annotation, inside(segments, annotation["file_name"]), categories),
                is_exhaustive=True,
            )
        )
    return records


def read_coco_instances(annotations: str | Path, pictures: str | Path) -> list[Record]:
    """Read an instances split: polygons and run-length codes; crowds are left out.

    Raises:
        InputError: missing or of another layout.
    """
    document = read_document(Path(annotations), ("images", "annotations", "categories"))
    return instance_records(document, Path(pictures))


def instance_records(document: dict[str, Any], pictures: Path) -> list[Record]:
    """Pictures of an instances document.

    Raises:
        InputError: a mask in no known form, or a file name that leads out of its folder.
    """
    names = {category["id"]: category["name"] for category in document["categories"]}
    by_image: defaultdict[int, list[ObjectLabel]] = defaultdict(list)
    images = {image["id"]: image for image in document["images"]}
    for annotation in document["annotations"]:
        if annotation.get("iscrowd") or annotation["image_id"] not in images:
            continue
        image = images[annotation["image_id"]]
        rle = encode_segmentation(annotation["segmentation"], image["height"], image["width"])
        by_image[annotation["image_id"]].append(ObjectLabel(rle, names[annotation["category_id"]]))
    return [
        Record(
            key=image["file_name"],
            picture=PictureFile(inside(pictures, image["file_name"])),
            height=image["height"],
            width=image["width"],
            source="coco",
            labels=tuple(by_image[image_id]),
        )
        for image_id, image in images.items()
    ]


def encode_segmentation(segmentation: Any, height: int, width: int) -> Rle:
    """COCO's three forms of a mask (polygons, uncompressed and compressed codes) as a compressed code of [H, W].

    Raises:
        InputError: none of them.
    """
    from pycocotools import mask as coco_mask

    if isinstance(segmentation, list) and segmentation:
        merged: Rle = coco_mask.merge(coco_mask.frPyObjects(segmentation, height, width))
        return merged
    if isinstance(segmentation, dict) and isinstance(segmentation.get("counts"), list):
        coded: Rle = coco_mask.frPyObjects(segmentation, height, width)
        return coded
    if isinstance(segmentation, dict) and isinstance(segmentation.get("counts"), str):
        return segmentation
    raise InputError(f"a segmentation is {segmentation!s:.40}; wanted polygons or a run-length code")


def _segments(annotation: dict[str, Any], path: Path, categories: dict[int, Any]) -> tuple[ObjectLabel, ...]:
    wanted = [segment for segment in annotation["segments_info"] if not segment.get("iscrowd")]
    pixels = read_picture(path).astype(np.uint32)
    ids = pixels[..., 0] + 256 * pixels[..., 1] + 65536 * pixels[..., 2]
    labels = []
    for segment in wanted:
        rle = encode_mask(ids == segment["id"])
        category = categories[segment["category_id"]]
        labels.append(ObjectLabel(rle, category["name"], bool(category["isthing"])))
    return tuple(labels)
