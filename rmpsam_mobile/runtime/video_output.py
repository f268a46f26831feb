"""What a tracked video leaves behind: YouTube-VIS results and an animated overlay."""

import json
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from rmpsam_mobile.contracts import ModelContract
from rmpsam_mobile.overlay import Shape, draw_overlay
from rmpsam_mobile.runtime.frames import Frames
from rmpsam_mobile.runtime.tracker import VideoTracks

MAX_FRAMES = 240  # of the animation, which pillow holds in memory; longer videos are thinned out evenly
MAX_SIDE = 640


def write_tracks(found: VideoTracks, contract: ModelContract, path: Path) -> None:
    """Write YouTube-VIS results, one track at a time: category_id from 1, a run-length code or null for each frame."""
    with path.open("w", encoding="utf-8") as stream:
        stream.write("[")
        for i, track in enumerate(found.tracks):
            head = {
                "video_id": 1,
                "track_id": track.id,
                "category_id": track.label + 1,
                "category": contract.class_names[track.label],
                "score": track.score,
                "trained": contract.trained,
            }
            stream.write((",\n" if i else "\n") + json.dumps(head, ensure_ascii=False)[:-1] + ', "segmentations": [')
            for t, mask in enumerate(found.masks(track)):
                stream.write((", " if t else "") + json.dumps(mask))
            stream.write("]}")
        stream.write("\n]\n")


def write_animation(
    found: VideoTracks,
    frames: Frames,
    contract: ModelContract,
    path: Path,
    *,
    banner: str = "",
    progress: Callable[[int], None] = lambda _: None,
) -> int:
    """Draw the tracks over the frames as an animated .gif or .webp.

    Returns:
        How many frames the animation shows: every one up to 240, else every n-th.
    """
    step = -(-len(frames) // MAX_FRAMES)
    drawn: list[Image.Image] = []
    for t, (frame, tracks) in enumerate(zip(frames, found.frames(), strict=True)):
        progress(1)
        if t % step == 0:
            named = ((mask, f"{contract.class_names[track.label]} {track.id}", track.id) for track, mask in tracks)
            picture = draw_overlay(frame, [Shape(*shape) for shape in named], banner=banner)
            picture.thumbnail((MAX_SIDE, MAX_SIDE))
            drawn.append(picture)
    drawn[0].save(path, save_all=True, append_images=drawn[1:], duration=100 * step, loop=0)
    return len(drawn)
