"""From a record or clip to a sample: read, draw the views, decode only the masks that can be seen. G, T, S as there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rmpsam_mobile.data.augment import Augmentation, draw_colour, draw_view, see_frames, see_object, stack_masks
from rmpsam_mobile.data.clips import choose_frames, draw_track
from rmpsam_mobile.data.records import ObjectLabel, Record
from rmpsam_mobile.data.samples import Sample, Task
from rmpsam_mobile.data.views import View
from rmpsam_mobile.data.youtube_vis import Clip
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.rle import Rle

Track = tuple[ObjectLabel | None, ...]  # an object in T frames, None where it is not in view


@dataclass(frozen=True, kw_only=True)
class Assembly:
    """How samples are put together.

    Attributes:
        augmentation: with the side S of the square.
        classes: number by name.
        max_objects: drawn at random among those in view where there are more.
        num_frames: T of clips.
    """

    augmentation: Augmentation
    classes: Mapping[str, int]
    max_objects: int
    num_frames: int

    def still(
        self, record: Record, task: Task, rng: np.random.Generator, objects: tuple[ObjectLabel, ...] | None = None
    ) -> Sample:
        """A picture, T = 1, with ``objects``, or all of its own.

        Raises:
            InputError: the picture or a mask cannot be read.
        """
        pixels, tracks = _read(record, 1, objects)
        view = draw_view(pixels.shape[:2], self._boxes(tracks, pixels.shape[:2]), self.augmentation, rng)
        return self._sample(_footage_of(record, (pixels,), tracks, (view,)), task, rng)

    def pseudo_video(self, record: Record, rng: np.random.Generator) -> Sample:
        """A picture seen through a moving window.

        Raises:
            InputError: the picture or a mask cannot be read.
        """
        pixels, tracks = _read(record, self.num_frames, None)
        boxes = self._boxes(tracks, pixels.shape[:2])
        views = draw_track(draw_view(pixels.shape[:2], boxes, self.augmentation, rng), self.num_frames, rng)
        footage = _footage_of(record, (pixels,) * self.num_frames, tracks, views)
        return self._sample(footage, Task.PSEUDO_VIDEO, rng)

    def clip(self, clip: Clip, rng: np.random.Generator) -> Sample:
        """Frames of a real clip in their order.

        Raises:
            InputError: a frame or a mask cannot be read.
        """
        chosen = choose_frames(len(clip.frames), self.num_frames, rng)
        frames = tuple(clip.frames[t].read() for t in chosen)
        for frame in frames:
            if frame.shape[:2] != (clip.height, clip.width):
                size = f"{frame.shape[1]} x {frame.shape[0]} px"
                raise InputError(
                    f"{clip.key}: a frame is {size}, the clip {clip.width} x {clip.height} px; leave it out"
                )
        tracks = tuple(tuple(track[t] for t in chosen) for track in clip.objects)
        boxes = self._boxes(tracks, (clip.height, clip.width))
        view = draw_view((clip.height, clip.width), boxes, self.augmentation, rng)
        footage = _Footage(key=clip.key, source=clip.source, frames=frames, tracks=tracks, views=(view,) * len(chosen))
        return self._sample(footage, Task.CLIP, rng)

    def _sample(self, footage: "_Footage", task: Task, rng: np.random.Generator) -> Sample:
        colour = draw_colour(self.augmentation, rng)
        shown = _in_view(footage)
        chosen = np.sort(rng.permutation(shown)[: self.max_objects])
        masks, labels = [], []
        for number in chosen:
            track = footage.tracks[number]
            seen = see_object(footage.views, _decode(track), self.augmentation)
            if seen is not None:
                masks.append(seen)
                labels.append(self._class_of(track))
        size = self.augmentation.size
        return Sample(
            key=footage.key,
            source=footage.source,
            task=task,
            pixels=see_frames(footage.views, footage.frames, colour, size),
            image_size=(footage.views[0].height, footage.views[0].width),
            masks=stack_masks(masks, len(footage.views), size),
            labels=np.array(labels, np.int64),
            is_labelled=footage.is_labelled,
            is_exhaustive=footage.is_exhaustive and len(chosen) == len(shown),
        )

    def _class_of(self, track: Track) -> int:
        category = next((label.category for label in track if label is not None), None)
        return -1 if category is None else self.classes.get(category, -1)

    def _boxes(self, tracks: Sequence[Track], picture: tuple[int, ...]) -> NDArray[np.float64]:
        """Boxes [K, 4] that a crop may follow; also the check that all masks are of the picture's size."""
        present = [[label for label in track if label is not None] for track in tracks]
        for label in (label for labels in present for label in labels):
            if tuple(label.rle["size"]) != picture[:2]:
                height, width = label.rle["size"]
                raise InputError(
                    f"a mask is {width} x {height} px, its picture {picture[1]} x {picture[0]} px; leave it out"
                )
        return rle_boxes([labels[0].rle for labels in present if labels])


@dataclass(frozen=True, kw_only=True)
class _Footage:
    key: str
    source: str
    frames: tuple[NDArray[np.uint8], ...]
    tracks: tuple[Track, ...]
    views: tuple[View, ...]
    is_labelled: bool = True
    is_exhaustive: bool = False


def _footage_of(
    record: Record, frames: tuple[NDArray[np.uint8], ...], tracks: tuple[Track, ...], views: tuple[View, ...]
) -> _Footage:
    return _Footage(
        key=record.key,
        source=record.source,
        frames=frames,
        tracks=tracks,
        views=views,
        is_labelled=record.is_labelled,
        is_exhaustive=record.is_exhaustive,
    )


def rle_boxes(rles: Sequence[Rle]) -> NDArray[np.float64]:
    """Boxes xyxy [G, 4], right and bottom exclusive, of run-length codes, without decoding them."""
    from pycocotools import mask as coco_mask

    if not rles:
        return np.zeros((0, 4))
    coded = [{"size": rle["size"], "counts": _as_bytes(rle["counts"])} for rle in rles]
    boxes: NDArray[np.float64] = np.array(coco_mask.toBbox(coded), np.float64)
    boxes[:, 2:] += boxes[:, :2]
    return boxes


def _read(
    record: Record, num_frames: int, objects: tuple[ObjectLabel, ...] | None
) -> tuple[NDArray[np.uint8], tuple[Track, ...]]:
    labels = record.objects if objects is None else objects
    return record.read(), tuple((label,) * num_frames for label in labels)


def _in_view(footage: _Footage) -> NDArray[np.int64]:
    """Numbers of the objects whose boxes reach into the view in a frame."""
    shown = np.zeros(len(footage.tracks), np.bool_)
    for t, view in enumerate(footage.views):
        present = [number for number, track in enumerate(footage.tracks) if track[t] is not None]
        labels = [label for number in present if (label := footage.tracks[number][t]) is not None]
        shown[present] |= view.shows(rle_boxes([label.rle for label in labels]))
    return np.flatnonzero(shown)


def _decode(track: Track) -> list[NDArray[np.bool_] | None]:
    """Masks of T frames; one that stands in all of them is decoded once."""
    decoded: dict[int, NDArray[np.bool_]] = {}
    for label in track:
        if label is not None and id(label) not in decoded:
            decoded[id(label)] = label.mask()
    return [None if label is None else decoded[id(label)] for label in track]


def _as_bytes(counts: str | bytes) -> bytes:
    return counts.encode("ascii") if isinstance(counts, str) else counts
