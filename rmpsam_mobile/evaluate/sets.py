"""Measuring sets on disk: what each protocol wants to find, and one line where it does not."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Generic, TypeVar

from rmpsam_mobile.data import Clip, Prompted, Record, read_eval_manifest, read_youtube_vis
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.evaluate.instance_truth import TrueObjects, objects_of_coco, objects_of_manifest
from rmpsam_mobile.evaluate.panoptic_truth import PanopticTruth, read_panoptic_truth

PROTOCOLS: Final = {
    "box": "one ground-truth box an object",
    "click": "one click an object, or more with --clicks",
    "panoptic": "every pixel named: PQ, SQ, RQ",
    "instance": "countable objects with their names: mask AP",
    "video": "objects followed through clips: J, F, identity, video AP",
    "everything": "masks without a prompt: AR and decoder time against a grid of clicks",
}
MAX_CLICKS: Final = 8

T = TypeVar("T")


@dataclass(frozen=True)
class Measuring(Generic[T]):
    """A measuring set: what was read, how many pictures or clips are used of how many, the file that says so.

    ``sha256`` is that file's: two reports with the same one were measured on the same truth.
    """

    content: T
    used: int
    available: int
    document: Path
    sha256: str


def open_prompted(folder: Path, limit: int | None = None) -> Measuring[list[tuple[Record, tuple[Prompted, ...]]]]:
    """Read a folder with ``manifest.json``: pictures with a box and a click for each object.

    Args:
        folder: the measuring set.
        limit: only so many of the first pictures.

    Raises:
        InputError: no such folder, no manifest, another layout, or nothing in it.
    """
    document = _required(folder, "manifest.json", "protocols box and click want a measuring set with its manifest")
    with _one_line(document, "a measuring set's manifest"):
        pictures = list(read_eval_manifest(folder))
    kept = pictures[:limit]
    if not any(objects for _, objects in kept):
        raise InputError(f"{document}: {len(kept)} pictures with 0 objects; at least 1 is needed; give another set")
    return _measuring(kept, len(kept), len(pictures), document)


def open_panoptic(folder: Path, split: str, limit: int | None = None) -> Measuring[PanopticTruth]:
    """Read a split of COCO's panoptic layout.

    Args:
        folder: holds ``annotations/panoptic_SPLIT.json``, the pictures in ``SPLIT`` and the maps in ``panoptic_SPLIT``
            (or in ``annotations/panoptic_SPLIT``, where COCO's own archive puts them).
        split: its name.
        limit: only so many of the first pictures.

    Raises:
        InputError: no such folder or split, another layout, or nothing in it.
    """
    what = "protocol panoptic wants COCO's panoptic layout; name the part with --split"
    document = _required(folder, f"annotations/panoptic_{split}.json", what)
    maps = folder / f"panoptic_{split}"
    if not maps.is_dir():
        maps = folder / "annotations" / f"panoptic_{split}"
    truth = read_panoptic_truth(document, folder / split, maps)
    kept = PanopticTruth(truth.pictures[:limit], truth.categories)
    if not any(picture.segments for picture in kept.pictures):
        raise InputError(f"{document}: {len(kept.pictures)} pictures with 0 segments; at least 1 is needed")
    return _measuring(kept, len(kept.pictures), len(truth.pictures), document)


def open_objects(folder: Path, split: str, limit: int | None = None) -> Measuring[list[TrueObjects]]:
    """Read a folder with ``manifest.json``, or else a split of COCO's instances layout.

    Args:
        folder: holds the manifest; or ``instances_SPLIT.json``, in ``annotations`` too, and the pictures in ``SPLIT``.
        split: its name, of the second form.
        limit: only so many of the first pictures.

    Raises:
        InputError: no such folder, none of the two, another layout, or nothing in it.
    """
    what = "protocols instance and everything want a manifest.json or COCO's instances layout"
    if (folder / "manifest.json").is_file():
        document = folder / "manifest.json"
        with _one_line(document, "a measuring set's manifest"):
            pictures = objects_of_manifest(folder)
    else:
        beside = (folder / f"instances_{split}.json").is_file()
        name = f"instances_{split}.json" if beside else f"annotations/instances_{split}.json"
        document = _required(folder, name, f"{what}; name the part with --split")
        with _one_line(document, "COCO's instances layout"):
            pictures = objects_of_coco(document, folder / split)
    kept = pictures[:limit]
    if not any(picture.objects for picture in kept):
        raise InputError(f"{document}: {len(kept)} pictures with 0 objects; at least 1 is needed; give another set")
    return _measuring(kept, len(kept), len(pictures), document)


def open_clips(folder: Path, split: str, limit: int | None = None) -> Measuring[list[Clip]]:
    """Read a split of YouTube-VIS's layout.

    Args:
        folder: holds ``instances_SPLIT.json`` and the frames below ``SPLIT``.
        split: its name.
        limit: only so many of the first clips.

    Raises:
        InputError: no such folder or split, another layout, or nothing in it.
    """
    what = "protocol video wants YouTube-VIS's layout; name the part with --split"
    document = _required(folder, f"instances_{split}.json", what)
    with _one_line(document, "YouTube-VIS's layout"):
        clips = read_youtube_vis(document, folder / split)
    kept = clips[:limit]
    if not any(clip.objects for clip in kept):
        raise InputError(f"{document}: {len(kept)} clips with 0 objects; at least 1 is needed; give another set")
    return _measuring(kept, len(kept), len(clips), document)


def file_sha256(path: Path) -> str:
    """Hash of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _required(folder: Path, name: str, what: str) -> Path:
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; {what}")
    if not (folder / name).is_file():
        raise InputError(f"{folder} holds no {name}; {what}")
    return folder / name


def _measuring(content: T, used: int, available: int, document: Path) -> Measuring[T]:
    return Measuring(content, used, available, document, file_sha256(document))


@contextmanager
def _one_line(document: Path, layout: str) -> Iterator[None]:
    """Readers of data trust what stands in a file; a person gets one line all the same."""
    try:
        yield
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        reason = f"{type(error).__name__}: {str(error)[:60]}"
        raise InputError(f"{document}: is not {layout} ({reason}); give another set") from None
