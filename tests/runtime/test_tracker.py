"""Objects through a video: linked, padded without effect, in bounded memory."""

import gc
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from rmpsam_mobile.contracts import Graph, GraphSizes, ModelContract, Size
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.rle import decode_mask
from rmpsam_mobile.runtime import Array, EagerRunner, PteRunner, Segmenter
from rmpsam_mobile.runtime.eager import contract_of
from rmpsam_mobile.runtime.tracker import Spool, linked_clips, track_video
from tests.bundle.manifests import make_contract
from tests.bundles import NEEDS_BUNDLE, Made, photo
from tests.models import small_model

Frame = NDArray[np.uint8]


def moving_photo(count: int, side: int = 64) -> list[Frame]:
    """A window that slides over a photograph."""
    picture = photo()
    return [picture[100 : 100 + side, 4 * t : 4 * t + side] for t in range(count)]


class Squares:
    """An engine that finds squares by colour: query q is the q-th brightest level, its queries are one-hot.

    From clip to clip it gives its queries in another order, so that only linking can keep ids apart.
    """

    engine = "squares"
    LEVELS = (250, 180, 120)

    def __init__(self, graphs: Sequence[Graph], clip_frames: int = 0) -> None:
        self.graphs = tuple(graphs)
        sizes = GraphSizes(size=Size(64, 64), channels=3, num_queries=3, num_classes=3, clip_frames=clip_frames)
        self.contract: ModelContract = make_contract(sizes)
        self.calls: list[Graph] = []

    def run(self, graph: Graph, inputs: Sequence[Array]) -> tuple[Array, ...]:
        self.calls.append(graph)
        if graph is Graph.ENCODER:
            levels = inputs[0][0, 0] * self.contract.std[0] + self.contract.mean[0]
            hits = [np.abs(levels[2::4, 2::4] - level) < 8 for level in self.LEVELS]
            return (np.stack(hits).astype(np.float64)[None],)
        order = np.roll(np.arange(3), len(self.calls))
        masks = inputs[0][0][order] * 20 - 10  # [3, T h, w]
        # class q, void last; the third query is stuff
        classes = np.where(np.eye(4)[:3] > 0, 9.0, 0.0)[order]
        masks = masks.reshape(3, -1, 16, 16) if graph is Graph.CLIP else masks
        return classes[None], masks[None], np.eye(3)[order][None]


def squares(count: int) -> list[Frame]:
    """Two things that move, the second gone for a while, and stuff below."""
    frames = []
    for t in range(count):
        frame = np.zeros((64, 64, 3), np.uint8)
        frame[4:24, 2 * t % 40 : 2 * t % 40 + 20] = Squares.LEVELS[0]
        if t % 5 != 2:
            frame[28:44, 20:44] = Squares.LEVELS[1]
        frame[52:] = Squares.LEVELS[2]
        frames.append(frame)
    return frames


@pytest.mark.parametrize("clip_frames", [0, 3])
@pytest.mark.parametrize("count", [1, 2, 7, 12])
def test_ids_stay_with_their_objects(count: int, clip_frames: int) -> None:
    graphs = (Graph.ENCODER, Graph.OBJECTS, *((Graph.CLIP,) if clip_frames else ()))
    runner = Squares(graphs, clip_frames)
    frames = squares(count)
    found = track_video(runner, frames, min_score=0.1)
    assert [track.id for track in found.tracks] == [1, 2]
    assert [track.label for track in found.tracks] == [0, 1]  # class 2 is stuff and makes no track
    for t, row in enumerate(found.frames()):
        seen = {track.label: mask for track, mask in row}
        assert (1 in seen) == (t % 5 != 2)
        for label, mask in seen.items():
            assert mask.shape == (64, 64)
            truth = frames[t][:, :, 0] == Squares.LEVELS[label]
            assert (mask & truth).sum() > 0.8 * (mask | truth).sum()


def test_a_score_counts_the_frames_in_view() -> None:
    found = track_video(Squares((Graph.ENCODER, Graph.OBJECTS)), squares(10), min_score=0)
    first, second = found.tracks[:2]
    assert first.score > 0.95
    assert second.score == pytest.approx(0.8 * first.score, rel=0.02)  # 2 of 10 frames without it
    assert len(track_video(Squares((Graph.ENCODER, Graph.OBJECTS)), squares(10), min_score=0.9).tracks) == 1
    assert len(track_video(Squares((Graph.ENCODER, Graph.OBJECTS)), squares(10), max_tracks=1).tracks) == 1


def test_masks_are_run_length_codes_or_none() -> None:
    found = track_video(Squares((Graph.ENCODER, Graph.OBJECTS)), squares(6))
    codes = list(found.masks(found.tracks[1]))
    assert [code is None for code in codes] == [False, False, True, False, False, False]
    for code in filter(None, codes):
        assert code["size"] == [64, 64]
        assert decode_mask(code).sum() > 100


def test_without_a_clip_graph_every_frame_is_a_clip() -> None:
    runner = Squares((Graph.ENCODER, Graph.OBJECTS))
    assert [clip.start for clip in linked_clips(runner, squares(4))] == [0, 1, 2, 3]
    assert runner.calls == [Graph.ENCODER, Graph.OBJECTS] * 4


def test_with_a_clip_graph_a_clip_has_its_length() -> None:
    runner = Squares((Graph.ENCODER, Graph.OBJECTS, Graph.CLIP), clip_frames=3)
    assert [(c.start, c.mask_logits.shape[1]) for c in linked_clips(runner, squares(7))] == [(0, 3), (3, 2), (5, 2)]
    assert runner.calls.count(Graph.CLIP) == 3


class Lying:
    """Frames that are fewer than they say."""

    def __len__(self) -> int:
        return 5

    def __iter__(self) -> "object":
        return iter(squares(4))


def test_videos_that_are_not_as_they_say() -> None:
    runner = Squares((Graph.ENCODER, Graph.OBJECTS))
    odd = squares(4)
    odd[2] = odd[2][:40]
    with pytest.raises(InputError) as caught:
        track_video(runner, odd)
    assert str(caught.value) == "frames 2 to 2 differ in size from the first; make all frames one size"
    with pytest.raises(InputError, match="5 frames were announced, 4 came; check the video"):
        track_video(runner, Lying())  # type: ignore[arg-type]
    with pytest.raises(InputError, match="0 frames; a video needs 1 at least"):
        track_video(runner, [])


def test_a_long_video_is_read_frame_by_frame_and_spooled() -> None:
    runner, frames = Squares((Graph.ENCODER, Graph.OBJECTS)), squares(60)
    alive = 0

    class Counted:
        """Notes how many frames were asked for before the encoder saw them."""

        def __len__(self) -> int:
            return len(frames)

        def __iter__(self) -> "object":
            nonlocal alive
            for t, frame in enumerate(frames):
                alive = max(alive, t - runner.calls.count(Graph.ENCODER) + 1)
                yield frame

    done: list[int] = []
    found = track_video(runner, Counted(), progress=done.append)  # type: ignore[arg-type]
    assert alive <= 5
    assert sum(done) == found.num_frames == 60
    assert sum(1 for _ in found.frames()) == 60
    sizes = [file.stat().st_size for file in found._spool._files]
    assert max(sizes) < 60 * 250  # a line of run lengths, not 64 x 64 numbers


def test_the_spool_vanishes_with_its_owner() -> None:
    spool = Spool(2)
    folder = spool._files[0].parent
    assert folder.is_dir()
    del spool
    gc.collect()
    assert not folder.exists()


def test_short_clips_padded_with_zero_features_change_nothing() -> None:
    model = small_model()
    frames = moving_photo(5)
    exact = EagerRunner(model, contract_of(model, GraphSizes(size=Size(64, 64))))
    padded = EagerRunner(model, contract_of(model, GraphSizes(size=Size(64, 64), clip_frames=3)))
    pairs = list(zip(linked_clips(exact, frames), linked_clips(padded, frames), strict=True))
    assert [clip.mask_logits.shape[1] for clip, _ in pairs] == [3, 2]
    for wanted, got in pairs:
        for name in ("class_logits", "mask_logits"):
            a, b = getattr(got, name), getattr(wanted, name)
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-9 * np.abs(b).max())


@NEEDS_BUNDLE
def test_the_clip_file_answers_as_eager_clips(made: Made, runner: PteRunner) -> None:
    from rmpsam_mobile.checkpoint import load_checkpoint

    model = load_checkpoint(made.checkpoint)
    eager = EagerRunner(model, contract_of(model, GraphSizes(size=runner.contract.sizes.size)))
    frames = moving_photo(5)
    for got, wanted in zip(linked_clips(runner, frames), linked_clips(eager, frames), strict=True):
        assert got.mask_logits.shape == wanted.mask_logits.shape
        for a, b in ((got.class_logits, wanted.class_logits), (got.mask_logits, wanted.mask_logits)):
            # a mask cell that rounding puts on the other side of zero moves its query, and no other one
            assert np.mean(np.abs(a - b) <= 1e-4 * np.abs(b).max()) > 0.95
        assert np.mean((got.mask_logits > 0) == (wanted.mask_logits > 0)) > 0.999


@NEEDS_BUNDLE
def test_the_segmenter_tracks_with_files(segmenter: Segmenter) -> None:
    found = segmenter.track(moving_photo(4), min_score=0.0, max_tracks=3)
    assert [track.id for track in found.tracks] == [1, 2, 3]
    scores = [track.score for track in found.tracks]
    assert scores == sorted(scores, reverse=True)
    assert all(mask.shape == (64, 64) for row in found.frames() for _, mask in row)
