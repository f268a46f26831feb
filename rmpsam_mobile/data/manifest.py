"""Our own manifests: pictures in a tar file or folder, masks as run-length codes, and measuring sets with prompts."""

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rmpsam_mobile.data.documents import inside, read_document
from rmpsam_mobile.data.records import ObjectLabel, PictureFile, Prompted, Record
from rmpsam_mobile.data.stuff import STUFF
from rmpsam_mobile.errors import InputError

UNLABELLED = "unlabelled"  # sources whose names begin so have no masks because nobody drew any


def read_manifest(path: str | Path) -> list[Record]:
    """Read ``NAME.json.gz``, whose pictures lie in ``NAME.tar`` (as ``tar:MEMBER``) or below its folder.

    Raises:
        InputError: missing, of another layout, or naming a picture that is not there.
    """
    path = Path(path)
    return manifest_records(read_document(path, ("version", "pictures")), path)


def manifest_records(document: dict[str, Any], path: Path) -> list[Record]:
    """Pictures of a manifest that was read from ``path``; words for stuff in ``data.stuff`` are no things.

    Raises:
        InputError: it names a picture that is not there.
    """
    archive = path.with_name(path.name.removesuffix(".gz").removesuffix(".json") + ".tar")
    members = _members(archive) if archive.exists() else {}
    return [_record(entry, path.parent, archive, members) for entry in document["pictures"]]


def read_eval_manifest(folder: str | Path) -> Iterator[tuple[Record, tuple[Prompted, ...]]]:
    """Read ``manifest.json`` of a measuring set: pictures, and for each object the box and click that ask for it.

    Raises:
        InputError: missing, or of another layout.
    """
    folder = Path(folder)
    document = read_document(folder / "manifest.json", ("version", "pictures"))
    for entry in document["pictures"]:
        prompted = []
        for item in entry["objects"]:
            x, y, width, height = item["box"]
            label = ObjectLabel(item["mask"], item["category"])
            prompted.append(Prompted(label, (x, y, x + width, y + height), tuple(item["point"]), item["area"]))
        yield _record(entry, folder, folder / "none.tar", {}), tuple(prompted)


def _record(entry: dict[str, Any], folder: Path, archive: Path, members: dict[str, tuple[int, int]]) -> Record:
    if entry["file"].startswith("tar:"):
        member = entry["file"].removeprefix("tar:")
        if member not in members:
            raise InputError(f"{archive}: has no member {member!r}; copy the data set again")
        offset, size = members[member]
        picture = PictureFile(archive, offset, size)
    else:
        picture = PictureFile(inside(folder, entry["file"]))
    objects = tuple(
        ObjectLabel(item["mask"], item["category"], item["category"] not in STUFF) for item in entry["objects"]
    )
    return Record(
        key=entry["file"],
        picture=picture,
        height=entry["height"],
        width=entry["width"],
        source=entry["source"],
        labels=objects,
        is_labelled=not entry["source"].startswith(UNLABELLED),
    )


def _members(archive: Path) -> dict[str, tuple[int, int]]:
    """Offset and length of every file of an uncompressed tar."""
    try:
        with tarfile.open(archive, "r:") as tar:
            return {member.name: (member.offset_data, member.size) for member in tar if member.isfile()}
    except (OSError, tarfile.TarError) as error:
        raise InputError(f"{archive}: is no plain tar file ({str(error)[:60]}); copy it again") from None
