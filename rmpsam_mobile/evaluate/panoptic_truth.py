"""The truth of a panoptic split as it is measured: ids, categories and crowds, which the training reader leaves out."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rmpsam_mobile.data.documents import inside, read_document
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.evaluate.panoptic_quality import VOID, TrueSegment
from rmpsam_mobile.picture import read_picture


@dataclass(frozen=True)
class TruePicture:
    """A picture of the split: where it and its map lie, its collection, its segments by id."""

    key: str
    picture: Path
    segments_file: Path
    source: str
    segments: dict[int, TrueSegment]

    def map(self) -> NDArray[np.int64]:
        """Ids [H, W], R + 256 G + 65536 B of the PNG file.

        Raises:
            InputError: no picture, or an id that the annotations do not know.
        """
        ids: NDArray[np.int64] = read_picture(self.segments_file).astype(np.int64) @ np.array([1, 256, 65536])
        strangers = set(np.unique(ids).tolist()) - {VOID, *self.segments}
        if strangers:
            raise InputError(
                f"{self.segments_file}: holds the id {min(strangers)}, which the annotations do not name; "
                "copy the data set again"
            )
        return ids


@dataclass(frozen=True)
class Category:
    """A category of the data set."""

    id: int
    name: str
    is_thing: bool


@dataclass(frozen=True)
class PanopticTruth:
    """Pictures and categories of a split."""

    pictures: tuple[TruePicture, ...]
    categories: tuple[Category, ...]


def read_panoptic_truth(annotations: Path, pictures: Path, segments: Path) -> PanopticTruth:
    """Read COCO's panoptic layout, crowds included.

    Args:
        annotations: ``panoptic_SPLIT.json``.
        pictures: folder of the photographs.
        segments: folder of the PNG files.

    Raises:
        InputError: missing or of another layout.
    """
    document = read_document(annotations, ("images", "annotations", "categories"))
    try:
        categories = tuple(Category(c["id"], c["name"], bool(c["isthing"])) for c in document["categories"])
        images = {image["id"]: image for image in document["images"]}
        found = tuple(
            _picture(entry, images[entry["image_id"]], pictures, segments) for entry in document["annotations"]
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{annotations}: lacks or misplaces {error}; it is not COCO's panoptic layout") from None
    strangers = {s.category for picture in found for s in picture.segments.values()} - {c.id for c in categories}
    if strangers:
        raise InputError(
            f"{annotations}: segments have the category {min(strangers)}, which it does not list; "
            "copy the data set again"
        )
    return PanopticTruth(found, categories)


def _picture(entry: dict[str, Any], image: dict[str, Any], pictures: Path, segments: Path) -> TruePicture:
    return TruePicture(
        image["file_name"],
        inside(pictures, image["file_name"]),
        inside(segments, entry["file_name"]),
        image.get("source", "coco-panoptic"),
        {s["id"]: TrueSegment(s["category_id"], bool(s.get("iscrowd"))) for s in entry["segments_info"]},
    )
