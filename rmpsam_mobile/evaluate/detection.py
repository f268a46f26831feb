"""Found masks against true ones by pycocotools, which holds COCO's matching: average precision and recall.

An object's size is its share of the picture (``sizes``), not its pixels. A clip is one wide mask: its frames laid side
by side make pycocotools' IoU the one of YouTube-VIS, summed over frames (arXiv 1905.04804, section 3).
"""

import contextlib
import io
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from rmpsam_mobile.evaluate.sizes import SIZES
from rmpsam_mobile.rle import Rle

THRESHOLDS: Final = tuple(round(0.5 + 0.05 * i, 2) for i in range(10))  # IoU
MAX_FOUND: Final = (1, 10, 100)  # a picture
_ANY: Final = (0.0, float("inf"))


@dataclass(frozen=True, kw_only=True)
class TrueMask:
    """An object of the truth: its mask, share of the picture's area, category, and whether it stands for a crowd."""

    rle: Rle
    share: float
    category: int = 1
    is_crowd: bool = False


@dataclass(frozen=True, kw_only=True)
class FoundMask:
    """A mask that a model found: its share of the picture's area, category, and how sure the model is."""

    rle: Rle
    share: float
    score: float
    category: int = 1


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One picture or clip: its collection, what is in it and what was found."""

    source: str
    truths: Sequence[TrueMask]
    found: Sequence[FoundMask]


def average_precision(scenes: Sequence[Scene], *, by_class: bool) -> dict[str, Any]:
    """AP (mean over IoU 0.5 to 0.95), AP50, AP75 and AR at 1, 10, 100 masks a picture; also by source and by size.

    Args:
        scenes: all of the set.
        by_class: a mask must have the object's category, and figures are means over categories.

    Returns:
        ``ap``, ``ap50``, ``ap75``, ``ar1``, ``ar10``, ``ar100``, 0..1, None without an object, ``objects``;
        the same in ``by_source`` and ``by_size``.
    """
    sources = {scene.source: None for scene in scenes}
    by_source = {
        name: _figures(_tables([scene for scene in scenes if scene.source == name], by_class), 0)
        | {"objects": _count(scene for scene in scenes if scene.source == name)}
        for name in sources
    }
    whole = _tables(scenes, by_class)
    by_size = {
        name: _figures(whole, area) | {"objects": _count(scenes, *limits)}
        for area, (name, limits) in enumerate(SIZES.items(), start=1)
    }
    return {**_figures(whole, 0), "objects": _count(scenes), "by_source": by_source, "by_size": by_size}


def match_ranks(scene: Scene) -> list[list[int | None]]:
    """For each object, and each of ``THRESHOLDS``, the place of the mask that matches it among the found, 0 the surest.

    COCO's matching: each mask in turn, the surest first, takes the object it overlaps most of those that are left.
    Categories do not count; crowds are left out of the result.
    """
    evaluation = _evaluated([scene], by_class=False, max_found=(max(len(scene.found), 1),))
    matched = evaluation.evalImgs[0]
    if matched is None:  # neither an object nor a mask
        return []
    ranks: dict[int, int] = {found: i for i, found in enumerate(matched["dtIds"])}
    rows = dict(zip(matched["gtIds"], np.asarray(matched["gtMatches"]).T.astype(int).tolist(), strict=True))
    return [
        [ranks.get(found) for found in rows[i]] for i, truth in enumerate(scene.truths, start=1) if not truth.is_crowd
    ]


def average_recall(ranks: Iterable[Sequence[int | None]], most: int) -> float | None:
    """AR: share of objects and thresholds with a match among the first ``most`` masks, 0..1; None without an object."""
    hits = [rank is not None and rank < most for row in ranks for rank in row]
    return sum(hits) / len(hits) if hits else None


def _evaluated(
    scenes: Sequence[Scene], *, by_class: bool, max_found: Sequence[int], sizes: Iterable[tuple[float, float]] = ()
) -> Any:
    """A ``COCOeval`` whose images are the scenes' places, with all matches made, for all objects and for ``sizes``."""
    from pycocotools.cocoeval import COCOeval

    with _quiet():
        documents = (_document(scenes, entries(scenes)) for entries in (_true_entries, _found_entries))
        evaluation = COCOeval(*documents, "segm")
        parameters = evaluation.params
        parameters.iouThrs = np.array(THRESHOLDS)
        parameters.maxDets = list(max_found)
        parameters.useCats = int(by_class)
        # COCO's ranges are closed at both ends
        parameters.areaRng = [_ANY, *((low, float(np.nextafter(high, 0))) for low, high in sizes)]
        parameters.imgIds = list(range(len(scenes)))
        evaluation.evaluate()
    return evaluation


def _tables(scenes: Sequence[Scene], by_class: bool) -> Mapping[str, NDArray[np.float64]]:
    """Precision [T, R, K, A, M] and recall [T, K, A, M]; -1 where there is no object."""
    evaluation = _evaluated(scenes, by_class=by_class, max_found=MAX_FOUND, sizes=SIZES.values())
    with _quiet():
        evaluation.accumulate()
    tables: Mapping[str, NDArray[np.float64]] = evaluation.eval
    return tables


def _count(scenes: Iterable[Scene], low: float = 0.0, high: float = float("inf")) -> int:
    """Objects, of a size, without crowds."""
    return sum(low <= truth.share < high and not truth.is_crowd for scene in scenes for truth in scene.truths)


def _figures(tables: Mapping[str, NDArray[np.float64]], area: int) -> dict[str, float | None]:
    precision, recall = tables["precision"][:, :, :, area, -1], tables["recall"][:, :, area]
    return {
        "ap": _mean(precision),
        "ap50": _mean(precision[THRESHOLDS.index(0.5)]),
        "ap75": _mean(precision[THRESHOLDS.index(0.75)]),
        **{f"ar{most}": _mean(recall[:, :, i]) for i, most in enumerate(MAX_FOUND)},
    }


def _mean(table: NDArray[np.float64]) -> float | None:
    known = table[table > -1]
    return float(known.mean()) if known.size else None


def _document(scenes: Sequence[Scene], entries: Iterator[dict[str, Any]]) -> Any:
    from pycocotools.coco import COCO

    document = COCO()
    annotations = [{"id": i, **entry} for i, entry in enumerate(entries, start=1)]  # id 0 would mean no match
    sizes = {entry["image_id"]: entry["segmentation"]["size"] for entry in annotations}
    images = [dict(zip(("id", "height", "width"), (i, *sizes.get(i, (1, 1))), strict=True)) for i in range(len(scenes))]
    categories = {truth.category for scene in scenes for truth in scene.truths}
    categories |= {found.category for scene in scenes for found in scene.found}
    document.dataset = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": category} for category in sorted(categories)],
    }
    document.createIndex()
    return document


def _true_entries(scenes: Sequence[Scene]) -> Iterator[dict[str, Any]]:
    for i, scene in enumerate(scenes):
        for truth in scene.truths:
            yield _entry(i, truth) | {"iscrowd": int(truth.is_crowd)}


def _found_entries(scenes: Sequence[Scene]) -> Iterator[dict[str, Any]]:
    for i, scene in enumerate(scenes):
        for found in scene.found:
            yield _entry(i, found) | {"score": found.score, "iscrowd": 0}


def _entry(picture: int, region: TrueMask | FoundMask) -> dict[str, Any]:
    return {"image_id": picture, "category_id": region.category, "segmentation": region.rle, "area": region.share}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """pycocotools talks on stdout, and its array type knows no ``copy`` argument yet."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield
