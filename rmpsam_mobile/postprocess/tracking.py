"""Objects followed through a video: cut it into clips, link the clips' queries, name each object once.

Q queries, K classes, D channels of a query, H, W a frame of the video; R results.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from rmpsam_mobile.errors import InputError
from rmpsam_mobile.postprocess.instances import checked_class_logits, cut_out, top_pairs
from rmpsam_mobile.postprocess.resample import MaskStack, as_array

_LONG_VIDEO: Final = 15  # more frames than this are cut into longer clips
_CLIP_LENGTH: Final = 3
_LONG_CLIP_LENGTH: Final = 5


@dataclass(frozen=True)
class Tracks:
    """Objects of one frame by falling class score, an order that is the same in every frame of a video.

    Attributes:
        ids: int64 [R], from 1; the same object has the same id in every frame.
        scores: float [R], of this frame; a track's score is the mean over its frames.
        labels: int64 [R], class index below num_things.
        boxes: float32 [R, 4], xyxy, right and bottom exclusive; zeros where the object is not in this frame.
        masks: bool [R, H, W].
        queries: int64 [R], the linked object query behind each result.
    """

    ids: NDArray[np.int64]
    scores: NDArray[np.floating]
    labels: NDArray[np.int64]
    boxes: NDArray[np.float32]
    masks: NDArray[np.bool_]
    queries: NDArray[np.int64]

    def __len__(self) -> int:
        """Count the objects."""
        return len(self.ids)


def clip_ends(num_frames: int, length: int | None = None) -> list[int]:
    """Cut a video into clips without overlap and return where each ends, exclusive.

    Clips of 5 frames when there are more than 15, else of 3. What the last clip lacks is spread over the last clips,
    so that none is much shorter: 7 frames give 3, 5, 7 (official code of RMP-SAM, arXiv 2401.10228).

    Args:
        num_frames: of the video.
        length: most frames of a clip, where an exported graph fixes it; None for the released 3 or 5.

    Raises:
        InputError: no frame.
    """
    if num_frames < 1:
        raise InputError(f"{num_frames} frames; a video needs 1 at least; check that the file has any")
    length = length or (_LONG_CLIP_LENGTH if num_frames > _LONG_VIDEO else _CLIP_LENGTH)
    num_clips = -(-num_frames // length)
    ends = [length * (clip + 1) for clip in range(num_clips)]
    surplus = ends[-1] - num_frames
    if surplus >= num_clips:  # too few clips to share it
        ends[-1] = num_frames
        return ends
    for back in range(surplus):
        ends[-1 - back] -= surplus - back
    return ends


def link_queries(previous: Any, current: Any) -> NDArray[np.int64]:
    """Find which query of a clip continues each query of the clip before.

    Hungarian assignment on 1 - cosine similarity (official code of RMP-SAM, arXiv 2401.10228). Only neighbouring
    clips are compared: hand in ``previous`` in its own linked order.

    Args:
        previous: [Q, D], queries of the clip before, in linked order; array or tensor.
        current: [Q, D], queries of this clip.

    Returns:
        int64 [Q], ``order``: queries, class logits and masks of this clip are linked as ``clip[order]``.

    Raises:
        InputError: shapes that differ, or NaN.
    """
    from scipy.optimize import linear_sum_assignment

    before, now = as_array(previous), as_array(current)
    if before.ndim != 2 or before.shape != now.shape:
        raise InputError(f"queries have shapes {before.shape} and {now.shape}; both need the same (Q, D)")
    similarity = _directions(before) @ _directions(now).T
    if np.isnan(similarity).any():
        raise InputError("queries to be linked hold NaN or infinity; run the graph in float32 to find out where")
    _, order = linear_sum_assignment(1 - similarity)
    return np.asarray(order, np.int64)


def track_instances(
    class_logits: Any, mask_logits: MaskStack, num_things: int = 40, max_per_image: int = 100
) -> Tracks:
    """Cut out the objects of one frame of a linked video.

    The class logits are the same for every frame, so the (query, class) pairs and their order agree between frames,
    and the position in that list names the object; nothing is sorted by the frame's score. The official list holds the
    same pairs in the order of torch's unsorted top-k, which nothing defines: its ids are ours under other numbers.

    Args:
        class_logits: [Q, K + 1], plain mean over the video's clips in linked order; array or tensor.
        mask_logits: [Q, H, W] of this frame in linked order, before sigmoid, at the size wanted.
        num_things: classes below this index are countable; of YouTube-VIS all 40 are.
        max_per_image: pairs that are looked at; stuff among them is dropped and its ids stay unused.

    Raises:
        InputError: shapes that do not belong together, NaN, or a count out of range.
    """
    logits = checked_class_logits(class_logits, mask_logits, num_things)
    pairs = top_pairs(logits, max_per_image)
    chosen = np.flatnonzero(pairs.labels < num_things)
    found = cut_out(pairs, chosen, mask_logits)
    return Tracks(
        ids=chosen.astype(np.int64) + 1,
        scores=found.scores,
        labels=found.labels,
        boxes=found.boxes,
        masks=found.masks,
        queries=found.queries,
    )


def _directions(queries: NDArray[Any]) -> NDArray[np.float64]:
    wide = queries.astype(np.float64)
    with np.errstate(invalid="ignore"):  # infinity over infinity is reported by the caller
        lengths = np.linalg.norm(wide, axis=1, keepdims=True)
        directions: NDArray[np.float64] = wide / np.maximum(lengths, 1e-8)
    return directions
