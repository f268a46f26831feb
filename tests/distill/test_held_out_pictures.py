"""Pictures of held-out answers: what is where, by colours."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from rmpsam_mobile.data.samples import Sample
from rmpsam_mobile.distill.held_out_pictures import GAP, PICTURES, held_out_pictures
from rmpsam_mobile.model.panoptic_head import PromptState
from rmpsam_mobile.model.rmpsam import RmpSam
from rmpsam_mobile.overlay import MIN_SHOWN
from tests.distill.small_runs import SIZE, disc_sample, small_presets, small_student

__all__ = ["small_presets"]
pytestmark = pytest.mark.usefixtures("small_presets")


def grey_sample(objects: int = 1) -> Sample:
    """A grey picture of 48 x 64 px with a triangle of 24 x 20 px in the middle, its right angle at the lower left."""
    sample = disc_sample(objects)
    sample.pixels[:, :48] = 128
    sample.masks[:] = False
    sample.masks[..., 12:36, 20:40] = np.arange(24)[:, None] / 24 > np.arange(20) / 20
    return sample


def answering(monkeypatch: pytest.MonkeyPatch, mask: NDArray[np.bool_]) -> RmpSam:
    """A student that says this mask [16, 16] to whatever is asked."""
    model = small_student().eval()

    def answer(features: torch.Tensor, *_: object) -> PromptState:
        logits = 40.0 * torch.from_numpy(mask).float().expand(1, 3, 16, 16) - 20
        return PromptState(steps=[], queries=features, mask_logits=logits, iou=features)

    monkeypatch.setattr(model.panoptic_head, "answer", answer)
    return model


def test_box_and_click_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """The picture without its padding, large enough to look at, twice."""
    model = answering(monkeypatch, np.zeros((16, 16), np.bool_))
    (drawn,) = held_out_pictures(model, [grey_sample()], seed=0)
    factor = MIN_SHOWN // SIZE
    assert drawn.shape == (48 * factor, 2 * 64 * factor + GAP, 3)
    assert drawn.dtype == np.uint8
    box, click = drawn[:, : 64 * factor], drawn[:, 64 * factor + GAP :]
    changed = [np.abs(panel.astype(int) - 128).max(2) > 60 for panel in (box, click)]
    side = slice(14 * factor, 18 * factor), slice(38 * factor, 42 * factor)  # of the box, away from the object
    assert [bool(panel[side].any()) for panel in changed] == [True, False]
    green = (click[..., 1].astype(int) - click[..., 0]) > 100
    rows, columns = np.nonzero(green)
    assert (rows.mean() / factor, columns.mean() / factor) == pytest.approx((29, 26), abs=4)  # the plus of the click
    assert not ((box[..., 1].astype(int) - box[..., 0]) > 100).any()


def test_the_truth_is_white_and_the_answer_tinted(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = np.zeros((16, 16), np.bool_)
    answer[:12, :4] = True  # 16 px on the left, nowhere on the object
    (drawn,) = held_out_pictures(answering(monkeypatch, answer), [grey_sample()], seed=0)
    factor = MIN_SHOWN // SIZE
    click = drawn[:, 64 * factor + GAP :]
    outline = click[14 * factor : 36 * factor, 20 * factor]
    assert (outline == 255).mean() > 0.9
    assert (click[20 * factor, 45 * factor : 55 * factor] == 128).all()  # neither
    inside = click[20 * factor, 4 * factor : 8 * factor].astype(int)
    assert (np.ptp(inside, axis=1) > 20).all()  # a colour


def test_a_few_pictures_of_a_few_objects() -> None:
    model, samples = small_student().eval(), [disc_sample(5, seed=seed) for seed in range(PICTURES + 2)]
    one, two = (held_out_pictures(model, samples, seed=3) for _ in range(2))
    assert len(one) == PICTURES
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
    assert held_out_pictures(model, [], seed=3) == []
    (bare,) = held_out_pictures(model, [replace(samples[0], masks=samples[0].masks[:0])], seed=3)
    assert bare.shape[0] == 48 * MIN_SHOWN // SIZE
