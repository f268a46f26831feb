"""Accuracy reports: one JSON form for every protocol. Shares and means are 0..1."""

import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np

from rmpsam_mobile.contracts import ModelContract
from rmpsam_mobile.data import Clip
from rmpsam_mobile.evaluate.detection import average_precision, average_recall
from rmpsam_mobile.evaluate.everything import GRID_SIDE, WAYS, EverythingScore
from rmpsam_mobile.evaluate.instance_truth import TrueObjects
from rmpsam_mobile.evaluate.instances import FoundObject, named_scenes, nameless_scenes
from rmpsam_mobile.evaluate.number_of_clicks import OFFICIAL_MISS, TARGETS, number_of_clicks
from rmpsam_mobile.evaluate.panoptic import NamedPicture
from rmpsam_mobile.evaluate.panoptic_quality import Outcome, Tally, average
from rmpsam_mobile.evaluate.panoptic_truth import Category, PanopticTruth
from rmpsam_mobile.evaluate.prompts import ObjectScore
from rmpsam_mobile.evaluate.sets import Measuring, file_sha256
from rmpsam_mobile.evaluate.sizes import SIZES, size_of
from rmpsam_mobile.evaluate.video import ClipAnswer, ClipScore, category_of, track_scenes
from rmpsam_mobile.runtime import Segmenter

SCHEMA: Final = "rmpsam.accuracy/1"
AT_MOST: Final = (1, 10, 100, 1000)  # masks a picture

T = TypeVar("T")
Scored = TypeVar("Scored", ObjectScore, ClipScore)


def heading(path: Path, segmenter: Segmenter, measuring: Measuring[Any], protocol: str) -> dict[str, Any]:
    """What was measured, with what, on what: the part that all protocols share."""
    return {
        "schema": SCHEMA,
        "protocol": protocol,
        "tool": {"name": "rmpsam-mobile", "version": version("rmpsam-mobile"), "command": sys.argv[1:]},
        "finished": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        **target(path, segmenter),
        "data": {
            "file": measuring.document.name,
            "sha256": measuring.sha256,
            "used": measuring.used,
            "available": measuring.available,
        },
    }


def target(path: Path, segmenter: Segmenter) -> dict[str, Any]:
    """The model, its engine and its input size.

    The sha256 is that of the checkpoint, or of a bundle's manifest, which holds the hash of every other file.
    """
    contract = segmenter.contract
    return {
        "model": {
            "name": path.name,
            "preset": contract.preset,
            "trained": contract.trained,
            "sha256": file_sha256(path / "manifest.json" if path.is_dir() else path),
        },
        "engine": segmenter.runner.engine,
        "size": str(contract.sizes.size),
    }


def prompts_report(scores: Sequence[ObjectScore], *, clicks: int = 0) -> dict[str, Any]:
    """mIoU of all objects, by collection and by size; after each click, the last one counts.

    With ``clicks`` also NoC: the mean number of clicks that each target takes, a miss counted as ``clicks``. Where the
    scores hold the released code's overlap, ``as_official`` gives the same by it, a miss counted as 20.
    """
    report = {
        **_groups(scores, lambda group: _overlap(group, clicks)),
        "clicks": len(scores[0].ious),
        "pictures": len({score.picture for score in scores}),
        "empty": sum(score.is_empty for score in scores),
    }
    if all(score.official_iou is not None for score in scores):
        report["as_official"] = _groups(scores, _official_overlap)
    return report


def panoptic_report(scores: Sequence[NamedPicture], truth: PanopticTruth, contract: ModelContract) -> dict[str, Any]:
    """PQ, SQ, RQ of everything, of things and stuff, by collection (the largest first), by size and by category.

    By size a segment that was matched or missed counts where it belongs by its own share, a false one by its own too.
    """
    outcomes = [(picture.source, outcome) for picture in scores for outcome in picture.outcomes]
    total = _tallies(outcome for _, outcome in outcomes)
    pictures = Counter(picture.source for picture in scores)
    missing = Counter(
        segment.category for picture in truth.pictures for segment in picture.segments.values() if not segment.is_crowd
    )
    return {
        **_qualities(total, truth.categories),
        "pictures": len(scores),
        "by_source": {
            source: {"pictures": count}
            | _qualities(_tallies(found for where, found in outcomes if where == source), truth.categories)
            for source, count in pictures.most_common()
        },
        "by_size": {
            name: _qualities(_tallies(found for _, found in outcomes if size_of(found.share) == name), truth.categories)
            for name in SIZES
        },
        "by_category": [
            {"id": c.id, "name": c.name, "pq": total[c.id].pq, "sq": total[c.id].sq, "rq": total[c.id].rq}
            | asdict(total[c.id])
            for c in truth.categories
            if c.id in total
        ],
        "unknown_categories": [
            {"id": c.id, "name": c.name, "segments": missing[c.id]}
            for c in truth.categories
            if c.name not in contract.class_names
        ],
        "foreign_segments": sum(picture.foreign_segments for picture in scores),
    }


def everything_report(scores: Sequence[EverythingScore]) -> dict[str, Any]:
    """AR at 1, 10, 100 and 1000 masks of each way, by collection and by size, and the decoder's times.

    ``decoder_time_ratio`` is the median over the pictures of the grid's time by the object-aware prompts'.
    """
    ratios = [score.ways["grid"].decoder_ms / score.ways["object_aware"].decoder_ms for score in scores]
    return {
        "pictures": len(scores),
        "grid_side": GRID_SIDE,
        "decoder_time_ratio": float(np.median(ratios)),
        **{way: _way_report(scores, way) for way in WAYS},
    }


def instances_report(
    pictures: Sequence[TrueObjects], found: Sequence[Sequence[FoundObject]], contract: ModelContract
) -> dict[str, Any]:
    """Mask AP under the right names and, without names, of all objects; both by collection and by size."""
    things = contract.class_names[: contract.num_things]
    present = Counter(o.category for picture in pictures for o in picture.objects if not o.is_crowd)
    named = named_scenes(pictures, found, sorted(set(things) & {name for name in present if name is not None}))
    return {
        "pictures": len(pictures),
        "by_class": average_precision(named, by_class=True) | {"pictures": len(named)},
        "class_agnostic": average_precision(nameless_scenes(pictures, found), by_class=False),
        "unknown_objects": sum(count for name, count in present.items() if name not in things),
    }


def video_report(
    clips: Sequence[Clip], answers: Sequence[ClipAnswer], contract: ModelContract, min_score: float
) -> dict[str, Any]:
    """J, F and identity of each object's best track, and video AP of all tracks under their names and without."""
    scores = [score for answer in answers for score in answer.objects]
    things = set(contract.class_names[: contract.num_things])
    truths = [[category_of(clip, i) for i in range(len(clip.objects))] for clip in clips]
    common = sorted(things & {name for names in truths for name in names if name is not None})
    return {
        **_groups(scores, _followed),
        "clips": len(clips),
        "min_score": min_score,
        "video_ap": {
            "by_class": average_precision(track_scenes(clips, answers, common), by_class=True),
            "class_agnostic": average_precision(track_scenes(clips, answers), by_class=False),
        },
        "by_object": [asdict(score) for score in scores],
    }


def _followed(scores: Sequence[ClipScore]) -> dict[str, Any]:
    keys = ("j", "f", "recall", "identity")
    means = {key: float(np.mean([getattr(s, key) for s in scores])) if scores else None for key in keys}
    return {**means, "objects": len(scores)}


def _way_report(scores: Sequence[EverythingScore], way: str) -> dict[str, Any]:
    parts = [score.ways[way] for score in scores]
    rows = [
        (score.source, share, ranks)
        for score, part in zip(scores, parts, strict=True)
        for share, ranks in zip(score.shares, part.ranks, strict=True)
    ]

    def recall(group: Iterable[tuple[str, float, Sequence[int | None]]]) -> dict[str, Any]:
        ranks = [row[2] for row in group]
        return {**{f"ar{most}": average_recall(ranks, most) for most in AT_MOST}, "objects": len(ranks)}

    return {
        **recall(rows),
        "decoder_ms": float(np.median([part.decoder_ms for part in parts])),
        "decoder_calls": float(np.mean([part.decoder_calls for part in parts])),
        "proposals": float(np.mean([part.proposals for part in parts])),
        "by_source": {name: recall(group) for name, group in _grouped(rows, lambda row: row[0]).items()},
        "by_size": {name: recall(row for row in rows if size_of(row[1]) == name) for name in SIZES},
    }


def _groups(scores: Sequence[Scored], figures: Callable[[Sequence[Scored]], dict[str, Any]]) -> dict[str, Any]:
    """Figures of all objects, by collection and by size."""
    by_size = _grouped(scores, lambda score: size_of(score.share))
    return {
        **figures(scores),
        "by_source": {name: figures(group) for name, group in _grouped(scores, lambda s: s.source).items()},
        "by_size": {name: figures(by_size.get(name, [])) for name in SIZES},
    }


def _overlap(scores: Sequence[ObjectScore], clicks: int) -> dict[str, Any]:
    """Mean IoU after the last and after each click, and NoC; None of no object."""
    means: list[float] = np.mean([score.ious for score in scores], axis=0).tolist() if scores else []
    found = {"miou": means[-1] if means else None, "objects": len(scores), "miou_by_click": means}
    return found | ({"noc": _noc([score.ious for score in scores], clicks)} if clicks else {})


def _official_overlap(scores: Sequence[ObjectScore]) -> dict[str, Any]:
    ious = [[score.official_iou or 0.0] for score in scores]
    return {"miou": float(np.mean(ious)) if ious else None, "objects": len(ious), "noc": _noc(ious, OFFICIAL_MISS)}


def _noc(ious: Sequence[Sequence[float]], limit: int) -> dict[str, float | None]:
    """Mean number of clicks by target in percent."""
    return {
        f"{100 * target:.0f}": float(np.mean([number_of_clicks(row, target, limit) for row in ious])) if ious else None
        for target in TARGETS
    }


def _grouped(rows: Iterable[T], key: Callable[[T], Hashable]) -> dict[Any, list[T]]:
    groups: defaultdict[Hashable, list[T]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return dict(groups)


def _tallies(outcomes: Iterable[Outcome]) -> dict[int, Tally]:
    tallies: defaultdict[int, Tally] = defaultdict(Tally)
    for outcome in outcomes:
        tallies[outcome.category] += outcome.tally
    return dict(tallies)


def _qualities(tallies: Mapping[int, Tally], categories: Sequence[Category]) -> dict[str, Any]:
    everything, things, stuff = (
        asdict(average(tallies, [c.id for c in categories if c.is_thing in kinds]))
        for kinds in ((True, False), (True,), (False,))
    )
    return {"all": everything, "things": things, "stuff": stuff}
