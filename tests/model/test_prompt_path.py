"""The mobile prompt path: slots, corrections, and what it must not depend on."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from rmpsam_mobile.model.decoder import Stage, mask_product
from rmpsam_mobile.model.prompt import PromptSet
from rmpsam_mobile.model.rmpsam import RmpSam
from tests.models import preset_model, random_tensor

SIZE = torch.tensor([[96.0, 64.0]], dtype=torch.float64)


@pytest.fixture(scope="module")
def model() -> RmpSam:
    return preset_model("rmpsam-mobile-tiny")


def features() -> Tensor:
    return random_tensor(1, 64, 24, 16, seed=3)


def prompts(num: int) -> PromptSet:
    """Slot 0 a click, 1 a box, 2 two clicks of both kinds and a box, the rest empty."""
    points = torch.zeros(1, 5, 8, 2, dtype=torch.float64)
    labels = torch.full((1, 5, 9), -1.0, dtype=torch.float64)
    boxes = torch.zeros(1, 5, 4, dtype=torch.float64)
    points[0, 0, 0], labels[0, 0, 0] = torch.tensor([20.0, 50.0]), 1
    boxes[0, 1], labels[0, 1, -1] = torch.tensor([8.0, 10.0, 50.0, 70.0]), 1
    points[0, 2, :2], labels[0, 2, :2] = torch.tensor([[20.0, 50.0], [40.0, 20.0]]), torch.tensor([1.0, 0.0]).double()
    boxes[0, 2], labels[0, 2, -1] = torch.tensor([8.0, 10.0, 50.0, 70.0]), 1
    return PromptSet(points[:, :num], labels[:, :num], boxes[:, :num])


def test_empty_slots_give_zeros_and_change_nothing(model: RmpSam) -> None:
    three = model.panoptic_head.answer(features(), prompts(3), SIZE)
    five = model.panoptic_head.answer(features(), prompts(5), SIZE)
    assert torch.allclose(three.mask_logits, five.mask_logits[:, :3], atol=1e-12)
    assert torch.allclose(three.iou, five.iou[:, :3], atol=1e-12)
    assert not five.mask_logits[:, 3:].any()
    assert not five.iou[:, 3:].any()


def test_slots_can_be_swapped(model: RmpSam) -> None:
    asked = prompts(3)
    swapped = PromptSet(asked.points[:, [2, 0, 1]], asked.labels[:, [2, 0, 1]], asked.boxes[:, [2, 0, 1]])
    got = model.panoptic_head.answer(features(), swapped, SIZE).mask_logits
    assert torch.allclose(got, model.panoptic_head.answer(features(), asked, SIZE).mask_logits[:, [2, 0, 1]])


def test_the_order_of_points_does_not_matter(model: RmpSam) -> None:
    asked = prompts(3)
    order = [1, 5, 0, 2, 3, 4, 6, 7]
    turned = PromptSet(asked.points[:, :, order], asked.labels[:, :, [*order, 8]], asked.boxes)
    got = model.panoptic_head.answer(features(), turned, SIZE).mask_logits
    assert torch.allclose(got, model.panoptic_head.answer(features(), asked, SIZE).mask_logits)


def test_what_lies_in_unused_places_does_not_matter(model: RmpSam) -> None:
    asked = prompts(3)
    points, boxes = asked.points.clone(), asked.boxes.clone()
    points[asked.labels[..., :-1] < 0] = 31.0
    boxes[0, 0] = torch.tensor([1.0, 2.0, 30.0, 40.0])
    got = model.panoptic_head.answer(features(), PromptSet(points, asked.labels, boxes), SIZE).mask_logits
    assert torch.allclose(got, model.panoptic_head.answer(features(), asked, SIZE).mask_logits)


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_one_more_click_changes_the_answer(model: RmpSam, label: float) -> None:
    asked = prompts(1)
    more = PromptSet(asked.points.clone(), asked.labels.clone(), asked.boxes)
    more.points[0, 0, 1], more.labels[0, 0, 1] = torch.tensor([44.0, 80.0]), label
    before, after = (model.panoptic_head.answer(features(), p, SIZE).mask_logits for p in (asked, more))
    assert (before - after).abs().max() > 1e-3


def test_far_outside_of_its_box_a_mask_is_lowered(model: RmpSam) -> None:
    logits = model.panoptic_head.answer(features(), prompts(2), SIZE).mask_logits[0, 1]
    boxless = PromptSet(prompts(2).points, prompts(2).labels, prompts(2).boxes)
    boxless.boxes[0, 1] = torch.tensor([0.0, 0.0, 64.0, 96.0])
    wide = model.panoptic_head.answer(features(), boxless, SIZE).mask_logits[0, 1]
    assert logits[20:].mean() < wide[20:].mean() - 5


def test_several_pictures_at_once_are_as_one_by_one(model: RmpSam) -> None:
    maps = torch.cat((features(), random_tensor(1, 64, 24, 16, seed=4)))
    asked = prompts(3)
    both = PromptSet(*(t.expand(2, *t.shape[1:]) for t in (asked.points, asked.labels, asked.boxes)))
    together = model.panoptic_head.answer(maps, both, SIZE.expand(2, 2)).mask_logits
    for i in range(2):
        alone = model.panoptic_head.answer(maps[i : i + 1], asked, SIZE).mask_logits
        assert torch.allclose(together[i : i + 1], alone, atol=1e-10)


def test_boxes_of_the_public_call_are_box_prompts(model: RmpSam) -> None:
    encoding = model.encode(random_tensor(1, 3, 96, 64, seed=5))
    box = [8.0, 10.0, 50.0, 70.0]
    got = model.prompts(encoding, torch.tensor([[box]], dtype=torch.float64), (96, 64)).mask_logits
    asked = prompts(2)
    wanted = model.panoptic_head.answer(encoding.mask_features, asked, SIZE).mask_logits[:, 1:2]
    assert torch.allclose(got, wanted)


def with_switch(**changes: bool) -> RmpSam:
    """The same weights under the same names, and another arithmetic."""
    usual = preset_model("rmpsam-mobile-tiny")
    assert usual.config.prompt_set is not None
    other = RmpSam(replace(usual.config, prompt_set=replace(usual.config.prompt_set, **changes))).double().eval()
    other.load_state_dict(usual.state_dict())
    return other


def test_without_the_first_mask_stages_start_from_the_query(model: RmpSam) -> None:
    usual = model.panoptic_head.answer(features(), prompts(3), SIZE)
    state = with_switch(first_mask=False).panoptic_head.answer(features(), prompts(3), SIZE)
    query, first = state.steps[0]
    assert torch.equal(query, usual.steps[0][0])
    assert torch.allclose(first, mask_product(query, F.avg_pool2d(features(), 2)))
    stage = model.panoptic_head.mask_heads[0]
    assert isinstance(stage, Stage)
    after, mask_logits = state.steps[1]
    assert torch.allclose(mask_logits, stage.masks(F.avg_pool2d(features(), 2), after))  # nothing is added


def test_without_the_refiner_the_last_mask_is_enlarged() -> None:
    state = with_switch(refiner=False).panoptic_head.answer(features(), prompts(3), SIZE)
    wanted = F.interpolate(state.steps[-1][1], scale_factor=2, mode="bilinear", align_corners=False)
    assert torch.allclose(state.mask_logits[:, 0], wanted[:, 0])  # a click: no box outside of which it is lowered
    assert not torch.allclose(state.mask_logits[:, 1], wanted[:, 1])
