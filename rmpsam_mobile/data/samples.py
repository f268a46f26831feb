"""One unit of training: pixels in a square, masks, class numbers. G objects, T frames, S side of the square in px."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray


class Task(StrEnum):
    """What a sample is drawn for.

    ``image``: masks and classes of a picture that is exhaustive or has objects of known classes. ``clip``: the same of
    a real video. ``pseudo-video``: of a picture seen through a moving window. ``prompts``: masks of any labelled
    picture. ``imitate``: pixels of any picture, labelled or not, for the features of a teacher.
    """

    IMAGE = "image"
    CLIP = "clip"
    PSEUDO_VIDEO = "pseudo-video"
    PROMPTS = "prompts"
    IMITATE = "imitate"


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Frames and objects in the model-input frame: the picture in the top left corner, zeros right of it and below.

    Attributes:
        key: of the record or clip that it was made of.
        source: the collection that this belongs to.
        task: what it was drawn for.
        pixels: uint8 RGB [T, S, S, 3].
        image_size: height and width in pixels of the picture in the square.
        masks: [G, T, S, S]; they may overlap and nest, G may be 0.
        labels: int64 [G], number in the vocabulary that the stream was given, -1 where the object's class is not in it.
        is_labelled: False where no object means that nobody looked.
        is_exhaustive: True where a pixel outside of every mask is known to be void. False also where the stream's limit
            on objects left some of a panoptic truth out.
    """

    key: str
    source: str
    task: Task
    pixels: NDArray[np.uint8]
    image_size: tuple[int, int]
    masks: NDArray[np.bool_]
    labels: NDArray[np.int64]
    is_labelled: bool
    is_exhaustive: bool
