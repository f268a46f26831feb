"""Small data sets painted for tests, with masks that are known by construction."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rmpsam_mobile.data import ObjectLabel, Record, Sample, Skipped
from rmpsam_mobile.data.records import PictureFile
from rmpsam_mobile.rle import encode_mask

BLUE = 200  # marks what is picture, against the zeros around it


def png(pixels: NDArray[np.uint8]) -> bytes:
    """The bytes of a lossless file of uint8 RGB [H, W, 3]."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def atlas(height: int, width: int) -> NDArray[np.uint8]:
    """A picture whose red is the column, green the row of each pixel, so that any view of it says where it looks."""
    assert max(height, width) <= 255
    rows, columns = np.mgrid[:height, :width]
    return np.stack((columns, rows, np.full_like(rows, BLUE)), -1).astype(np.uint8)


def box_mask(height: int, width: int, box: tuple[int, int, int, int]) -> NDArray[np.bool_]:
    """True in x1, y1, x2, y2 (right and bottom exclusive)."""
    mask = np.zeros((height, width), np.bool_)
    mask[box[1] : box[3], box[0] : box[2]] = True
    return mask


def label(mask: NDArray[np.bool_], category: str | None = None, *, is_thing: bool = True) -> ObjectLabel:
    return ObjectLabel(encode_mask(mask), category, is_thing)


def record(folder: Path, name: str, labels: Sequence[ObjectLabel] = (), **options: Any) -> Record:
    """An atlas of 48 x 64 px in a file, or the given ``pixels``, as a record with these labels."""
    pixels = options.pop("pixels", None)
    pixels = atlas(48, 64) if pixels is None else pixels
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png(pixels))
    return Record(
        key=name,
        picture=PictureFile(path),
        height=options.pop("height", pixels.shape[0]),
        width=options.pop("width", pixels.shape[1]),
        source=options.pop("source", "painted"),
        labels=tuple(labels),
        **options,
    )


def refuse(skip: Skipped) -> None:
    """What a stream calls for a broken picture, where none is."""
    raise AssertionError(f"{skip.key}: {skip.reason}")


def digest(sample: Sample) -> str:
    """Of all that a sample holds in pixels, masks and numbers."""
    parts = (sample.pixels.tobytes(), sample.masks.tobytes(), sample.labels.tobytes(), sample.key.encode())
    return hashlib.sha256(b"".join(parts)).hexdigest()


def write_manifest(path: Path, entries: Sequence[tuple[str, str, Sequence[ObjectLabel]]]) -> Path:
    """``NAME.json.gz`` and ``NAME.tar`` of atlases of 48 x 64 px: name, source and labels of each."""
    with tarfile.open(path.with_name(path.name.removesuffix(".json.gz") + ".tar"), "w") as tar:
        for name, _, _ in entries:
            add_member(tar, name, png(atlas(48, 64)))
    pictures = [
        {
            "file": f"tar:{name}",
            "width": 64,
            "height": 48,
            "source": source,
            "objects": [{"mask": item.rle, "category": item.category} for item in labels],
        }
        for name, source, labels in entries
    ]
    path.write_bytes(gzip.compress(json.dumps({"version": 1, "pictures": pictures}).encode()))
    return path


def add_member(tar: tarfile.TarFile, name: str, raw: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(raw)
    tar.addfile(info, io.BytesIO(raw))
