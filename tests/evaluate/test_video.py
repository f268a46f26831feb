"""Region similarity by hand, the track that answers for an object, video AP, and a clip from disk to figures."""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rmpsam_mobile.data import Clip, ObjectLabel
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.evaluate import (
    average_precision,
    best_tracks,
    boundary_measure,
    measure_video,
    open_clips,
    region_similarity,
    video_report,
)
from rmpsam_mobile.evaluate.video import track_scenes
from rmpsam_mobile.rle import Rle, encode_mask
from rmpsam_mobile.runtime.tracker import Spool, Track, VideoTracks
from tests.evaluate.measuring_sets import HEIGHT, SQUARE, WIDTH, Mask, contract, rectangle, write_clips

NOTHING = np.zeros_like(SQUARE)
HALF = rectangle(4, 2, 8, 4)
F_HALF = boundary_measure(HALF, SQUARE)
ELSEWHERE = rectangle(30, 30, 40, 40)


class Written(VideoTracks):
    """Tracks whose masks are given, by falling score."""

    def __init__(self, masks: Sequence[Sequence[Mask | None]]) -> None:
        tracks = tuple(Track(i, i, label=i % 2, score=1 / (i + 1)) for i in range(len(masks)))
        super().__init__(Spool(0), tracks, len(masks[0]) if masks else 0)
        self._masks = masks

    def masks(self, track: Track) -> Iterator[Rle | None]:
        return (None if mask is None else encode_mask(mask) for mask in self._masks[track.query])


class Follower:
    """Finds the same tracks in every clip."""

    contract = contract(class_names=("dog", "camel"), num_things=2)

    def __init__(self, *masks: Sequence[Mask | None]) -> None:
        self._masks = masks
        self.seen: list[tuple[int, float, int]] = []

    def track(self, frames: Sequence[NDArray[np.uint8]], /, *, min_score: float, max_tracks: int) -> VideoTracks:
        assert all(frame.shape == (HEIGHT, WIDTH, 3) for frame in frames)
        self.seen.append((len(frames), min_score, max_tracks))
        return Written(self._masks)


def measured(folder: Path, follower: Follower) -> dict[str, Any]:
    clips = open_clips(folder, "val").content
    return video_report(clips, measure_video(follower, clips), follower.contract, 0.3)


def test_region_similarity_frame_by_frame() -> None:
    truth = [SQUARE, SQUARE, SQUARE, None, NOTHING, None]
    prediction = [SQUARE, HALF, None, None, None, SQUARE]
    assert region_similarity(prediction, truth).tolist() == [1, 0.5, 0, 1, 1, 0]
    assert region_similarity(truth, prediction).tolist() == [1, 0.5, 0, 1, 1, 0]
    assert region_similarity([ELSEWHERE], [SQUARE]).tolist() == [0]


def test_one_object_gets_the_track_with_the_highest_j() -> None:
    assert best_tracks(np.array([[0.2, 0.7, 0.69]])) == [1]
    assert best_tracks(np.array([[0.0, 0.0]])) == [None]
    assert best_tracks(np.zeros((1, 0))) == [None]
    assert best_tracks(np.zeros((0, 3))) == []


@pytest.mark.parametrize("seed", range(5))
def test_objects_share_no_track(seed: int) -> None:
    similarity = np.random.default_rng(seed).random((3, 4))
    best = max(itertools.permutations(range(4), 3), key=lambda found: sum(similarity[range(3), found]))
    assert best_tracks(similarity) == list(best)
    assert best_tracks(similarity[:, :2]).count(None) == 1


def test_a_clip_with_the_right_track_among_others(tmp_path: Path) -> None:
    folder = write_clips(tmp_path / "set", [SQUARE, SQUARE, None, SQUARE])
    follower = Follower([ELSEWHERE] * 4, [SQUARE, HALF, SQUARE, None], [HALF] * 4)
    report = measured(folder, follower)
    # track 1 has 1, 1/2, 0, 0, track 2 has 1/2, 1/2, 0, 1/2
    assert report["by_object"] == [
        {
            "clip": "clip",
            "source": "clips",
            "category": "camel",
            "share": 16 / 2000,
            "j": 0.375,
            "f": pytest.approx((1 + F_HALF) / 4),
            "recall": 0.25,
            "identity": pytest.approx(2 / 3),
            "found_as": "camel",
            "tracks": 3,
        }
    ]
    assert (report["j"], report["objects"], report["clips"]) == (0.375, 1, 1)
    assert follower.seen == [(4, 0.0, 100)]
    assert [name for name, row in report["by_size"].items() if row["objects"]] == ["<1%"]
    assert report["by_source"]["clips"]["j"] == 0.375


def test_a_clip_without_tracks(tmp_path: Path) -> None:
    report = measured(write_clips(tmp_path / "set", [SQUARE, SQUARE, None, SQUARE]), Follower())
    (row,) = report["by_object"]
    # nothing was followed, which is right in the frame without the object
    assert (row["j"], row["recall"], row["identity"], row["found_as"], row["tracks"]) == (0.25, 0.25, 0, None, 0)


def test_two_objects_of_a_clip(tmp_path: Path) -> None:
    one = open_clips(write_clips(tmp_path / "set", [SQUARE, SQUARE]), "val").content[0]
    other = tuple(ObjectLabel(encode_mask(ELSEWHERE), "dog") for _ in range(2))
    clip = Clip(key="c", frames=one.frames, height=HEIGHT, width=WIDTH, objects=(other, *one.objects))
    (answer,) = measure_video(Follower([SQUARE] * 2, [ELSEWHERE, None]), [clip], min_score=0.1)
    scores = answer.objects
    assert [(score.category, score.j, score.identity) for score in scores] == [("dog", 0.5, 0.5), ("camel", 1, 1)]
    assert [score.found_as for score in scores] == ["camel", "dog"]


def test_frames_of_another_size(tmp_path: Path) -> None:
    clip = open_clips(write_clips(tmp_path / "set", [SQUARE]), "val").content[0]
    smaller = Clip(key="c", frames=clip.frames, height=30, width=WIDTH, objects=clip.objects)
    with pytest.raises(InputError) as caught:
        measure_video(Follower(), [smaller])
    assert str(caught.value) == "c: a frame is 50 x 40 px, its masks 50 x 30 px; leave it out"


def test_unsure_tracks_count_for_precision_alone(tmp_path: Path) -> None:
    clips = open_clips(write_clips(tmp_path / "set", [SQUARE, SQUARE]), "val").content
    follower = Follower([ELSEWHERE] * 2, [SQUARE] * 2)  # scores 1 and 1/2
    report = video_report(clips, measure_video(follower, clips, min_score=0.8), follower.contract, 0.8)
    assert (report["j"], report["by_object"][0]["tracks"]) == (0, 1)
    # the camel's track is named camel; without names a wrong one comes first
    assert report["video_ap"]["by_class"]["ap"] == pytest.approx(1)
    assert report["video_ap"]["class_agnostic"]["ap"] == pytest.approx(0.5)


def test_overlap_of_tracks_is_summed_over_frames(tmp_path: Path) -> None:
    """YouTube-VIS: 16 + 8 + 0 pixels shared of 16 + 16 + 16, IoU 1/2, which reaches the first threshold alone."""
    clips = open_clips(write_clips(tmp_path / "set", [SQUARE, SQUARE, SQUARE]), "val").content
    follower = Follower([SQUARE, HALF, None])
    answers = measure_video(follower, clips)
    report = average_precision(track_scenes(clips, answers), by_class=False)
    assert (report["ap"], report["ap50"]) == pytest.approx((0.1, 1))
    assert report["by_size"]["<1%"]["objects"] == 1
    # half of the object elsewhere in a frame without it: 16 + 8 of 48 + 16
    (worse,) = open_clips(write_clips(tmp_path / "worse", [SQUARE, SQUARE, None]), "val").content
    found = measure_video(Follower([SQUARE, HALF, HALF]), [worse])
    assert average_precision(track_scenes([worse], found), by_class=False)["ap50"] == pytest.approx(1)  # 24 of 40
    found = measure_video(Follower([SQUARE, None, SQUARE]), [worse])
    assert average_precision(track_scenes([worse], found), by_class=False)["ap50"] == 0  # 16 of 48
