"""The object path over clips."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rmpsam_mobile.errors import InputError
from rmpsam_mobile.model.clip import stack_frames, unstack_masks
from rmpsam_mobile.model.rmpsam import FRAMES_AT_ONCE
from tests.models import random_tensor, relative_error, small_model

LIMIT = 1e-9  # sums over frames in another order


@given(clips=st.integers(1, 3), frames=st.integers(1, 4), height=st.integers(1, 4), width=st.integers(1, 4))
@settings(max_examples=25, deadline=None)
def test_frames_lie_under_one_another(clips: int, frames: int, height: int, width: int) -> None:
    features = random_tensor(clips * frames, 2, height, width)
    tall = stack_frames(features, frames)
    assert tall.shape == (clips, 2, frames * height, width)
    for b in range(clips):
        for t in range(frames):
            assert torch.equal(tall[b, :, t * height : (t + 1) * height], features[b * frames + t])
    cut = unstack_masks(tall, frames)
    assert torch.equal(cut, features.reshape(clips, frames, 2, height, width).transpose(1, 2))


def test_a_clip_of_one_frame_is_a_picture() -> None:
    model, frames = small_model(), random_tensor(2, 1, 3, 64, 96)
    clip, picture = model.clip(frames), model.objects(model.encode(frames[:, 0]))
    assert clip.mask_logits.shape == (2, 6, 1, 16, 24)
    assert torch.equal(clip.mask_logits[:, :, 0], picture.mask_logits)
    assert torch.equal(clip.class_logits, picture.class_logits)
    assert torch.equal(clip.queries, picture.queries)


@given(order=st.permutations(range(4)))
@settings(max_examples=4, deadline=None)
def test_the_order_of_frames_changes_neither_classes_nor_queries(order: list[int]) -> None:
    model, frames = small_model(), random_tensor(1, 4, 3, 32, 64, seed=2)
    plain, permuted = model.clip(frames), model.clip(frames[:, order])
    assert relative_error(permuted.class_logits, plain.class_logits) < LIMIT
    assert relative_error(permuted.queries, plain.queries) < LIMIT
    assert relative_error(permuted.mask_logits, plain.mask_logits[:, :, order]) < LIMIT


def test_clips_of_a_batch_do_not_meet() -> None:
    model, frames = small_model(), random_tensor(2, 3, 3, 32, 32, seed=4)
    together = model.clip(frames)
    for b in range(2):
        alone = model.clip(frames[b : b + 1])
        assert relative_error(together.mask_logits[b : b + 1], alone.mask_logits) < LIMIT
        assert relative_error(together.queries[b : b + 1], alone.queries) < LIMIT


def test_more_than_fifty_frames_are_one_clip() -> None:
    model, frames = small_model(), random_tensor(1, 53, 3, 32, 32, seed=5)
    clip = model.clip(frames)
    assert clip.mask_logits.shape == (1, 6, 53, 8, 8)
    last = model.encode(frames[:, -1]).mask_features
    assert relative_error(model.encode_clip(frames).mask_features[:, :, -8:], last) < LIMIT


def test_the_encoder_gets_a_few_frames_at_a_time() -> None:
    seen: list[int] = []
    model = small_model()
    handle = model.backbone.register_forward_pre_hook(lambda _, given: seen.append(len(given[0])))
    model.encode_clip(random_tensor(1, FRAMES_AT_ONCE + 3, 3, 32, 32))
    handle.remove()
    assert seen == [FRAMES_AT_ONCE, 3]


@pytest.mark.parametrize("shape", [(1, 3, 32, 32), (1, 0, 3, 32, 32), (0, 2, 3, 32, 32)])
def test_frames_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError) as caught:
        small_model().clip(torch.zeros(shape, dtype=torch.float64))
    assert str(caught.value) == f"frames of shape {shape}; wanted (B, T, 3, H, W) with T >= 1"
