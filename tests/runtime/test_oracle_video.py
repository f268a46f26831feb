"""A video from pixels to linked masks, against the official code's numbers in float64."""

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

from rmpsam_mobile.contracts import GraphSizes, Size
from rmpsam_mobile.postprocess import PictureMasks, clip_ends, link_queries
from rmpsam_mobile.runtime import EagerRunner
from rmpsam_mobile.runtime.eager import contract_of
from rmpsam_mobile.runtime.tracker import LinkedClip, linked_clips
from tests.conftest import oracle
from tests.models import oracle_model

# float64 all through; the stored masks were rounded to float32 (shared/oracle/README.md)
TOLERANCE = 1e-6

Stored = dict[str, NDArray[np.generic]]


@pytest.fixture(scope="module")
def stored() -> Stored:
    return oracle("r18.video")


@pytest.fixture(scope="module")
def clips(stored: Stored) -> list[LinkedClip]:
    """All clips, linked, from the 8-bit pictures."""
    model = oracle_model("ytvis2019")
    runner = EagerRunner(model, contract_of(model, GraphSizes(size=Size(64, 64))))
    frames = [np.asarray(frame, np.uint8)[:, :, ::-1].copy() for frame in stored["frames_bgr"]]
    return list(linked_clips(runner, frames))


def assert_close(got: ArrayLike, stored: NDArray[np.generic]) -> None:
    wanted = np.asarray(stored, np.float64)
    np.testing.assert_allclose(np.asarray(got, np.float64), wanted, rtol=0, atol=TOLERANCE * np.abs(wanted).max())


def test_the_video_is_cut_as_released(stored: Stored, clips: list[LinkedClip]) -> None:
    assert clip_ends(7) == stored["clip_ends"].tolist() == [3, 5, 7]
    assert [clip.start for clip in clips] == [0, 3, 5]
    assert [clip.mask_logits.shape for clip in clips] == [(100, t, 16, 16) for t in (3, 2, 2)]


@pytest.mark.parametrize("link", ["link0", "link1"])
def test_stored_queries_are_linked_in_the_official_order(stored: Stored, link: str) -> None:
    order = link_queries(stored[f"{link}.previous_queries"][0], stored[f"{link}.clip_queries"][0])
    np.testing.assert_array_equal(order, stored[f"{link}.order"])


def test_classes_are_the_mean_over_linked_clips(stored: Stored, clips: list[LinkedClip]) -> None:
    assert_close(sum(clip.class_logits for clip in clips) / len(clips), stored["class_logits"][0])


@pytest.mark.parametrize(("name", "clip", "frame"), [("first", 0, 0), ("last", -1, -1)])
def test_masks_of_the_first_and_last_frame(
    stored: Stored, clips: list[LinkedClip], name: str, clip: int, frame: int
) -> None:
    linked = clips[clip]
    masks = PictureMasks(linked.mask_logits[:8, frame], linked.fit)
    wanted = stored[f"{name}_frame_upsampled.first8"][0]
    got = np.stack([masks[i] for i in range(8)])
    assert_close(got, wanted)
    np.testing.assert_array_equal(got > 0, np.asarray(wanted, np.float64) > 0)
