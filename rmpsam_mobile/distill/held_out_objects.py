"""The object branch on the held-out part: are the objects found, and are they named. It chooses nothing.

Softer than panoptic quality, which stays at 0 until a branch is nearly good: every object of the truth counts by the
overlap of the query that is nearest to it, and by whether that query names it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rmpsam_mobile.data.samples import Sample, Task
from rmpsam_mobile.distill.batch import Batch
from rmpsam_mobile.distill.matching import MatchCosts, match_objects
from rmpsam_mobile.distill.points import read_points
from rmpsam_mobile.model.rmpsam import RmpSam

BY_MASK = MatchCosts(classes=0.0)  # so that a right class does not excuse a wrong mask
STRIDE = 4  # pixels of the model input from one compared place to the next


@dataclass(frozen=True)
class HeldOutObjects:
    """Over the objects of exhaustively labelled pictures, 0 to 1.

    Attributes:
        object_iou: mean overlap with the query that Hungarian matching gives to each.
        object_class: share of those whose query names the object's class, before all others and "no object".
        object_count: objects.
    """

    object_iou: float
    object_class: float
    object_count: int


@torch.no_grad()
def measure_objects(model: RmpSam, samples: Sequence[Sample]) -> HeldOutObjects | None:
    """Look for all objects of a known class; the model is in eval mode.

    Returns:
        None where no picture is exhaustively labelled.
    """
    overlaps: list[float] = []
    named: list[bool] = []
    for sample in samples:
        if sample.is_exhaustive:
            found = _compared(model, sample)
            overlaps += found[0]
            named += found[1]
    if not overlaps:
        return None
    count = len(overlaps)
    return HeldOutObjects(object_iou=sum(overlaps) / count, object_class=sum(named) / count, object_count=count)


def _compared(model: RmpSam, sample: Sample) -> tuple[list[float], list[bool]]:
    """Overlap of each object of one picture, and whether it is named; more objects than queries are missed."""
    known = sample.labels >= 0
    if not known.any():
        return [], []
    device = next(model.parameters()).device
    found = model.objects(model.encode(Batch(0, 0, Task.IMAGE, (sample,), 0).pixel_values(device)))
    class_logits, mask_logits = found.class_logits[0], found.mask_logits[0]
    labels = torch.from_numpy(sample.labels[known]).to(device)
    masks = torch.from_numpy(sample.masks[known, 0]).to(mask_logits)
    places = _places(sample).to(mask_logits)
    match = match_objects(class_logits, mask_logits, labels, masks, points=places, costs=BY_MASK)
    ours = read_points(mask_logits[match.queries], places.unsqueeze(0)) > 0
    truth = read_points(masks[match.objects], places.unsqueeze(0)) > 0.5
    overlaps = (ours & truth).sum(1) / (ours | truth).sum(1).clamp(min=1)
    named = class_logits[match.queries].argmax(-1) == labels[match.objects]
    missed = len(labels) - len(named)
    return overlaps.tolist() + [0.0] * missed, named.tolist() + [False] * missed


def _places(sample: Sample) -> Tensor:
    """[P, 2] xy in [0, 1] of the square: a regular grid over the picture, its padding left out."""
    side, (height, width) = sample.pixels.shape[1], sample.image_size
    rows, columns = (torch.arange(STRIDE / 2, length, STRIDE) / side for length in (height, width))
    return torch.cartesian_prod(rows, columns).flip(1)
