"""Objects followed through clips, against clips whose objects keep their identity."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rmpsam_mobile.contracts import ModelContract
from rmpsam_mobile.data import Clip
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.evaluate.region_similarity import best_tracks, region_similarity
from rmpsam_mobile.rle import decode_mask
from rmpsam_mobile.runtime.tracker import Track, VideoTracks

MIN_SCORE = 0.3  # of a track; what ``segment --video`` keeps


class Following(Protocol):
    """What is measured: a ``Segmenter``."""

    @property
    def contract(self) -> ModelContract:
        """What the model knows."""
        ...

    def track(self, frames: Sequence[NDArray[np.uint8]], /, *, min_score: float) -> VideoTracks:
        """Follow objects through frames uint8 RGB [H, W, 3]."""
        ...


@dataclass(frozen=True, kw_only=True)
class ClipScore:
    """One object of one clip.

    Attributes:
        clip: its name.
        category: the object's, as the data set says.
        j: mean region similarity over all frames with its best track, 0..1; without a track 0 wherever it is in view.
        recall: share of the frames with J above 0.5.
        identity: share of the frames with the object in view in which that track has a mask;
            1 for an object that is never in view.
        found_as: the track's class, None without a track.
        tracks: how many tracks the clip has.
    """

    clip: str
    category: str | None
    j: float
    recall: float
    identity: float
    found_as: str | None
    tracks: int


def measure_clips(
    segmenter: Following,
    clips: Iterable[Clip],
    *,
    min_score: float = MIN_SCORE,
    progress: Callable[[int], None] | None = None,
) -> list[ClipScore]:
    """Follow everything through each clip and compare the best track of each object with the truth.

    Nothing is told of the first frame, so every frame counts. Classes are not compared: a rider and what they ride
    are one object in DAVIS.

    Args:
        segmenter: with an object graph.
        clips: from ``read_youtube_vis``.
        min_score: tracks below do not count.
        progress: called with 1 after each clip.

    Raises:
        InputError: a frame that cannot be read or has another size than its masks.
    """
    scores: list[ClipScore] = []
    for clip in clips:
        frames = [file.read() for file in clip.frames]
        wrong = {frame.shape[:2] for frame in frames} - {(clip.height, clip.width)}
        if wrong:
            height, width = wrong.pop()
            raise InputError(
                f"{clip.key}: a frame is {width} x {height} px, its masks {clip.width} x {clip.height} px; leave it out"
            )
        scores += _compare(clip, segmenter.track(frames, min_score=min_score), segmenter.contract.class_names)
        if progress is not None:
            progress(1)
    return scores


def _compare(clip: Clip, found: VideoTracks, names: tuple[str, ...]) -> list[ClipScore]:
    """Scores of the clip's objects, in their order."""
    truths = [[None if label is None else label.mask() for label in target] for target in clip.objects]
    per_frame = np.zeros((len(truths), len(found.tracks), len(clip.frames)))
    in_view = np.zeros((len(found.tracks), len(clip.frames)), bool)
    for i, track in enumerate(found.tracks):
        masks = [None if rle is None else decode_mask(rle) for rle in found.masks(track)]
        in_view[i] = [mask is not None and bool(mask.any()) for mask in masks]
        for target, truth in enumerate(truths):
            per_frame[target, i] = region_similarity(masks, truth)
    scores = []
    for target, best in enumerate(best_tracks(per_frame.mean(2))):
        category = next((label.category for label in clip.objects[target] if label is not None), None)
        seen = np.array([mask is not None and bool(mask.any()) for mask in truths[target]])
        j = region_similarity([None] * len(seen), truths[target]) if best is None else per_frame[target, best]
        present = np.zeros_like(seen) if best is None else in_view[best]
        scores.append(
            ClipScore(
                clip=clip.key,
                category=category,
                j=float(j.mean()),
                recall=float((j > 0.5).mean()),
                identity=float(present[seen].mean()) if seen.any() else 1.0,
                found_as=None if best is None else _name(found.tracks[best], names),
                tracks=len(found.tracks),
            )
        )
    return scores


def _name(track: Track, names: tuple[str, ...]) -> str:
    return names[track.label] if track.label < len(names) else str(track.label)
