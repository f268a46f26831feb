"""Small measuring sets in the three layouts, made of rectangles, and models that answer what a test tells them."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rmpsam_mobile.contracts import GraphSizes, ModelContract, Size
from rmpsam_mobile.preprocess import MEAN, STD
from rmpsam_mobile.rle import encode_mask
from rmpsam_mobile.runtime import Prompt

HEIGHT, WIDTH = 40, 50
Mask = NDArray[np.bool_]
CATEGORIES = ((1, "person", 1), (2, "car", 1), (90, "sky-other-merged", 0), (91, "spaceship", 1))


def rectangle(x1: int, y1: int, x2: int, y2: int, *, height: int = HEIGHT, width: int = WIDTH) -> Mask:
    """Filled, right and bottom exclusive."""
    mask = np.zeros((height, width), bool)
    mask[y1:y2, x1:x2] = True
    return mask


CORNER = rectangle(10, 10, 30, 30) & ~rectangle(20, 20, 30, 30)  # fills 3 quarters of its box
SQUARE = rectangle(4, 2, 8, 6)


def contract(*, num_points: int = 1, class_names: tuple[str, ...] = (), num_things: int = 0) -> ModelContract:
    """Of a model that is not there."""
    return ModelContract(
        preset="told",
        trained=True,
        sizes=GraphSizes(size=Size(64, 64), num_points=num_points, num_classes=len(class_names)),
        mean=MEAN,
        std=STD,
        click_half_width=3.0,
        class_names=class_names,
        num_things=num_things,
    )


class Told:
    """Answers each prompt by a function of the prompt and the picture's height and width; keeps what it was asked."""

    def __init__(self, answer: Callable[[Prompt, int, int], Mask], *, num_points: int = 1) -> None:
        self.contract = contract(num_points=num_points)
        self.asked: list[list[Prompt]] = []
        self.pictures = 0
        self._answer = answer
        self._shape = (0, 0)

    def set_image(self, image: NDArray[np.uint8], /) -> None:
        self._shape = (image.shape[0], image.shape[1])
        self.pictures += 1

    def predict_many(self, prompts: Sequence[Prompt], /) -> tuple[NDArray[Any], NDArray[np.floating]]:
        self.asked.append(list(prompts))
        return np.stack([self._answer(prompt, *self._shape) for prompt in prompts]), np.ones(len(prompts))


def noise(seed: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)


def write_prompted(folder: Path) -> Path:
    """Two pictures: a corner and a square in the first, of source ``a``; the square in the second, of ``b``."""
    folder.mkdir()
    pictures = []
    for i, (source, masks) in enumerate((("a", (CORNER, SQUARE)), ("b", (SQUARE,)))):
        Image.fromarray(noise(i)).save(folder / f"{i}.png")
        objects = [_object(mask) for mask in masks]
        entry = {"file": f"{i}.png", "width": WIDTH, "height": HEIGHT, "source": source, "objects": objects}
        pictures.append(entry | {"licence": "own"})
    (folder / "manifest.json").write_text(json.dumps({"version": 1, "pictures": pictures}), encoding="utf-8")
    return folder


def write_panoptic(folder: Path, maps: dict[str, tuple[NDArray[np.int_], list[tuple[int, int, int]]]]) -> Path:
    """A split ``val``; ``maps`` gives for each source a map of ids and (id, category, is crowd) of its segments."""
    for name in ("annotations", "val", "panoptic_val"):
        (folder / name).mkdir(parents=True)
    images, annotations = [], []
    for i, (source, (ids, segments)) in enumerate(maps.items()):
        Image.fromarray(noise(i)).save(folder / "val" / f"{i}.png")
        colours = np.stack((ids, ids >> 8, ids >> 16), -1).astype(np.uint8)
        Image.fromarray(colours).save(folder / "panoptic_val" / f"{i}.png")
        images.append({"id": i, "file_name": f"{i}.png", "width": WIDTH, "height": HEIGHT, "source": source})
        found = [{"id": s, "category_id": category, "iscrowd": crowd} for s, category, crowd in segments]
        annotations.append({"image_id": i, "file_name": f"{i}.png", "segments_info": found})
    categories = [{"id": i, "name": name, "isthing": thing} for i, name, thing in CATEGORIES]
    document = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "annotations" / "panoptic_val.json").write_text(json.dumps(document), encoding="utf-8")
    return folder


def write_objects(folder: Path) -> Path:
    """COCO's instances layout, split ``val``: a person, a spaceship and a crowd of persons; then an empty picture."""
    for name in ("annotations", "val"):
        (folder / name).mkdir(parents=True)
    for i in range(2):
        Image.fromarray(noise(i)).save(folder / "val" / f"{i}.png")
    images = [{"id": 7 + i, "file_name": f"{i}.png", "width": WIDTH, "height": HEIGHT} for i in range(2)]
    crowd = {"size": [HEIGHT, WIDTH], "counts": [0, 4 * HEIGHT, (WIDTH - 4) * HEIGHT]}  # four columns at the left
    polygon = [[10, 10, 30, 10, 30, 30, 10, 30]]
    found = [(1, encode_mask(SQUARE), 0), (91, polygon, 0), (1, crowd, 1)]
    annotations = [
        {"id": i, "image_id": 7, "category_id": category, "segmentation": mask, "iscrowd": is_crowd}
        for i, (category, mask, is_crowd) in enumerate(found)
    ]
    categories = [{"id": i, "name": name} for i, name, thing in CATEGORIES if thing]
    document = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "annotations" / "instances_val.json").write_text(json.dumps(document), encoding="utf-8")
    return folder


def write_clips(folder: Path, masks: Sequence[Mask | None]) -> Path:
    """One clip ``val/clip`` with one object, whose masks are given."""
    (folder / "val" / "clip").mkdir(parents=True)
    names = [f"clip/{t}.png" for t in range(len(masks))]
    for t, name in enumerate(names):
        Image.fromarray(noise(t)).save(folder / "val" / name)
    video = {"id": 1, "file_names": names, "width": WIDTH, "height": HEIGHT, "length": len(names)}
    codes = [None if mask is None else encode_mask(mask) for mask in masks]
    document = {
        "videos": [video],
        "annotations": [{"video_id": 1, "category_id": 3, "segmentations": codes}],
        "categories": [{"id": 3, "name": "camel"}],
    }
    (folder / "instances_val.json").write_text(json.dumps(document), encoding="utf-8")
    return folder


def _object(mask: Mask) -> dict[str, Any]:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    box = [columns[0], rows[0], columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1]
    point = [columns[0] + 1, rows[0] + 1]
    whole = {"box": [int(v) for v in box], "point": [int(v) for v in point], "area": int(mask.sum())}
    return whole | {"mask": encode_mask(mask), "category": None}
