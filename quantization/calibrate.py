"""Calibration pictures: real ones, in a fixed order, with a hash that says which."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rmpsam_mobile.contracts import ModelContract, PointLabel
from rmpsam_mobile.data import Record, hold_out, open_data, read_folder
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.fit import Fit, fit_picture
from rmpsam_mobile.preprocess import pixel_values

FEW: Final = 8  # pictures: below, ranges may miss what the app meets
HELD_OUT: Final = (0.04, 0)  # share and seed of what training holds out: left for choosing
Array = NDArray[np.float32]
BLANK: Final = 4  # levels of 255 between the darkest and the brightest value of a picture that shows nothing


@dataclass(frozen=True)
class Calibration:
    """Pictures that could be read, those that could not with the reason, and the hash of the former's pixels.

    Attributes:
        records: in the order in which they are run; their objects are asked for, where they have any.
        skipped: name and reason.
        blank: names of those that show nothing, which are run and say nothing.
        sha256: of all pixels, in order.
    """

    records: tuple[Record, ...]
    skipped: tuple[tuple[str, str], ...]
    blank: tuple[str, ...]
    sha256: str

    def inputs(self, contract: ModelContract) -> Iterator[tuple[Array, tuple[Array, Array, Array, Array]]]:
        """Pixel values [1, 3, H, W] of each picture, and prompts anywhere: points, labels, boxes, image_size."""
        for index, record in enumerate(self.records):
            picture = record.read()
            fit = fit_picture(picture.shape[0], picture.shape[1], contract.sizes.size)
            yield pixel_values(picture, fit), drawn_prompts(fit, contract, seed=index)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know before trusting the ranges."""
        found = []
        if len(self.records) - len(self.blank) < FEW:
            shown = f"{len(self.records) - len(self.blank)} of {len(self.records)} pictures show anything"
            found.append(f"{shown}; ranges may be too narrow; use 32 or more")
        elif self.blank:
            found.append(f"{len(self.blank)} of {len(self.records)} pictures are of one colour and say nothing")
        return tuple(found)


def read_calibration(source: str | Path, limit: int = 64) -> Calibration:
    """Take ``limit`` pictures: the first of a folder by name, or of a data set's training part by source in turn.

    Raises:
        InputError: nothing there, no readable picture in it, only pictures of one colour, or a limit below 1.
    """
    source = Path(source)
    if limit < 1:
        raise InputError(f"{limit} pictures; at least 1; try --limit 64")
    if not source.exists():
        raise InputError(f"{source} is no folder and no data set; give one with pictures like those of the app")
    candidates, skipped = _candidates(source)
    return _read(source, candidates, limit, skipped)


def drawn_prompts(fit: Fit, contract: ModelContract, seed: int) -> tuple[Array, Array, Array, Array]:
    """Clicks and boxes all over the fitted picture, half each, the same for the same seed."""
    random = np.random.default_rng(seed)
    slots, num_points = contract.sizes.num_slots, contract.sizes.num_points
    extent = np.array([fit.fitted[1], fit.fitted[0]], np.float64)
    points = random.uniform(0, extent, (1, slots, num_points, 2))
    labels = np.full((1, slots, num_points + 1), PointLabel.EMPTY, np.float32)
    labels[0, ::2, 0] = labels[0, 1::2, -1] = PointLabel.FOREGROUND
    corners = np.sort(random.uniform(0, 1, (1, slots, 2, 2)), axis=2) * extent
    boxes = corners.reshape(1, slots, 4)
    size = np.array([fit.fitted], np.float32)
    return points.astype(np.float32), labels, boxes.astype(np.float32), size


def in_turn(records: Iterable[Record]) -> list[Record]:
    """One of each source after the other; within a source by a hash of the name, which no one has chosen."""
    sources: defaultdict[str, list[Record]] = defaultdict(list)
    for record in sorted(records, key=lambda r: hashlib.sha256(r.key.encode()).digest()):
        sources[record.source].append(record)
    turns = zip_longest(*(sources[name] for name in sorted(sources)))
    return [record for record in chain.from_iterable(turns) if record is not None]


def _candidates(source: Path) -> tuple[Sequence[Record], list[tuple[str, str]]]:
    if source.is_dir():
        records, broken = read_folder(source)
        shown = [record for record in records if not record.picture.path.name.startswith(".")]
        return shown, [(skip.key, skip.reason) for skip in broken if not skip.key.startswith(".")]
    found = open_data([source])
    train, _ = hold_out(found.records, *HELD_OUT)
    return in_turn(record for record in train if record.is_labelled), [(s.key, s.reason) for s in found.skipped]


def _read(source: Path, candidates: Sequence[Record], limit: int, skipped: list[tuple[str, str]]) -> Calibration:
    records: list[Record] = []
    blank: list[str] = []
    digest = hashlib.sha256()
    for record in candidates:
        if len(records) == limit:
            break
        try:
            pixels = record.read()
        except InputError as error:
            skipped.append((record.key, str(error)))
            continue
        digest.update(repr(pixels.shape).encode() + pixels.tobytes())
        records.append(record)
        if _is_blank(pixels):
            blank.append(record.key)
    if not records:
        raise InputError(f"{source} has no readable picture ({len(skipped)} tried); copy them again")
    if len(blank) == len(records):
        raise InputError(
            f"{source}: all {len(records)} pictures are of one colour; give pictures like those of the app"
        )
    return Calibration(tuple(records), tuple(sorted(skipped)), tuple(blank), digest.hexdigest())


def _is_blank(pixels: NDArray[np.uint8]) -> bool:
    return int(pixels.max()) - int(pixels.min()) < BLANK
