"""Any data set that a person names, by its layout; and a part of it held out to choose by."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rmpsam_mobile.data.coco import instance_records, panoptic_records
from rmpsam_mobile.data.documents import read_document
from rmpsam_mobile.data.folder import SUFFIXES, read_folder
from rmpsam_mobile.data.manifest import manifest_records
from rmpsam_mobile.data.records import Record, Skipped
from rmpsam_mobile.data.sa1b import SA1B_KEYS, read_sa1b
from rmpsam_mobile.data.youtube_vis import Clip, vis_clips
from rmpsam_mobile.errors import InputError

LAYOUTS = (
    "known are NAME.json.gz with pictures in NAME.tar, COCO panoptic or instances JSON, YouTube-VIS JSON, "
    "a folder of SA-1B (sa_NNN.jpg, sa_NNN.json), a folder of pictures"
)


@dataclass(frozen=True, kw_only=True)
class DataSources:
    """What was found in all paths together.

    Attributes:
        records: labelled and unlabelled pictures.
        clips: labelled videos.
        skipped: files that were found and cannot be used.
    """

    records: tuple[Record, ...] = ()
    clips: tuple[Clip, ...] = ()
    skipped: tuple[Skipped, ...] = ()


def open_data(paths: Sequence[str | Path]) -> DataSources:
    """Recognise and read data sets.

    Pictures of a COCO document are looked for in the folders beside it and one level up that are named after its split
    (``annotations/panoptic_train2017.json``: ``train2017`` and ``panoptic_train2017``), as ``JPEGImages`` and as
    ``images``; those of YouTube-VIS likewise.

    Raises:
        InputError: a path that is not there, of no known layout, a measuring set, or whose pictures are not found.
    """
    found = [_open(Path(path)) for path in paths]
    if not any(source.records or source.clips for source in found):
        raise InputError(f"{len(paths)} data sets hold no picture and no clip; {LAYOUTS}")
    return DataSources(
        records=tuple(record for source in found for record in source.records),
        clips=tuple(clip for source in found for clip in source.clips),
        skipped=tuple(skip for source in found for skip in source.skipped),
    )


def hold_out(records: Iterable[Record], share: float, seed: int) -> tuple[list[Record], list[Record]]:
    """Set a part of training data aside, by a hash of each picture's file name: stable when data is added.

    Pictures of one file name are on the same side, in whichever folders they lie, so that a picture that two data sets
    list cannot be on both.

    Args:
        share: of the pictures, from 0 to 1, on average.

    Returns:
        the records to train on and the records held out, each in the given order.

    Raises:
        InputError: the share is not between 0 and 1.
    """
    if not 0 <= share <= 1:
        raise InputError(f"the share held out is {share}; give a number from 0 to 1")
    train: list[Record] = []
    held: list[Record] = []
    for record in records:
        name = record.key.removeprefix("tar:").rpartition("/")[2]
        digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
        (held if int.from_bytes(digest[:8], "big") < share * 2**64 else train).append(record)
    return train, held


def _open(path: Path) -> DataSources:
    if path.is_dir():
        return _open_folder(path)
    if not path.is_file():
        raise InputError(f"{path} does not exist; check the path to the data set")
    if not path.name.endswith((".json", ".json.gz")):
        raise InputError(f"{path} is of no known layout; {LAYOUTS}")
    document = read_document(path, ())
    try:
        return _open_document(path, document)
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise InputError(f"{path}: an entry is not of its layout ({error!r:.80}); check the file") from None


def _open_folder(folder: Path) -> DataSources:
    documents = sorted((*folder.glob("*.json"), *folder.glob("*.json.gz")))
    beside = [path for path in documents if path.with_suffix(".jpg").is_file()]
    if beside and read_document(beside[0], ()).keys() >= set(SA1B_KEYS):
        records, skipped = read_sa1b(folder)
    elif documents:
        names = ", ".join(path.name for path in documents[:3])
        raise InputError(f"{folder} is a folder with labels ({names}); name the JSON file itself")
    elif any(path.suffix.lower() in SUFFIXES for path in folder.rglob("*")):
        records, skipped = read_folder(folder)
    else:
        raise InputError(f"{folder} is of no known layout; {LAYOUTS}")
    return DataSources(records=tuple(records), skipped=tuple(skipped))


def _open_document(path: Path, document: dict[str, Any]) -> DataSources:
    keys = document.keys()
    if {"version", "pictures"} <= keys:
        if any("box" in item for entry in document["pictures"] for item in entry["objects"]):
            raise InputError(f"{path} is a measuring set (its objects have prompts); measure on it, do not train on it")
        return DataSources(records=tuple(manifest_records(document, path)))
    if {"videos", "annotations", "categories"} <= keys:
        names = [name for video in document["videos"] for name in video["file_names"]]
        return DataSources(clips=tuple(vis_clips(document, _folder_with(path, names, ""))))
    if {"images", "annotations", "categories"} <= keys:
        names = [image["file_name"] for image in document["images"]]
        pictures = _folder_with(path, names, "")
        if any("segments_info" in annotation for annotation in document["annotations"]):
            segments = _folder_with(path, [a["file_name"] for a in document["annotations"]], "panoptic_")
            return DataSources(records=tuple(panoptic_records(document, pictures, segments)))
        return DataSources(records=tuple(instance_records(document, pictures)))
    raise InputError(f"{path} is of no known layout (it has {', '.join(sorted(keys))[:80]}); {LAYOUTS}")


def _folder_with(path: Path, names: Sequence[str], prefix: str) -> Path:
    """The folder below which a document's first file lies."""
    split = path.name.removesuffix(".gz").removesuffix(".json")
    for word in ("panoptic_", "instances_"):
        split = split.removeprefix(word)
    subfolders = [prefix + split, *(["JPEGImages", f"{split}/JPEGImages", "images", ""] if not prefix else [])]
    candidates = [parent / name for parent in (path.parent, path.parent.parent) for name in subfolders]
    for folder in candidates:
        if names and (folder / names[0]).is_file():
            return folder
    looked = ", ".join(str(folder) for folder in candidates[:2])
    raise InputError(f"{path} names {names[0] if names else 'no picture'!r}, which is not in {looked}; put it there")
