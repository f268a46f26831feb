"""The measurement that chooses, on models whose answers are known."""

from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from rmpsam_mobile.data.samples import Sample
from rmpsam_mobile.distill.held_out import OBJECTS_A_PICTURE, HeldOut, measure
from rmpsam_mobile.model.panoptic_head import PromptState
from rmpsam_mobile.model.prompt import PromptSet
from rmpsam_mobile.model.rmpsam import Encoding, RmpSam
from tests.distill.small_runs import SIZE, disc_sample, small_presets, small_student

__all__ = ["small_presets"]


def grid_sample(objects: int) -> Sample:
    """Objects of 8 x 12 px, apart from one another, on whole cells of the mask grid."""
    masks = np.zeros((objects, 1, SIZE, SIZE), np.bool_)
    for number, mask in enumerate(masks):
        y, x = 12 * (number // 4), 16 * (number % 4)
        mask[:, y : y + 8, x : x + 12] = True
    return replace(disc_sample(0), masks=masks, labels=np.zeros(objects, np.int64))


class Known(nn.Module):
    """Stands for a model: answers with the object that a prompt means, once it has ``clicks`` of them or a box."""

    def __init__(self, sample: Sample, *, clicks: int = 1, boxes: bool = True, num_points: int = 3) -> None:
        super().__init__()
        self.anchor = nn.Parameter(torch.zeros(1))
        self.config = SimpleNamespace(num_points=num_points)
        self.masks, self.clicks, self.boxes = torch.from_numpy(sample.masks[:, 0]), clicks, boxes
        self.asked: list[PromptSet] = []

    @property
    def panoptic_head(self) -> "Known":
        return self

    def encode(self, pixel_values: Tensor) -> Encoding:
        assert pixel_values.shape == (1, 3, SIZE, SIZE)
        return Encoding(mask_features=self.anchor.expand(1, 1, SIZE // 4, SIZE // 4))

    def answer(self, features: Tensor, prompts: PromptSet, image_size: Tensor) -> PromptState:
        assert not torch.is_grad_enabled()
        assert image_size.tolist() == [[48, SIZE]]
        self.asked.append(prompts)
        cells = torch.stack([self._meant(prompts, n) for n in range(prompts.points.shape[1])])[:, 2::4, 2::4]
        logits = 20.0 * (2.0 * cells - 1)
        return PromptState(steps=[], queries=features, mask_logits=logits[None], iou=features)

    def _meant(self, prompts: PromptSet, n: int) -> Tensor:
        """The mask, or an empty one."""
        nothing = torch.zeros(SIZE, SIZE)
        if prompts.labels[0, n, -1] == 1 and self.boxes:
            x, y = (prompts.boxes[0, n, :2] + prompts.boxes[0, n, 2:]) / 2
        elif int((prompts.labels[0, n, :-1] == 1).sum()) >= self.clicks:
            x, y = prompts.points[0, n, 0]
        else:
            return nothing
        return next((mask.float() for mask in self.masks if mask[int(y), int(x)]), nothing)


def near(found: HeldOut, *overlaps: float, objects: int) -> bool:
    """Box, click and three clicks, but for the corner pixels, which enlarging an answer rounds off."""
    said = (found.box, found.click, found.clicks3)
    return said == pytest.approx(overlaps, abs=0.03) and found.objects == objects


def measured(model: Known, *samples: Sample, seed: int = 0) -> HeldOut:
    return measure(cast(RmpSam, model), samples, seed)


def test_a_model_that_knows_everything() -> None:
    sample = grid_sample(5)
    found = measured(Known(sample), sample, sample)
    assert near(found, 1, 1, 1, objects=10)
    assert found.choice > 0.97


def test_boxes_and_clicks_are_measured_apart() -> None:
    sample = grid_sample(5)
    assert near(measured(Known(sample, clicks=9), sample), 1, 0, 0, objects=5)
    assert near(measured(Known(sample, boxes=False), sample), 0, 1, 1, objects=5)
    assert near(measured(Known(sample, clicks=3), sample), 1, 0, 1, objects=5)
    assert HeldOut(box=0.6, click=0.3, clicks3=0.0, objects=1).choice == pytest.approx(0.3)


def test_a_wrong_answer_is_corrected_twice() -> None:
    sample = grid_sample(2)
    model = Known(sample, clicks=9)
    measured(model, sample)
    clicks = [(asked.labels[0, :2, :-1] == 1).sum(-1).tolist() for asked in model.asked]
    assert clicks == [[0, 0], [1, 1], [2, 2], [3, 3]]  # the box, then one to three clicks
    for asked in model.asked[1:]:
        places = asked.points[0, :2][asked.labels[0, :2, :-1] == 1]
        assert all(sample.masks[:, 0, int(y), int(x)].any() for x, y in places.tolist())


def test_first_clicks_are_the_deepest_and_boxes_tight() -> None:
    sample = grid_sample(1)
    model = Known(sample)
    measured(model, sample)
    box, click = model.asked[:2]
    assert box.boxes[0, 0].tolist() == [0, 0, 12, 8]
    assert click.points[0, 0, 0, 1] in (3.5, 4.5)  # the middle rows of eight
    assert 3 <= click.points[0, 0, 0, 0] <= 9


def test_models_of_one_click_are_not_asked_for_three() -> None:
    sample = grid_sample(3)
    model = Known(sample, num_points=1)
    assert near(measured(model, sample), 1, 1, 1, objects=3)
    assert len(model.asked) == 2  # the one click counts for three


def test_many_objects_and_none() -> None:
    sample, empty = grid_sample(12), disc_sample(0)
    assert measured(Known(sample), sample, empty).objects == OBJECTS_A_PICTURE == 8
    assert measured(Known(empty), empty) == HeldOut(box=0.0, click=0.0, clicks3=0.0, objects=0)
    assert measured(Known(empty)).choice == 0


@pytest.mark.usefixtures("small_presets")
def test_a_real_model_is_measured_the_same_twice_and_left_as_it_was() -> None:
    model = small_student().eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    samples = [disc_sample(3, seed=seed) for seed in range(2)]
    one, two = (measure(model, samples, seed=4) for _ in range(2))
    assert one == two
    assert one.objects == 6
    assert 0 <= one.choice <= 1
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not model.training
