"""Copy and paste of objects between pictures (arXiv 2012.07177). G objects, S side of the square in pixels."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rmpsam_mobile.data.records import ObjectLabel
from rmpsam_mobile.data.samples import Sample

MAX_SHARE = 0.4  # of the picture that one pasted object may cover: what it hides is lost
MAX_PASTED = 4


def is_pasteable(label: ObjectLabel) -> bool:
    """Whether an object is a countable thing with a name: regions and stuff make no sense elsewhere."""
    return label.is_thing and label.category is not None


def paste(target: Sample, donor: Sample, *, min_pixels: int, max_objects: int, rng: np.random.Generator) -> Sample:
    """Put some of another sample's objects on top of a still picture, at the place where they lie in their square.

    What they cover is taken out of the target's masks; objects with fewer than ``min_pixels`` left are dropped. The
    pasted ones come last.

    Args:
        target: T is 1; ``max_objects`` objects at most.
        donor: T is 1, the same S; all its objects may be pasted.
        max_objects: of the outcome; as many objects of the target make room at random as are pasted.
    """
    height, width = target.image_size
    masks = donor.masks.copy()
    masks[:, :, height:] = False
    masks[:, :, :, width:] = False
    areas = np.count_nonzero(masks, axis=(1, 2, 3))
    fitting = np.flatnonzero((areas >= max(min_pixels, 1)) & (areas <= MAX_SHARE * height * width))
    wanted = min(len(fitting), MAX_PASTED, max_objects)
    if not wanted:
        return target
    chosen = np.sort(rng.permutation(fitting)[: int(rng.integers(1, wanted + 1))])
    pasted, labels = masks[chosen], donor.labels[chosen]
    covered = pasted.any(0)
    beneath = target.masks & ~covered
    left = np.flatnonzero(np.count_nonzero(beneath, axis=(1, 2, 3)) >= max(min_pixels, 1))
    kept = _some(left, max_objects - len(chosen), rng)
    return replace(
        target,
        pixels=np.where(covered[..., None], donor.pixels, target.pixels),
        masks=np.concatenate((beneath[kept], pasted)),
        labels=np.concatenate((target.labels[kept], labels)),
        is_exhaustive=target.is_exhaustive and len(kept) == len(left),
    )


def _some(numbers: NDArray[np.int64], most: int, rng: np.random.Generator) -> NDArray[np.int64]:
    return numbers if len(numbers) <= most else np.sort(rng.permutation(numbers)[:most])
