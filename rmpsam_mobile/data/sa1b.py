"""SA-1B (arXiv 2304.02643): masks without classes, one JSON file beside each photograph, in folders or tar shards."""

import io
import json
import tarfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rmpsam_mobile.data.coco import encode_segmentation
from rmpsam_mobile.data.documents import read_document
from rmpsam_mobile.data.records import ObjectLabel, PictureFile, Record, Skipped
from rmpsam_mobile.errors import InputError, MissingExtraError
from rmpsam_mobile.picture import read_picture

SA1B_KEYS = ("image", "annotations")
Labelled = tuple[NDArray[np.uint8], tuple[ObjectLabel, ...]]  # uint8 RGB [H, W, 3] and its objects


def read_sa1b(folder: str | Path) -> tuple[list[Record], list[Skipped]]:
    """Every ``sa_NNN.jpg`` in a folder with its ``sa_NNN.json``, and what has no partner or no readable header.

    The JSON files are read when the labels are asked for; SA-1B has 11 million of them.

    Raises:
        InputError: no folder, or no pair in it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; give one with sa_NNN.jpg and sa_NNN.json")
    pictures = {path.stem: path for path in sorted(folder.glob("*.jpg"))}
    documents = {path.stem: path for path in sorted(folder.glob("*.json"))}
    records = []
    skipped = [Skipped(f"{stem}.json", "has no picture beside it") for stem in documents.keys() - pictures.keys()]
    for stem, path in pictures.items():
        if stem not in documents:
            skipped.append(Skipped(path.name, "has no JSON file beside it"))
            continue
        try:
            height, width = PictureFile(path).size()
        except InputError as error:
            skipped.append(Skipped(path.name, str(error)))
            continue
        labels = partial(_read_labels, documents[stem])
        file = PictureFile(path)
        records.append(Record(key=path.name, picture=file, height=height, width=width, source="sa-1b", labels=labels))
    if not records:
        raise InputError(f"{folder} has no pair of sa_NNN.jpg and sa_NNN.json ({len(skipped)} without a partner)")
    return records, sorted(skipped, key=lambda skip: skip.key)


def stream_sa1b(shards: Sequence[str | Path], on_skip: Callable[[Skipped], None]) -> Iterable[Labelled]:
    """Stream the published tar shards once, in their order, never unpacking them.

    Shards are split over ranks (RANK and WORLD_SIZE, or torch.distributed) and within a rank over the workers of a
    ``torch.utils.data.DataLoader``: there should be as many shards as both together, else some have nothing to do.

    Args:
        on_skip: called for each picture or shard that cannot be read, with its name and the reason.

    Returns:
        a ``torch.utils.data.IterableDataset`` of uint8 RGB [H, W, 3] and objects; batch it with ``batch_size=None``.

    Raises:
        InputError: no shard, or one that is no file.
        MissingExtraError: webdataset is not installed.
    """
    try:
        import webdataset
    except ImportError:
        raise MissingExtraError(
            "tar shards need webdataset; install it with: pip install 'rmpsam-mobile[train]'"
        ) from None
    paths = [Path(shard) for shard in shards]
    if not paths:
        raise InputError("no shard was given; name at least one sa_NNNNNN.tar")
    for path in paths:
        if not path.is_file():
            raise InputError(f"{path} is no file; give the paths of SA-1B's tar files")
    stages = (webdataset.split_by_node, webdataset.split_by_worker, partial(_read_shards, on_skip=on_skip))
    pipeline: Iterable[Labelled] = webdataset.DataPipeline(
        webdataset.SimpleShardList([str(path.resolve()) for path in paths]), *stages
    )
    return pipeline


def _read_shards(urls: Iterable[dict[str, str]], on_skip: Callable[[Skipped], None]) -> Iterator[Labelled]:
    for url in urls:
        path = Path(url["url"])
        for members in _read_shard(path, on_skip):
            try:
                yield _decode(members)
            except InputError as error:
                on_skip(Skipped(f"{path.name}:{members['__key__']}", str(error)))


def _read_shard(path: Path, on_skip: Callable[[Skipped], None]) -> Iterator[dict[str, Any]]:
    """Groups of members of one name, as bytes by suffix."""
    from webdataset.tariterators import group_by_keys, tar_file_expander

    def name_and_go_on(error: Exception) -> bool:
        on_skip(Skipped(path.name, f"cannot be read on ({str(error)[:60]}); copy it again"))
        return True

    if not _has_end(path):  # tarfile takes a file that ends within a header for a whole one
        on_skip(Skipped(path.name, "has no end mark, it is cut off; what is there is read; copy it again"))
    with path.open("rb") as stream:  # webdataset's own opener leaves files open
        files = tar_file_expander([{"url": str(path), "stream": stream}], handler=name_and_go_on)
        yield from group_by_keys(files, handler=name_and_go_on)


def _has_end(path: Path) -> bool:
    """Whether a plain tar file ends with its two blocks of zeros."""
    with path.open("rb") as stream:
        stream.seek(max(path.stat().st_size - 2 * tarfile.BLOCKSIZE, 0))
        return stream.read() == bytes(2 * tarfile.BLOCKSIZE)


def _decode(members: dict[str, Any]) -> Labelled:
    for suffix in ("jpg", "json"):
        if suffix not in members:
            raise InputError(f"has no .{suffix} next to it in the tar file")
    try:
        document = json.loads(members["json"])
    except ValueError as error:
        raise InputError(f"is no JSON ({str(error)[:60]})") from None
    labels = _labels(document, str(members["__key__"]))
    try:
        with Image.open(io.BytesIO(members["jpg"])) as picture:
            pixels = read_picture(picture)
    except OSError as error:
        raise InputError(f"no picture ({str(error)[:60]})") from None
    wrong = [label.rle["size"] for label in labels if tuple(label.rle["size"]) != pixels.shape[:2]]
    if wrong:
        raise InputError(f"the picture is {list(pixels.shape[:2])}, a mask {wrong[0]} (height, width)")
    return pixels, labels


def _read_labels(path: Path) -> tuple[ObjectLabel, ...]:
    return _labels(read_document(path, SA1B_KEYS), str(path))


def _labels(document: Any, name: str) -> tuple[ObjectLabel, ...]:
    try:
        height, width = document["image"]["height"], document["image"]["width"]
        codes = [encode_segmentation(item["segmentation"], height, width) for item in document["annotations"]]
    except (KeyError, TypeError) as error:
        raise InputError(f"{name}: is not of SA-1B's layout (no {error}); leave it out") from None
    return tuple(ObjectLabel(code) for code in codes)
