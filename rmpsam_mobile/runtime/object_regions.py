"""Where objects may be, by the object branch: connected parts of its masks, and clicks into what looks alike.

Each query's mask logits are a feature of every cell, so the object branch says where to ask even where no query is
sure of an object. Letters: Q queries, K classes, R regions, h x w the part of the mask grid that a picture covers.
"""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rmpsam_mobile.runtime.base import Array

LEVELS: Final = (-1.0, 0.0, 1.0)  # logits at which masks are cut into parts
_PARTS: Final = 8  # of one mask, the largest
_CELLS: Final = 6  # of the smallest part
_SURE_BY: Final = 1.0  # logits above the level where a part counts as sure
_COMPARED: Final = 2000  # parts, the best
_MOST: Final = 400
_SAME_BOX: Final = 0.7  # IoU above which the less likely of two parts goes
_STRIDE: Final = 2  # cells; clusters need no finer map
_NEARNESS: Final = 1 / 32  # weight of a cell's place beside its logits, squashed to -0.1..0.1
_ROUNDS: Final = 8


@dataclass(frozen=True)
class Region:
    """A connected part of one query's mask.

    Attributes:
        query: whose mask.
        level: logit at which the mask was cut.
        mask: bool [h, w].
        box: xyxy in cells, right and bottom exclusive.
        stable: share of it that is still there at a higher level, 0..1.
        likely: by which regions are ordered.
    """

    query: int
    level: float
    mask: NDArray[np.bool_]
    box: tuple[int, int, int, int]
    stable: float
    likely: float


def find_regions(class_logits: Array, mask_logits: Array) -> list[Region]:
    """Parts of all masks at all ``LEVELS``, none twice, the likeliest first.

    Args:
        class_logits: [Q, K + 1], last no object.
        mask_logits: [Q, h, w].
    """
    logits = class_logits.astype(np.float64)
    objectness = 1 - 1 / np.exp(logits - logits[:, -1:]).sum(-1)  # one less the softmax of the last class
    found = [
        region
        for query, mask in enumerate(mask_logits)
        for level in LEVELS
        for region in _parts(query, mask, level, float(objectness[query]))
    ]
    found.sort(key=lambda region: -region.likely)
    return _without_doubles(found[:_COMPARED])


def _parts(query: int, logits: Array, level: float, objectness: float) -> Iterator[Region]:
    from scipy import ndimage

    labels, count = ndimage.label(logits > level)
    if not count:
        return
    areas = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    sure = np.bincount(labels.ravel(), weights=(logits > level + _SURE_BY).ravel(), minlength=count + 1)[1:]
    places = ndimage.find_objects(labels)
    for part in np.argsort(-areas, kind="stable")[:_PARTS].tolist():
        if areas[part] >= _CELLS:
            rows, columns = places[part]
            stable = float(sure[part] / areas[part])
            likely = stable * objectness**0.5 * float(areas[part] / logits.size) ** 0.25
            box = (columns.start, rows.start, columns.stop, rows.stop)
            yield Region(query, level, labels == part + 1, box, stable, likely)


def _without_doubles(regions: Sequence[Region]) -> list[Region]:
    """Greedy suppression by boxes."""
    from pycocotools.mask import iou

    if not regions:
        return []
    corners = np.array([region.box for region in regions], np.float64)
    boxes = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], 1)
    is_same = iou(boxes, boxes, np.zeros(len(boxes), np.uint8)) > _SAME_BOX
    left = np.ones(len(boxes), bool)
    kept: list[Region] = []
    for place, region in enumerate(regions):
        if left[place] and len(kept) < _MOST:
            kept.append(region)
            left &= ~is_same[place]
    return kept


def spread_clicks(mask_logits: Array, number: int) -> NDArray[np.float64]:
    """Points xy [at most ``number``, 2] in cells: the deepest of each cluster of cells that all masks see alike.

    k-means over logits and places, from a regular grid of centres.

    Args:
        mask_logits: [Q, h, w].
        number: of clusters.
    """
    from scipy.cluster.vq import kmeans2

    sampled = mask_logits[:, ::_STRIDE, ::_STRIDE].astype(np.float32)
    height, width = sampled.shape[1:]
    place = np.stack(np.meshgrid(np.arange(width), np.arange(height)), 2).reshape(-1, 2) * _NEARNESS
    cells = np.concatenate([np.tanh(sampled / 2).reshape(len(sampled), -1).T / 10, place], 1).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a cluster may lose all its cells; it is left out
        _, owner = kmeans2(cells, cells[_centres(height, width, number)], iter=_ROUNDS, minit="matrix")
    owners = owner.reshape(height, width)
    points = [_deepest(owners == cluster) for cluster in np.unique(owners)]
    return (np.array(points, np.float64).reshape(-1, 2) + 0.5) * _STRIDE


def _centres(height: int, width: int, number: int) -> NDArray[np.intp]:
    """Cells of a regular grid of at most ``number`` points, as places in the flat map."""
    columns = int(np.clip(round((number * width / height) ** 0.5), 1, min(number, width)))
    rows = min(max(number // columns, 1), height)
    y, x = (
        ((np.arange(count) + 0.5) * side / count).astype(np.intp) for count, side in ((rows, height), (columns, width))
    )
    return (y[:, None] * width + x).ravel()


def _deepest(mask: NDArray[np.bool_]) -> tuple[int, int]:
    """The cell x, y of the largest connected part that is farthest from its edge."""
    from scipy import ndimage

    labels, _ = ndimage.label(mask)
    largest = labels == np.bincount(labels.ravel())[1:].argmax() + 1
    depth = ndimage.distance_transform_edt(np.pad(largest, 1))[1:-1, 1:-1]
    y, x = np.unravel_index(int(depth.argmax()), mask.shape)
    return int(x), int(y)
