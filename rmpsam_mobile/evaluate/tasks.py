"""What each protocol does: the set it opens, what it asks of each picture, and what all answers say together.

Answers are plain JSON, so that they can wait in a journal and come from other processes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rmpsam_mobile.contracts import ModelContract
from rmpsam_mobile.data import Clip, Prompted, Record
from rmpsam_mobile.evaluate.classes import require_classes
from rmpsam_mobile.evaluate.everything import EverythingScore, WayScore, propose_everything
from rmpsam_mobile.evaluate.instance_truth import TrueObjects
from rmpsam_mobile.evaluate.instances import FoundObject, find_instances
from rmpsam_mobile.evaluate.panoptic import NamedPicture, ids_of_classes, name_picture
from rmpsam_mobile.evaluate.panoptic_quality import Outcome, Tally
from rmpsam_mobile.evaluate.panoptic_truth import PanopticTruth, TruePicture
from rmpsam_mobile.evaluate.prompts import ObjectScore, ask_objects, require_clicks
from rmpsam_mobile.evaluate.report import (
    everything_report,
    instances_report,
    panoptic_report,
    prompts_report,
    video_report,
)
from rmpsam_mobile.evaluate.sets import Measuring, open_clips, open_objects, open_panoptic, open_prompted
from rmpsam_mobile.evaluate.video import MIN_SCORE, ClipAnswer, ClipScore, FoundTrack, follow_clip
from rmpsam_mobile.runtime import Segmenter

Json = Any


@dataclass(frozen=True, kw_only=True)
class Task:
    """A protocol on a set.

    Attributes:
        protocol: its name.
        measuring: the set.
        units: its pictures or clips, measured one by one.
        options: whatever else fixes the results, ready for JSON.
        require: refuses a model that cannot do it.
        measure: the result of one unit; it pickles.
        report: the results of all units, in their order, and the model's contract -> the report.
    """

    protocol: str
    measuring: Measuring[Any]
    units: Sequence[Any]
    options: Mapping[str, Any]
    require: Callable[[Segmenter], object]
    measure: Callable[[Segmenter, Any], Json]
    report: Callable[[Sequence[Json], ModelContract], dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class TaskOptions:
    """What a person can choose.

    Attributes:
        split: part of a set that has parts.
        limit: only so many of the first pictures or clips.
        clicks: of protocol click.
        as_official: click also compares as the released evaluation does.
        min_score: of a track that is compared with an object.
    """

    split: str = "val"
    limit: int | None = None
    clicks: int = 1
    as_official: bool = False
    min_score: float = MIN_SCORE


def open_task(protocol: str, folder: Path, options: TaskOptions) -> Task:
    """Open the set that a protocol wants.

    Args:
        protocol: one of ``PROTOCOLS``.
        folder: of the measuring set.
        options: those of other protocols have no effect.

    Raises:
        InputError: no such set.
    """
    openers = {
        "box": _prompts,
        "click": _prompts,
        "panoptic": _panoptic,
        "instance": _instance,
        "video": _video,
        "everything": _everything,
    }
    return openers[protocol](protocol, folder, options)


def _prompts(protocol: str, folder: Path, options: TaskOptions) -> Task:
    measuring = open_prompted(folder, options.limit)
    clicks, as_official = (options.clicks, options.as_official) if protocol == "click" else (0, False)
    return Task(
        protocol=protocol,
        measuring=measuring,
        units=measuring.content,
        options={"clicks": clicks, "as_official": as_official},
        require=lambda segmenter: require_clicks(segmenter.contract, clicks),
        measure=partial(_prompts_answer, clicks=clicks, as_official=as_official),
        report=lambda rows, _: prompts_report([ObjectScore(**o) for row in rows for o in row], clicks=clicks),
    )


def _prompts_answer(
    segmenter: Segmenter, picture: tuple[Record, tuple[Prompted, ...]], *, clicks: int, as_official: bool
) -> Json:
    return [asdict(score) for score in ask_objects(segmenter, picture, clicks=clicks, as_official=as_official)]


def _panoptic(protocol: str, folder: Path, options: TaskOptions) -> Task:
    measuring = open_panoptic(folder, options.split, options.limit)
    truth = measuring.content

    def require(segmenter: Segmenter) -> None:
        _require_classes(segmenter)
        ids_of_classes(segmenter.contract, truth)

    return Task(
        protocol=protocol,
        measuring=measuring,
        units=truth.pictures,
        options={"split": options.split},
        require=require,
        measure=partial(_panoptic_answer, truth=PanopticTruth((), truth.categories)),
        report=lambda rows, contract: panoptic_report([_named_picture(row) for row in rows], truth, contract),
    )


def _panoptic_answer(segmenter: Segmenter, picture: TruePicture, *, truth: PanopticTruth) -> Json:
    return asdict(name_picture(segmenter, picture, ids_of_classes(segmenter.contract, truth)))


def _named_picture(row: Json) -> NamedPicture:
    outcomes = tuple(Outcome(o["category"], o["share"], Tally(**o["tally"])) for o in row["outcomes"])
    return NamedPicture(row["source"], outcomes, row["foreign_segments"])


def _instance(protocol: str, folder: Path, options: TaskOptions) -> Task:
    measuring = open_objects(folder, options.split, options.limit)
    pictures = measuring.content

    def report(rows: Sequence[Json], contract: ModelContract) -> dict[str, Any]:
        return instances_report(pictures, [[FoundObject(**o) for o in row] for row in rows], contract)

    return Task(
        protocol=protocol,
        measuring=measuring,
        units=pictures,
        options={"split": options.split},
        require=_require_classes,
        measure=_instance_answer,
        report=report,
    )


def _instance_answer(segmenter: Segmenter, picture: TrueObjects) -> Json:
    return [asdict(found) for found in find_instances(segmenter, picture)]


def _video(protocol: str, folder: Path, options: TaskOptions) -> Task:
    measuring = open_clips(folder, options.split, options.limit)
    clips = measuring.content

    def report(rows: Sequence[Json], contract: ModelContract) -> dict[str, Any]:
        return video_report(clips, [_clip_answer(row) for row in rows], contract, options.min_score)

    return Task(
        protocol=protocol,
        measuring=measuring,
        units=clips,
        options={"split": options.split, "min_score": options.min_score},
        require=_require_classes,
        measure=partial(_video_answer, min_score=options.min_score),
        report=report,
    )


def _video_answer(segmenter: Segmenter, clip: Clip, *, min_score: float) -> Json:
    return asdict(follow_clip(segmenter, clip, min_score=min_score))


def _clip_answer(row: Json) -> ClipAnswer:
    return ClipAnswer(
        tuple(ClipScore(**score) for score in row["objects"]), tuple(FoundTrack(**track) for track in row["tracks"])
    )


def _everything(protocol: str, folder: Path, options: TaskOptions) -> Task:
    measuring = open_objects(folder, options.split, options.limit)
    return Task(
        protocol=protocol,
        measuring=measuring,
        units=measuring.content,
        options={"split": options.split},
        require=_require_classes,
        measure=_everything_answer,
        report=lambda rows, _: everything_report([_everything_score(row) for row in rows]),
    )


def _everything_answer(segmenter: Segmenter, picture: TrueObjects) -> Json:
    return asdict(propose_everything(segmenter, picture))


def _everything_score(row: Json) -> EverythingScore:
    ways = {name: WayScore(**way) for name, way in row["ways"].items()}
    return EverythingScore(source=row["source"], shares=row["shares"], ways=ways)


def _require_classes(segmenter: Segmenter) -> None:
    require_classes(segmenter.contract, segmenter.runner.graphs)
