"""Objects followed through clips, against clips whose objects keep their identity: J, F, identity and video AP."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from rmpsam_mobile.contracts import ModelContract
from rmpsam_mobile.data import Clip
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.evaluate.boundary import boundary_similarity
from rmpsam_mobile.evaluate.detection import FoundMask, Scene, TrueMask
from rmpsam_mobile.evaluate.region_similarity import best_tracks, region_similarity
from rmpsam_mobile.rle import Rle, decode_mask, encode_mask
from rmpsam_mobile.runtime.tracker import Track, VideoTracks

MIN_SCORE: Final = 0.3  # of a track that is compared with an object; what ``segment --video`` keeps
_MAX_TRACKS: Final = 20  # of those; likewise

Mask = NDArray[np.bool_]


class Following(Protocol):
    """What is measured: a ``Segmenter``."""

    @property
    def contract(self) -> ModelContract:
        """What the model knows."""
        ...

    def track(self, frames: Sequence[NDArray[np.uint8]], /, *, min_score: float, max_tracks: int) -> VideoTracks:
        """Follow objects through frames uint8 RGB [H, W, 3]."""
        ...


@dataclass(frozen=True, kw_only=True)
class ClipScore:
    """One object of one clip.

    Attributes:
        clip: its name.
        source: its collection.
        category: the object's, as the data set says.
        share: of the frame's area, mean over the frames in which it is in view; 0 for an object that never is.
        j: mean region similarity over all frames with its best track, 0..1; without a track 0 wherever it is in view.
        f: mean boundary measure, with the same track.
        recall: share of the frames with J above 0.5.
        identity: share of the frames with the object in view in which that track has a mask;
            1 for an object that is never in view.
        found_as: the track's class, None without a track.
        tracks: how many tracks the clip has.
    """

    clip: str
    source: str
    category: str | None
    share: float
    j: float
    f: float
    recall: float
    identity: float
    found_as: str | None
    tracks: int


@dataclass(frozen=True, kw_only=True)
class FoundTrack:
    """A track: class, score, mean share of the frame where it is in view, its frames side by side as one mask."""

    category: str
    score: float
    share: float
    rle: Rle


@dataclass(frozen=True)
class ClipAnswer:
    """What one clip gave: a score for each object, and every track however unsure."""

    objects: tuple[ClipScore, ...]
    tracks: tuple[FoundTrack, ...]


def measure_video(
    segmenter: Following,
    clips: Iterable[Clip],
    *,
    min_score: float = MIN_SCORE,
    progress: Callable[[int], None] | None = None,
) -> list[ClipAnswer]:
    """Follow everything through each clip; see ``follow_clip``. ``progress`` is called with 1 after each clip."""
    answers: list[ClipAnswer] = []
    for clip in clips:
        answers.append(follow_clip(segmenter, clip, min_score=min_score))
        if progress is not None:
            progress(1)
    return answers


def follow_clip(segmenter: Following, clip: Clip, *, min_score: float = MIN_SCORE) -> ClipAnswer:
    """Follow everything through a clip and compare the best track of each object with the truth.

    Nothing is told of the first frame, so every frame counts. For J, F and identity classes are not compared: a rider
    and what they ride are one object in DAVIS.

    Args:
        segmenter: with an object graph.
        clip: from ``read_youtube_vis``.
        min_score: tracks below count for video AP alone.

    Raises:
        InputError: a frame that cannot be read or has another size than its masks.
    """
    frames = [file.read() for file in clip.frames]
    wrong = {frame.shape[:2] for frame in frames} - {(clip.height, clip.width)}
    if wrong:
        height, width = wrong.pop()
        raise InputError(
            f"{clip.key}: a frame is {width} x {height} px, its masks {clip.width} x {clip.height} px; leave it out"
        )
    found = segmenter.track(frames, min_score=0.0, max_tracks=segmenter.contract.sizes.num_queries)
    sure = [track for track in found.tracks if track.score >= min_score][:_MAX_TRACKS]
    names = segmenter.contract.class_names
    return ClipAnswer(tuple(_compare(clip, found, sure, names)), tuple(_tracks(clip, found, names)))


def side_by_side(clip: Clip, masks: Sequence[Mask | None]) -> tuple[Rle, float]:
    """A clip's masks as one mask [H, T * W], and its mean share of the frame where it is in view, 0 if it never is."""
    nothing = np.zeros((clip.height, clip.width), bool)
    areas = [np.count_nonzero(mask) for mask in masks if mask is not None and mask.any()]
    share = float(np.mean(areas)) / nothing.size if areas else 0.0
    return encode_mask(np.concatenate([nothing if mask is None else mask for mask in masks], axis=1)), share


def track_scenes(
    clips: Sequence[Clip], answers: Sequence[ClipAnswer], names: Sequence[str] | None = None
) -> list[Scene]:
    """Clips as ``average_precision`` takes them: objects and tracks of ``names``, or all of them under one name."""
    scenes = []
    for clip, answer in zip(clips, answers, strict=True):
        truths = []
        for target, masks in enumerate(true_masks(clip)):
            category = _place(category_of(clip, target), names)
            rle, share = side_by_side(clip, masks)
            if category and share:
                truths.append(TrueMask(rle=rle, share=share, category=category))
        places = [_place(track.category, names) for track in answer.tracks]
        found = [
            FoundMask(rle=track.rle, share=track.share, score=track.score, category=category)
            for track, category in zip(answer.tracks, places, strict=True)
            if category
        ]
        scenes.append(Scene(source=clip.source, truths=truths, found=found))
    return scenes


def _place(name: str | None, names: Sequence[str] | None) -> int:
    """Category number of a name, 0 for one that is not measured."""
    if names is None:
        return 1
    return 1 + names.index(name) if name in names else 0


def true_masks(clip: Clip) -> list[list[Mask | None]]:
    """The truth of each object, frame by frame."""
    return [[None if label is None else label.mask() for label in target] for target in clip.objects]


def category_of(clip: Clip, target: int) -> str | None:
    """The category of an object."""
    return next((label.category for label in clip.objects[target] if label is not None), None)


def _tracks(clip: Clip, found: VideoTracks, names: tuple[str, ...]) -> Iterator[FoundTrack]:
    for track in found.tracks:
        rle, share = side_by_side(clip, _masks(found, track))
        if share:
            yield FoundTrack(category=_name(track, names), score=track.score, share=share, rle=rle)


def _compare(clip: Clip, found: VideoTracks, tracks: Sequence[Track], names: tuple[str, ...]) -> Iterator[ClipScore]:
    """Scores of the clip's objects, in their order."""
    truths = true_masks(clip)
    similarity = np.zeros((len(truths), len(tracks)))
    for i, track in enumerate(tracks):
        masks = _masks(found, track)  # of one track at a time: a clip may be long
        similarity[:, i] = [region_similarity(masks, truth).mean() for truth in truths]
    for target, best in enumerate(best_tracks(similarity)):
        truth, chosen = truths[target], [None] * len(clip.frames) if best is None else _masks(found, tracks[best])
        seen = np.array([_is_seen(mask) for mask in truth])
        present = np.array([_is_seen(mask) for mask in chosen])
        j = region_similarity(chosen, truth)
        yield ClipScore(
            clip=clip.key,
            source=clip.source,
            category=category_of(clip, target),
            share=side_by_side(clip, truth)[1],
            j=float(j.mean()),
            f=float(boundary_similarity(chosen, truth).mean()),
            recall=float((j > 0.5).mean()),
            identity=float(present[seen].mean()) if seen.any() else 1.0,
            found_as=None if best is None else _name(tracks[best], names),
            tracks=len(tracks),
        )


def _masks(found: VideoTracks, track: Track) -> list[Mask | None]:
    return [None if rle is None else decode_mask(rle) for rle in found.masks(track)]


def _is_seen(mask: Mask | None) -> bool:
    return mask is not None and bool(mask.any())


def _name(track: Track, names: tuple[str, ...]) -> str:
    return names[track.label] if track.label < len(names) else str(track.label)
