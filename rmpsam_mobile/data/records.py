"""One labelled picture, whatever layout it came from. H, W its height and width in pixels."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from rmpsam_mobile.errors import InputError
from rmpsam_mobile.picture import read_picture
from rmpsam_mobile.rle import Rle, decode_mask


@dataclass(frozen=True)
class ObjectLabel:
    """One object: its mask as COCO run-length code of [H, W], its class if it has one."""

    rle: Rle
    category: str | None = None
    is_thing: bool = True

    def mask(self) -> NDArray[np.bool_]:
        """Decode to bool [H, W]."""
        return decode_mask(self.rle)


@dataclass(frozen=True)
class PictureFile:
    """Where a picture's bytes lie: a file, or a stretch of a tar file, which any process can read by itself."""

    path: Path
    offset: int = 0
    num_bytes: int | None = None

    def size(self) -> tuple[int, int]:
        """Height and width of the upright picture in pixels, from the header of a file of its own.

        Raises:
            InputError: no picture.
        """
        try:
            with Image.open(self.path) as picture:
                width, height = picture.size
                is_lying = picture.getexif().get(ExifTags.Base.Orientation) in (5, 6, 7, 8)
        except (OSError, Image.DecompressionBombError) as error:
            raise InputError(f"{self.path}: no picture ({str(error)[:60]}); leave it out") from None
        return (width, height) if is_lying else (height, width)

    def read(self) -> NDArray[np.uint8]:
        """Decode to uint8 RGB [H, W, 3].

        Raises:
            InputError: no picture.
        """
        if self.num_bytes is None:
            return read_picture(self.path)
        with self.path.open("rb") as stream:
            stream.seek(self.offset)
            raw = stream.read(self.num_bytes)
        try:
            with Image.open(io.BytesIO(raw)) as picture:
                return read_picture(picture)
        except OSError as error:
            raise InputError(f"{self.path} at byte {self.offset}: no picture ({str(error)[:60]})") from None


@dataclass(frozen=True, kw_only=True)
class Record:
    """A picture and what is known of it.

    Attributes:
        key: unique in its data set.
        picture: where its pixels are.
        height: in pixels.
        width: in pixels.
        source: the collection it belongs to, by which it is drawn.
        labels: labelled objects, which may overlap and nest, or how to read them: a large set is not decoded at once.
        is_labelled: False where no object means that nobody looked.
        is_exhaustive: True where a pixel outside of every mask is known to be void: a panoptic truth.
    """

    key: str
    picture: PictureFile
    height: int
    width: int
    source: str
    labels: tuple[ObjectLabel, ...] | Callable[[], tuple[ObjectLabel, ...]]
    is_labelled: bool = True
    is_exhaustive: bool = False

    @property
    def objects(self) -> tuple[ObjectLabel, ...]:
        """The labelled objects."""
        return self.labels() if callable(self.labels) else self.labels

    def read(self) -> NDArray[np.uint8]:
        """Picture as uint8 RGB [H, W, 3].

        Raises:
            InputError: no picture, or of another size than its masks.
        """
        pixels = self.picture.read()
        if pixels.shape[:2] != (self.height, self.width):
            size = f"{pixels.shape[1]} x {pixels.shape[0]} px"
            raise InputError(
                f"{self.key}: the picture is {size}, its masks {self.width} x {self.height} px; leave it out"
            )
        return pixels


@dataclass(frozen=True)
class Prompted:
    """An object of a measuring set: its mask, the box and the click that ask for it, in pixels of the picture.

    ``box`` is x1, y1, x2, y2 with right and bottom exclusive; ``point`` the pixel x, y deepest inside.
    """

    label: ObjectLabel
    box: tuple[float, float, float, float]
    point: tuple[float, float]
    area: int


@dataclass(frozen=True)
class Skipped:
    """An entry that could not be used, and why."""

    key: str
    reason: str
