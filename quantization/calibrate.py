"""Calibration pictures: real ones, in a fixed order, with a hash that says which."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rmpsam_mobile.contracts import ModelContract, PointLabel
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.fit import Fit, fit_picture
from rmpsam_mobile.picture import read_picture
from rmpsam_mobile.preprocess import pixel_values

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})
Array = NDArray[np.float32]


@dataclass(frozen=True)
class Calibration:
    """Pictures that could be read, those that could not with the reason, and the hash of the former's bytes."""

    files: tuple[Path, ...]
    skipped: tuple[tuple[str, str], ...]
    sha256: str

    def inputs(self, contract: ModelContract) -> Iterator[tuple[Array, tuple[Array, Array, Array, Array]]]:
        """Pixel values [1, 3, H, W] of each picture, and its prompts: points, labels, boxes, image_size."""
        for index, file in enumerate(self.files):
            picture = read_picture(file)
            fit = fit_picture(picture.shape[0], picture.shape[1], contract.sizes.size)
            yield pixel_values(picture, fit), drawn_prompts(fit, contract, seed=index)


def read_calibration(folder: str | Path, limit: int = 64) -> Calibration:
    """Take the first ``limit`` pictures of a folder by name.

    Raises:
        InputError: no folder, no readable picture in it, or a limit below 1.
    """
    folder = Path(folder)
    if limit < 1:
        raise InputError(f"{limit} pictures; at least 1; try --limit 64")
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; give one with pictures like those of the app")
    candidates = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and not p.name.startswith("."))
    files: list[Path] = []
    skipped: list[tuple[str, str]] = []
    digest = hashlib.sha256()
    for path in candidates:
        if len(files) == limit:
            break
        try:
            read_picture(path)
        except InputError as error:
            skipped.append((path.name, str(error)))
            continue
        digest.update(path.read_bytes())
        files.append(path)
    if not files:
        raise InputError(
            f"{folder} has no readable picture ({len(candidates)} tried); wanted {', '.join(sorted(SUFFIXES))}"
        )
    return Calibration(tuple(files), tuple(skipped), digest.hexdigest())


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
