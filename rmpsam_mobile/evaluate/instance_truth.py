"""The truth of objects as they are measured: measuring sets with their manifest, or COCO's instances with crowds."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rmpsam_mobile.data import Record, read_eval_manifest
from rmpsam_mobile.data.coco import encode_segmentation
from rmpsam_mobile.data.documents import inside, read_document
from rmpsam_mobile.data.records import PictureFile
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.rle import Rle


@dataclass(frozen=True)
class TrueObject:
    """An object: its mask, its category if it has one, and whether it stands for a crowd."""

    rle: Rle
    category: str | None
    is_crowd: bool = False


@dataclass(frozen=True)
class TrueObjects:
    """A picture and the objects in it."""

    record: Record
    objects: tuple[TrueObject, ...]

    def checked(self) -> "TrueObjects":
        """Return self, or refuse masks of another size than the picture.

        Raises:
            InputError: names both sizes.
        """
        wanted = [self.record.height, self.record.width]
        for found in self.objects:
            if list(found.rle["size"]) != wanted:
                size, picture = (f"{width} x {height} px" for height, width in (found.rle["size"], wanted))
                raise InputError(f"{self.record.key}: a mask is {size}, the picture {picture}; leave it out")
        return self


def objects_of_manifest(folder: Path) -> list[TrueObjects]:
    """Pictures of a folder with ``manifest.json``.

    Raises:
        InputError: missing, or of another layout.
    """
    return [
        TrueObjects(record, tuple(TrueObject(o.label.rle, o.label.category) for o in objects))
        for record, objects in read_eval_manifest(folder)
    ]


def objects_of_coco(document: Path, pictures: Path) -> list[TrueObjects]:
    """Pictures of ``instances_SPLIT.json``, those without an object too.

    Args:
        document: the file.
        pictures: folder that its ``file_name`` are below.

    Raises:
        InputError: missing, of another layout, or a mask in no known form.
    """
    content = read_document(document, ("images", "annotations", "categories"))
    names = {category["id"]: category["name"] for category in content["categories"]}
    images = {image["id"]: image for image in content["images"]}
    objects: defaultdict[int, list[TrueObject]] = defaultdict(list)
    for entry in content["annotations"]:
        image = images[entry["image_id"]]
        rle = encode_segmentation(entry["segmentation"], image["height"], image["width"])
        objects[entry["image_id"]].append(TrueObject(rle, names[entry["category_id"]], bool(entry.get("iscrowd"))))
    return [TrueObjects(_record(image, pictures), tuple(objects[key])) for key, image in images.items()]


def _record(image: dict[str, Any], pictures: Path) -> Record:
    return Record(
        key=image["file_name"],
        picture=PictureFile(inside(pictures, image["file_name"])),
        height=image["height"],
        width=image["width"],
        source=image.get("source", "coco"),
        labels=(),
    )
