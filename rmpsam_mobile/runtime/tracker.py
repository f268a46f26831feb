"""Objects through a video of any length, in bounded memory.

Clips are segmented one after the other and linked by their queries (RMP-SAM's released evaluation). Scores are known
only when the last clip is done, so masks wait in a spool on disk, run-length coded, one file a query.
Letters: Q queries, K classes, T frames of a clip, h x w the mask grid, H x W the video.
"""

import itertools
import json
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rmpsam_mobile.contracts import Graph, ModelContract
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.fit import Fit, fit_picture
from rmpsam_mobile.postprocess import PictureMasks, clip_ends, link_queries
from rmpsam_mobile.preprocess import pixel_values
from rmpsam_mobile.rle import Rle, decode_mask, encode_mask
from rmpsam_mobile.runtime.base import Array, Runner
from rmpsam_mobile.runtime.frames import Frames


@dataclass(frozen=True)
class LinkedClip:
    """One clip in the order of the first clip's queries: class logits [Q, K + 1], mask logits [Q, T, h, w]."""

    start: int
    class_logits: Array
    mask_logits: Array
    fit: Fit


@dataclass(frozen=True)
class Track:
    """One object: id from 1, class index, score 0..1 (class probability times mean mask confidence)."""

    id: int
    query: int
    label: int
    score: float


class VideoTracks:
    """Tracks by falling score; masks are read from the spool, which lives as long as this object."""

    def __init__(self, spool: "Spool", tracks: tuple[Track, ...], num_frames: int) -> None:
        self._spool = spool
        self.tracks = tracks
        self.num_frames = num_frames

    def masks(self, track: Track) -> Iterator[Rle | None]:
        """The track's mask in every frame, run-length coded; None where it is not in view."""
        for rle, _ in self._spool.read(track.query):
            yield rle

    def frames(self) -> Iterator[list[tuple[Track, NDArray[np.bool_]]]]:
        """Frame by frame, the tracks in view with their masks bool [H, W]."""
        streams = [self.masks(track) for track in self.tracks]
        for _ in range(self.num_frames):
            row = [(track, next(stream)) for track, stream in zip(self.tracks, streams, strict=True)]
            yield [(track, decode_mask(rle)) for track, rle in row if rle is not None]


class Spool:
    """Masks and their confidences on disk, one growing file a query."""

    def __init__(self, num_queries: int) -> None:
        folder = Path(tempfile.mkdtemp(prefix="rmpsam-spool-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)  # TemporaryDirectory would warn
        self._files = [folder / f"{query}.jsonl" for query in range(num_queries)]
        self.confidence = np.zeros(num_queries)  # summed over frames

    def append(self, masks: PictureMasks) -> None:
        """Add one frame: mask logits [Q, H, W]."""
        for query, (file, logits) in enumerate(zip(self._files, masks, strict=True)):
            binary = logits > 0
            area = int(np.count_nonzero(binary))
            confidence = float((binary / (1 + np.exp(-np.abs(logits)))).sum() / (area + 1e-6))
            rle = encode_mask(binary) if area else None
            self.confidence[query] += confidence
            with file.open("a", encoding="ascii") as stream:
                stream.write(json.dumps([rle, round(confidence, 6)]) + "\n")

    def read(self, query: int) -> Iterator[tuple[Rle | None, float]]:
        """Mask and confidence of one query, frame by frame."""
        with self._files[query].open(encoding="ascii") as stream:
            for line in stream:
                rle, confidence = json.loads(line)
                yield rle, confidence


def track_video(
    runner: Runner,
    frames: Frames,
    *,
    min_score: float = 0.3,
    max_tracks: int = 20,
    progress: Callable[[int], None] | None = None,
) -> VideoTracks:
    """Find and follow the countable objects of a video.

    Args:
        runner: any engine with encoder and object graphs; with a clip graph, or eager, clips are seen as one.
        frames: uint8 RGB [H, W, 3] of one size; read once.
        min_score: tracks below are dropped.
        max_tracks: the best are kept.
        progress: called with the number of frames done since the last call.
    """
    contract = runner.contract
    spool = Spool(contract.sizes.num_queries)
    total, clips = np.zeros((contract.sizes.num_queries, contract.sizes.num_classes + 1)), 0
    for clip in linked_clips(runner, frames):
        total, clips = total + clip.class_logits, clips + 1
        for t in range(clip.mask_logits.shape[1]):
            spool.append(PictureMasks(clip.mask_logits[:, t], clip.fit))
            if progress is not None:
                progress(1)
    return VideoTracks(
        spool, _best_tracks(total / clips, spool, contract, len(frames), min_score)[:max_tracks], len(frames)
    )


def linked_clips(runner: Runner, frames: Frames) -> Iterator[LinkedClip]:
    """Segment clip after clip and put each one's queries into the order of the clip before.

    Raises:
        InputError: no frames, or a frame of another size than the first.
    """
    length = _clip_length(runner)
    ends = clip_ends(len(frames)) if length is None else clip_ends(len(frames), length)
    stream, start, previous, shape = iter(frames), 0, None, None
    for end in ends:
        pictures = list(itertools.islice(stream, end - start))
        if len(pictures) != end - start:
            raise InputError(f"{ends[-1]} frames were announced, {start + len(pictures)} came; check the video")
        shape = shape or pictures[0].shape
        if any(picture.shape != shape for picture in pictures):
            raise InputError(f"frames {start} to {end - 1} differ in size from the first; make all frames one size")
        fit = fit_picture(shape[0], shape[1], runner.contract.sizes.size)
        features = [runner.run(Graph.ENCODER, [pixel_values(picture, fit)])[0] for picture in pictures]
        class_logits, mask_logits, queries = _objects(runner, features)
        order = slice(None) if previous is None else link_queries(previous, queries)
        previous = queries[order]
        yield LinkedClip(start, class_logits[order], mask_logits[order], fit)
        start = end


def _clip_length(runner: Runner) -> int | None:
    """Frames that the engine sees as one: None for the released cut, 1 without a clip graph."""
    if Graph.CLIP not in runner.graphs:
        return 1
    return runner.contract.sizes.clip_frames or None


def _objects(runner: Runner, features: list[Array]) -> tuple[Array, Array, Array]:
    """Class logits [Q, K + 1], mask logits [Q, T, h, w], queries [Q, C] of one clip."""
    if Graph.CLIP not in runner.graphs:
        class_logits, mask_logits, queries = runner.run(Graph.OBJECTS, features)
        return class_logits[0], mask_logits[0][:, None], queries[0]
    # A fixed clip graph takes its full length: zero features are in no mask and change nothing.
    missing = max(runner.contract.sizes.clip_frames - len(features), 0)
    padded = [*features, *[np.zeros_like(features[0])] * missing]
    class_logits, mask_logits, queries = runner.run(Graph.CLIP, [np.concatenate(padded, axis=2)])
    return class_logits[0], mask_logits[0, :, : len(features)], queries[0]


def _best_tracks(
    class_logits: Array, spool: Spool, contract: ModelContract, num_frames: int, min_score: float
) -> tuple[Track, ...]:
    """Each query under its likeliest countable class, by falling score; ids in that order."""
    shifted = np.exp(class_logits - class_logits.max(-1, keepdims=True))
    probability = (shifted / shifted.sum(-1, keepdims=True))[:, : contract.num_things]
    labels = probability.argmax(-1)
    scores = probability.max(-1) * spool.confidence / num_frames
    order = [query for query in np.argsort(-scores, kind="stable").tolist() if scores[query] >= min_score]
    return tuple(Track(i, query, int(labels[query]), float(scores[query])) for i, query in enumerate(order, start=1))
