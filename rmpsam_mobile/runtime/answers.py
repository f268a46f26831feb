"""What a picture's answers look like: JSON with COCO run-length codes, mask pictures, and shapes to draw."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rmpsam_mobile.overlay import Shape, draw_overlay
from rmpsam_mobile.rle import encode_mask
from rmpsam_mobile.runtime.prompts import Prompt
from rmpsam_mobile.runtime.segmenter import Panoptic, Segmenter


@dataclass(frozen=True)
class Prompted:
    """The answer to one prompt: mask bool [H, W] and predicted IoU."""

    prompt: Prompt
    mask: NDArray[np.bool_]
    predicted_iou: float

    @property
    def name(self) -> str:
        """``box`` or ``click``."""
        return "click" if self.prompt.box is None else "box"


@dataclass(frozen=True)
class Answers:
    """All that was asked of one picture, in the source-image frame."""

    segmenter: Segmenter
    prompted: tuple[Prompted, ...] = ()
    panoptic: Panoptic | None = None
    names: tuple[str, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """Sizes, prompts with their masks and scores, segments with their classes; masks as COCO RLE."""
        height, width = self.segmenter.picture.shape[:2]
        contract = self.segmenter.contract
        return {
            "model": contract.label,
            "engine": self.segmenter.runner.engine,
            "trained": contract.trained,
            "width": width,
            "height": height,
            "prompts": [_prompted_json(answer) for answer in self.prompted],
            "panoptic": None if self.panoptic is None else self._segments_json(self.panoptic),
        }

    def mask_pictures(self) -> dict[str, Image.Image]:
        """8-bit masks, 255 inside, by file name; the panoptic map as COCO stores it, id = R + 256 G + 65536 B."""
        pictures = {
            f"{answer.name}_{i}.png": Image.fromarray(answer.mask.astype(np.uint8) * 255)
            for i, answer in enumerate(self.prompted, start=1)
        }
        if self.panoptic is not None:
            ids = self.panoptic.map
            pictures["panoptic.png"] = Image.fromarray(np.stack((ids, ids >> 8, ids >> 16), -1).astype(np.uint8))
        return pictures

    def overlay(self, banner: str = "") -> Image.Image:
        """The picture with everything found drawn over it."""
        shapes: list[Shape] = []
        if self.panoptic is not None:
            for i, segment in enumerate(self.panoptic.segments):
                mask = self.panoptic.map == segment.id
                shapes.append(Shape(mask, self.names[segment.label], i, segment.is_thing))
        for i, answer in enumerate(self.prompted):
            shapes.append(Shape(answer.mask, f"{answer.name} {i + 1}", 100 + i))
        points = [
            (x, y, label) for a in self.prompted for (x, y), label in zip(a.prompt.points, a.prompt.labels, strict=True)
        ]
        boxes = [answer.prompt.box for answer in self.prompted if answer.prompt.box is not None]
        return draw_overlay(self.segmenter.picture, shapes, points=points, boxes=boxes, banner=banner)

    def _segments_json(self, panoptic: Panoptic) -> list[dict[str, Any]]:
        return [
            {
                "id": segment.id,
                "category_id": segment.label,
                "category": self.names[segment.label],
                "isthing": segment.is_thing,
                "area": segment.area,
                "box": list(segment.box),
                "mask": encode_mask(panoptic.map == segment.id),
            }
            for segment in panoptic.segments
        ]


def answer(segmenter: Segmenter, prompts: Sequence[Prompt], *, with_panoptic: bool) -> Answers:
    """Ask the picture that is set; each prompt is one object."""
    prompted: tuple[Prompted, ...] = ()
    if prompts:
        masks, scores = segmenter.predict_many(prompts)
        prompted = tuple(Prompted(*row) for row in zip(prompts, masks, scores.tolist(), strict=True))
    panoptic = segmenter.panoptic() if with_panoptic else None
    return Answers(segmenter, prompted, panoptic, segmenter.contract.class_names)


def _prompted_json(answer: Prompted) -> dict[str, Any]:
    rows, columns = np.flatnonzero(answer.mask.any(1)), np.flatnonzero(answer.mask.any(0))
    box = [int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1] if rows.size else [0, 0, 0, 0]
    return {
        "kind": answer.name,
        "points": [list(point) for point in answer.prompt.points],
        "labels": list(answer.prompt.labels),
        "prompt_box": None if answer.prompt.box is None else list(answer.prompt.box),
        "predicted_iou": answer.predicted_iou,
        "area": int(answer.mask.sum()),
        "box": box,
        "mask": encode_mask(answer.mask),
    }
