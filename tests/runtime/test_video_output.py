"""What a tracked video leaves behind: results that evaluators read, and an animation that plays."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rmpsam_mobile.contracts import Graph
from rmpsam_mobile.rle import decode_mask
from rmpsam_mobile.runtime.tracker import VideoTracks, track_video
from rmpsam_mobile.runtime.video_output import MAX_FRAMES, write_animation, write_tracks
from tests.runtime.test_tracker import Squares, squares


@pytest.fixture(scope="module")
def runner() -> Squares:
    return Squares((Graph.ENCODER, Graph.OBJECTS))


def tracked(runner: Squares, count: int) -> VideoTracks:
    return track_video(runner, squares(count))


def test_tracks_are_youtube_vis_results(runner: Squares, tmp_path: Path) -> None:
    found = tracked(runner, 6)
    write_tracks(found, runner.contract, tmp_path / "tracks.json")
    rows = json.loads((tmp_path / "tracks.json").read_text(encoding="utf-8"))
    assert [row["track_id"] for row in rows] == [1, 2]
    assert [row["category"] for row in rows] == ["Mensch", "Hündin"]
    assert [row["category_id"] for row in rows] == [1, 2]
    for row, track in zip(rows, found.tracks, strict=True):
        assert row["score"] == track.score
        assert row["trained"] is False
        assert len(row["segmentations"]) == 6
        for code, own in zip(row["segmentations"], found.masks(track), strict=True):
            assert code == own
            assert code is None or decode_mask(code).shape == (64, 64)


def test_no_tracks_are_an_empty_list(runner: Squares, tmp_path: Path) -> None:
    found = track_video(runner, squares(2), min_score=1.0)
    write_tracks(found, runner.contract, tmp_path / "tracks.json")
    assert json.loads((tmp_path / "tracks.json").read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("name", ["a.webp", "a.gif"])
def test_the_animation_has_every_frame(runner: Squares, tmp_path: Path, name: str) -> None:
    found = tracked(runner, 7)
    done: list[int] = []
    shown = write_animation(
        found, squares(7), runner.contract, tmp_path / name, banner="untrained", progress=done.append
    )
    assert shown == 7
    assert sum(done) == 7
    with Image.open(tmp_path / name) as animation:
        assert getattr(animation, "n_frames", 1) == 7
        assert max(animation.size) <= 640


def test_a_video_without_tracks_is_drawn_too(runner: Squares, tmp_path: Path) -> None:
    found = track_video(runner, squares(3), min_score=1.0)
    assert write_animation(found, squares(3), runner.contract, tmp_path / "a.webp") == 3


def test_colours_stay_with_their_tracks(runner: Squares, tmp_path: Path) -> None:
    found = tracked(runner, 4)
    write_animation(found, squares(4), runner.contract, tmp_path / "a.webp")
    hues = []
    with Image.open(tmp_path / "a.webp") as animation:
        scale = animation.width / 64
        for t in range(4):
            animation.seek(t)
            x, y = (2 * t + 10) * scale, 14 * scale
            hues.append(np.asarray(animation.convert("RGB"), np.float64)[int(y), int(x)])
    assert np.ptp(np.stack(hues), axis=0).max() < 30


def test_a_long_video_is_thinned_out_evenly(runner: Squares, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_FRAMES >= 100
    monkeypatch.setattr("rmpsam_mobile.runtime.video_output.MAX_FRAMES", 4)
    shown = write_animation(tracked(runner, 10), squares(10), runner.contract, tmp_path / "a.webp")
    assert shown == 4  # frames 0, 3, 6, 9
