"""Frames of clips, and still pictures seen as if a camera moved."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmpsam_mobile.data import Augmentation, Clip, ObjectLabel, SampleStream, Skipped, StreamSettings, Task
from rmpsam_mobile.data.assemble import rle_boxes
from rmpsam_mobile.data.augment import draw_view
from rmpsam_mobile.data.clips import choose_frames, draw_track
from rmpsam_mobile.data.records import PictureFile
from rmpsam_mobile.data.views import View
from rmpsam_mobile.errors import InputError
from tests.data.painted import BLUE, atlas, box_mask, label, png, record, refuse


@settings(deadline=None)
@given(num_frames=st.integers(1, 40), wanted=st.integers(1, 12), seed=st.integers(0, 99))
def test_frames_are_there_and_in_order(num_frames: int, wanted: int, seed: int) -> None:
    chosen = choose_frames(num_frames, wanted, np.random.default_rng(seed))
    assert len(chosen) == wanted
    assert set(chosen) <= set(range(num_frames))
    if num_frames >= wanted:
        assert chosen == sorted(set(chosen))
    else:
        assert max(abs(a - b) for a, b in pairwise(chosen)) <= 1


@settings(deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_window_glides_evenly_and_stays_in_the_picture(seed: int) -> None:
    rng = np.random.default_rng(seed)
    whole = draw_view((120, 200), np.zeros((0, 4)), Augmentation(size=96), rng)
    views = draw_track(whole, 5, rng)
    corners = np.array([(0, 0), (whole.width, 0), (0, whole.height), (whole.width, whole.height)])
    centres = []
    for view in views:
        assert (view.height, view.width) == (whole.height, whole.width)
        matrix = np.array(view.matrix).reshape(2, 3)
        seen = corners @ matrix[:, :2].T + matrix[:, 2]
        centres.append(seen.mean(0))
        # turned by 5 degrees at most, a corner leaves the picture by at most sin(5 degrees) of half the other side
        assert (seen >= -0.05 * max(120, 200)).all()
        assert (seen <= np.array((200, 120)) + 0.05 * max(120, 200)).all()
        area = abs(np.linalg.det(matrix[:, :2])) / abs(whole.matrix[0] * whole.matrix[4])
        assert 0.7**2 - 1e-6 <= area <= 1 + 1e-6
    steps = np.diff(np.array(centres), axis=0)
    assert np.allclose(steps, steps[0], atol=1e-6)


def test_a_track_of_one_frame() -> None:
    (view,) = draw_track(View((1, 0, 0, 0, 1, 0), 20, 30), 1, np.random.default_rng(0))
    assert (view.height, view.width) == (20, 30)


def stream(tmp_path: Path, clips: list[Clip], num_frames: int) -> SampleStream:
    mask = box_mask(48, 64, (20, 10, 44, 38))
    pictures = [record(tmp_path, "a.png", [label(mask, "cat")], is_exhaustive=True)]
    augmentation = Augmentation.none(96, min_pixels=1)
    options = StreamSettings(
        seed=3,
        size=96,
        task_weights={Task.PSEUDO_VIDEO: 1},
        augmentation=augmentation,
        class_names=("dog", "cat"),
        num_frames=num_frames,
    )
    return SampleStream(pictures, clips, options, refuse)


@pytest.mark.parametrize("index", range(8))
def test_a_pseudo_video_moves_and_its_masks_go_along(tmp_path: Path, index: int) -> None:
    """Each frame of an atlas says where it looks; the painted box must be seen there and nowhere else."""
    sample = stream(tmp_path, [], 3).sample(index)
    rows, columns = sample.image_size
    assert (sample.pixels.shape, sample.masks.shape) == ((3, 96, 96, 3), (1, 3, 96, 96))
    assert (sample.labels.tolist(), sample.is_exhaustive, sample.task) == ([1], True, Task.PSEUDO_VIDEO)
    assert not np.array_equal(sample.pixels[0], sample.pixels[2])
    for frame, mask in zip(sample.pixels[:, :rows, :columns], sample.masks[0, :, :rows, :columns], strict=True):
        x, y = frame[..., 0].astype(int), frame[..., 1].astype(int)
        is_picture = frame[..., 2] == BLUE
        deep = (x >= 22) & (x < 42) & (y >= 12) & (y < 36) & is_picture
        beside = (x < 18) | (x >= 46) | (y < 8) | (y >= 40)
        assert deep.any()
        assert mask[deep].all()
        assert not mask[beside].any()


def write_clip(folder: Path, num_frames: int) -> Clip:
    """Frame t is filled with the colour 10 t; object 0 moves by 4 px a frame, object 1 is in the last only."""
    files, moving, rare = [], [], []
    for t in range(num_frames):
        path = folder / f"{t}.png"
        path.write_bytes(png(np.full((48, 64, 3), 10 * t, np.uint8)))
        files.append(PictureFile(path))
        moving.append(label(box_mask(48, 64, (4 * t, 10, 4 * t + 10, 20)), "dog"))
        rare.append(label(box_mask(48, 64, (0, 30, 9, 40)), "cat") if t == num_frames - 1 else None)
    tracks: tuple[tuple[ObjectLabel | None, ...], ...] = (tuple(moving), tuple(rare))
    return Clip(key="walk", frames=tuple(files), height=48, width=64, objects=tracks)


@pytest.mark.parametrize("num_frames", [3, 6, 8])
def test_a_real_clip_keeps_frames_and_masks_together(tmp_path: Path, num_frames: int) -> None:
    source = stream(tmp_path, [write_clip(tmp_path, 6)], num_frames)
    with_cat = 0
    for index in range(10):
        sample = source.sample(index, task=Task.CLIP, size=64)
        shown = [int(frame[0, 0, 0]) // 10 for frame in sample.pixels]
        for t, mask in zip(shown, sample.masks[0], strict=True):
            assert np.array_equal(mask, box_mask(64, 64, (4 * t, 10, 4 * t + 10, 20)))
        with_cat += 5 in shown
        assert sample.labels.tolist() == ([0, 1] if 5 in shown else [0])
        if 5 in shown:
            assert [bool(mask.any()) for mask in sample.masks[1]] == [t == 5 for t in shown]
        assert (sample.key, sample.source, sample.is_exhaustive) == ("walk", "clips", False)
    assert with_cat


def test_an_object_that_leaves_the_crop_is_kept(tmp_path: Path) -> None:
    """Crops of an atlas in which an object walks from left to right: seen in any frame is seen."""
    path = tmp_path / "a.png"
    path.write_bytes(png(atlas(48, 64)))
    walk = [box_mask(48, 64, (18 * t, 10, 18 * t + 10, 30)) for t in range(4)]
    clip = Clip(
        key="walk",
        frames=(PictureFile(path),) * 4,
        height=48,
        width=64,
        objects=(tuple(label(mask, "dog") for mask in walk),),
    )
    options = StreamSettings(
        seed=0,
        size=64,
        task_weights={Task.CLIP: 1},
        augmentation=replace(Augmentation.none(64, min_pixels=40), scale=(2.0, 2.0)),
        class_names=("dog",),
    )
    source = SampleStream([], [clip], options, refuse)
    left = 0
    for index in range(20):
        sample = source.sample(index)
        x, y = sample.pixels[0, ..., 0], sample.pixels[0, ..., 1]
        areas = [int(mask[y, x].sum()) for mask in walk]
        left += areas[3] == 0
        if max(areas) > 100:  # the atlas is right to a source pixel, the limit is 40
            assert len(sample.masks) == 1
            assert np.abs(sample.masks[0].sum((1, 2)) - areas).max() <= 4 * 2 * 20
    assert left > 3


def test_boxes_of_codes_are_those_of_their_masks() -> None:
    masks = [box_mask(48, 64, box) for box in ((3, 5, 40, 9), (0, 0, 64, 48), (63, 47, 64, 48))]
    assert rle_boxes([label(mask).rle for mask in masks]).tolist() == [[3, 5, 40, 9], [0, 0, 64, 48], [63, 47, 64, 48]]
    assert rle_boxes([]).shape == (0, 4)


def test_a_clip_whose_frames_differ_in_size_is_named(tmp_path: Path) -> None:
    clip = write_clip(tmp_path, 3)
    (tmp_path / "1.png").write_bytes(png(atlas(40, 64)))
    skipped: list[Skipped] = []
    options = StreamSettings(
        seed=0,
        size=64,
        task_weights={Task.CLIP: 1},
        augmentation=Augmentation.none(64),
        class_names=(),
        num_frames=3,
    )
    with pytest.raises(
        InputError, match=r"^50 pictures in a row cannot be read, the last: walk: a frame is 64 x 40 px"
    ):
        SampleStream([], [clip], options, skipped.append).sample(0)
    assert [skip.key for skip in skipped] == ["walk"]
