"""YouTube-VIS's layout: clips whose objects keep their identity."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rmpsam_mobile.data.coco import encode_segmentation
from rmpsam_mobile.data.documents import inside, read_document
from rmpsam_mobile.data.records import ObjectLabel, PictureFile
from rmpsam_mobile.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Clip:
    """Frames of one size; ``objects[i][t]`` is object i in frame t, None where it is not in view."""

    key: str
    frames: tuple[PictureFile, ...]
    height: int
    width: int
    objects: tuple[tuple[ObjectLabel | None, ...], ...]
    source: str = "clips"  # the collection it belongs to, by which it is drawn


def read_youtube_vis(annotations: str | Path, frames: str | Path) -> list[Clip]:
    """Read a split.

    Args:
        annotations: ``instances_SPLIT.json``.
        frames: folder that the ``file_names`` are below.

    Raises:
        InputError: missing or of another layout.
    """
    return vis_clips(read_document(Path(annotations), ("videos", "annotations", "categories")), Path(frames))


def vis_clips(document: dict[str, Any], frames: Path) -> list[Clip]:
    """Clips of a YouTube-VIS document.

    Raises:
        InputError: a mask in no known form, or a file name that leads out of its folder.
    """
    names = {category["id"]: category["name"] for category in document["categories"]}
    videos = {video["id"]: video for video in document["videos"]}
    objects: defaultdict[int, list[tuple[ObjectLabel | None, ...]]] = defaultdict(list)
    for annotation in document["annotations"]:
        video = videos[annotation["video_id"]]
        name = names[annotation["category_id"]]
        masks = tuple(_label(mask, video, name) for mask in annotation["segmentations"])
        if len(masks) != len(video["file_names"]):
            key, num_frames = video["file_names"][0], len(video["file_names"])
            raise InputError(f"an object of {key} has {len(masks)} masks for {num_frames} frames; mend the file")
        objects[annotation["video_id"]].append(masks)
    return [
        Clip(
            key=str(video["file_names"][0]).rpartition("/")[0] or str(video_id),
            frames=tuple(PictureFile(inside(frames, name)) for name in video["file_names"]),
            height=video["height"],
            width=video["width"],
            objects=tuple(objects[video_id]),
        )
        for video_id, video in videos.items()
    ]


def _label(mask: Any, video: dict[str, Any], name: str) -> ObjectLabel | None:
    return None if mask is None else ObjectLabel(encode_segmentation(mask, video["height"], video["width"]), name)
