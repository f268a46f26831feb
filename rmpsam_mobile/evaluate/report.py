"""Accuracy reports: one JSON form for every protocol. Shares and means are 0..1."""

import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np

from rmpsam_mobile.evaluate.clips import ClipScore
from rmpsam_mobile.evaluate.panoptic import PanopticScores
from rmpsam_mobile.evaluate.panoptic_quality import Tally, average
from rmpsam_mobile.evaluate.panoptic_truth import Category, PanopticTruth
from rmpsam_mobile.evaluate.prompts import ObjectScore
from rmpsam_mobile.evaluate.sets import Measuring, file_sha256
from rmpsam_mobile.runtime import Segmenter

SCHEMA: Final = "rmpsam.accuracy/1"
# Share of the picture's area, from the first number up to the second
SIZES: Final = {"<1%": (0.0, 0.01), "1-5%": (0.01, 0.05), "5-20%": (0.05, 0.20), ">20%": (0.20, float("inf"))}


def heading(path: Path, segmenter: Segmenter, measuring: Measuring[Any], protocol: str) -> dict[str, Any]:
    """What was measured, with what, on what: the part that all protocols share.

    The model's sha256 is that of the checkpoint, or of a bundle's manifest, which holds the hash of every other file.
    """
    contract = segmenter.contract
    return {
        "schema": SCHEMA,
        "protocol": protocol,
        "tool": {"name": "rmpsam-mobile", "version": version("rmpsam-mobile"), "command": sys.argv[1:]},
        "finished": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "model": {
            "name": path.name,
            "preset": contract.preset,
            "trained": contract.trained,
            "sha256": file_sha256(path / "manifest.json" if path.is_dir() else path),
        },
        "engine": segmenter.runner.engine,
        "size": str(contract.sizes.size),
        "data": {
            "file": measuring.document.name,
            "sha256": measuring.sha256,
            "used": measuring.used,
            "available": measuring.available,
        },
    }


def prompts_report(scores: Sequence[ObjectScore]) -> dict[str, Any]:
    """mIoU of all objects, by collection and by size; after each click, the last one counts."""
    by_source: defaultdict[str, list[ObjectScore]] = defaultdict(list)
    for score in scores:
        by_source[score.source].append(score)
    by_size = {name: [score for score in scores if low <= score.share < high] for name, (low, high) in SIZES.items()}
    return {
        **_mean_iou(scores),
        "clicks": len(scores[0].ious),
        "pictures": len({score.picture for score in scores}),
        "empty": sum(score.is_empty for score in scores),
        "by_source": {name: _mean_iou(group) for name, group in by_source.items()},
        "by_size": {name: _mean_iou(group) for name, group in by_size.items()},
    }


def panoptic_report(scores: PanopticScores, truth: PanopticTruth) -> dict[str, Any]:
    """PQ, SQ, RQ of everything, of things and stuff, by collection (the largest first) and by category."""
    total: defaultdict[int, Tally] = defaultdict(Tally)
    for tallies in scores.tallies.values():
        for category, tally in tallies.items():
            total[category] += tally
    order = sorted(scores.pictures, key=lambda source: -scores.pictures[source])
    missing = Counter(
        segment.category for picture in truth.pictures for segment in picture.segments.values() if not segment.is_crowd
    )
    return {
        **_qualities(total, truth.categories),
        "pictures": sum(scores.pictures.values()),
        "by_source": {
            source: {"pictures": scores.pictures[source], **_qualities(scores.tallies[source], truth.categories)}
            for source in order
        },
        "by_category": [
            {"id": c.id, "name": c.name, "pq": total[c.id].pq, "sq": total[c.id].sq, "rq": total[c.id].rq}
            | asdict(total[c.id])
            for c in truth.categories
            if total[c.id].is_seen
        ],
        "unknown_categories": [{"id": c.id, "name": c.name, "segments": missing[c.id]} for c in scores.unknown],
        "foreign_segments": scores.foreign_segments,
    }


def clips_report(scores: Sequence[ClipScore], min_score: float) -> dict[str, Any]:
    """Means over objects, then each of them."""
    means = {key: float(np.mean([getattr(score, key) for score in scores])) for key in ("j", "recall", "identity")}
    clips = len({score.clip for score in scores})
    return {
        **means,
        "objects": len(scores),
        "clips": clips,
        "min_score": min_score,
        "by_object": [asdict(score) for score in scores],
    }


def _mean_iou(scores: Sequence[ObjectScore]) -> dict[str, Any]:
    """Mean IoU after the last and after each click; None of no object."""
    if not scores:
        return {"miou": None, "objects": 0, "miou_by_click": []}
    means = np.mean([score.ious for score in scores], axis=0).tolist()
    return {"miou": means[-1], "objects": len(scores), "miou_by_click": means}


def _qualities(tallies: dict[int, Tally], categories: Sequence[Category]) -> dict[str, Any]:
    everything, things, stuff = (
        asdict(average(tallies, [c.id for c in categories if c.is_thing in kinds]))
        for kinds in ((True, False), (True,), (False,))
    )
    return {"all": everything, "things": things, "stuff": stuff}
