"""Losses against the official code's numbers, against plain loops, and where there is nothing to learn from."""

from typing import Any

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from rmpsam_mobile.distill.losses import (
    LossWeights,
    class_loss,
    dice_distance,
    dice_loss,
    iou_loss,
    mask_loss,
    matched_labels,
)
from rmpsam_mobile.distill.matching import Match, MatchCosts, match_objects
from rmpsam_mobile.distill.points import draw_points, most_uncertain, read_points
from tests.conftest import golden, oracle

WEIGHTS = LossWeights()


@pytest.fixture(scope="module")
def stored() -> dict[str, Tensor]:
    """The official numbers as float64 tensors."""
    return {key: torch.as_tensor(value) for key, value in golden("losses").items()}


def test_the_stored_numbers_are_the_official_ones(stored: dict[str, Tensor]) -> None:
    official = oracle("losses")
    assert stored.keys() == official.keys()
    assert all(np.array_equal(stored[key].numpy(), value) for key, value in official.items())


def targets(stored: dict[str, Tensor], picture: int) -> tuple[Tensor, Tensor]:
    """Labels [G] and masks [G, 96, 128] of one picture."""
    packed = stored[f"objects.target_masks_packed.{picture}"].numpy()
    masks = np.unpackbits(packed, axis=-1).astype(np.float64)
    return stored[f"objects.target_labels.{picture}"], torch.from_numpy(masks)


def matched(stored: dict[str, Tensor], picture: int) -> Match:
    labels, masks = targets(stored, picture)
    return match_objects(
        stored["objects.class_logits"][picture],
        stored["objects.mask_logits"][picture],
        labels,
        masks,
        points=stored["objects.match_points"][picture],
        costs=MatchCosts(),
    )


def test_queries_are_matched_as_officially(stored: dict[str, Tensor]) -> None:
    for picture in (0, 1):
        found = torch.zeros(20, dtype=torch.int64)
        pairs = matched(stored, picture)
        found[pairs.queries] = pairs.objects + 1
        assert torch.equal(found, stored["objects.matched_target_plus1"][picture])


def test_object_losses_are_the_official_ones(stored: dict[str, Tensor]) -> None:
    logits, truth, labels = [], [], []
    for picture in (0, 1):
        pairs, (names, masks) = matched(stored, picture), targets(stored, picture)
        logits.append(stored["objects.mask_logits"][picture][pairs.queries])
        truth.append(masks[pairs.objects])
        labels.append(matched_labels(20, 133, pairs.queries, names[pairs.objects]))
    found, wanted = torch.cat(logits), torch.cat(truth)
    uncertain = most_uncertain(found, stored["objects.candidate_points"], 192)
    points = torch.cat((uncertain, stored["objects.random_points"]), 1)
    assert_same_points(points, stored["objects.loss_points"])
    at_points = read_points(found, points), read_points(wanted, points)
    classes = WEIGHTS.classes * class_loss(stored["objects.class_logits"], torch.stack(labels))
    close(classes, stored["objects.loss_class"])
    close(WEIGHTS.mask * mask_loss(*at_points, num_masks=8), stored["objects.loss_mask"])
    close(WEIGHTS.dice * dice_loss(*at_points, num_masks=8), stored["objects.loss_dice"])


def test_prompt_losses_are_the_official_ones(stored: dict[str, Tensor]) -> None:
    logits = stored["prompts.mask_logits"][0]
    masks = targets(stored, 0)[1][stored["prompts.target_index_in_objects_0"]]
    points = torch.cat(
        (most_uncertain(logits, stored["prompts.candidate_points"], 192), stored["prompts.random_points"]), 1
    )
    assert_same_points(points, stored["prompts.loss_points"])
    at_points = read_points(logits, points), read_points(masks, points)
    close(WEIGHTS.mask * mask_loss(*at_points, num_masks=6), stored["prompts.loss_mask"])
    close(WEIGHTS.dice * dice_loss(*at_points, num_masks=6), stored["prompts.loss_dice"])
    iou = iou_loss(stored["prompts.iou"].flatten(), dice_distance(*at_points), num_masks=6)
    close(WEIGHTS.iou * iou, stored["prompts.loss_iou"])


def test_matching_is_the_cheapest_assignment_of_plain_costs() -> None:
    random = torch.Generator().manual_seed(3)
    class_logits, mask_logits = torch.randn(6, 5, generator=random), torch.randn(6, 9, 7, generator=random)
    labels, masks = torch.tensor([0, 3, 3]), (torch.rand(3, 18, 14, generator=random) > 0.5).float()
    points = torch.rand(40, 2, generator=random)
    logits, truth = read_points(mask_logits, points[None]), read_points(masks, points[None])
    costs = np.zeros((6, 3))
    for q in range(6):
        for g in range(3):
            p, t = logits[q].sigmoid(), truth[g]
            bce = -(t * p.log() + (1 - t) * (1 - p).log()).mean()
            dice = 1 - (2 * (p * t).sum() + 1) / (p.sum() + t.sum() + 1)
            costs[q, g] = -2 * class_logits[q].softmax(0)[labels[g]] + 5 * bce + 5 * dice
    found = match_objects(class_logits, mask_logits, labels, masks, points=points, costs=MatchCosts())
    rows, columns = linear_sum_assignment(costs)
    assert found.queries.tolist() == rows.tolist()
    assert found.objects.tolist() == columns.tolist()


def test_points_are_read_between_pixel_centres() -> None:
    mask = torch.tensor([[[0.0, 1.0], [2.0, 3.0]]])
    points = torch.tensor([[[0.25, 0.25], [0.75, 0.25], [0.5, 0.5], [0.25, 0.75]]])
    assert read_points(mask, points).tolist() == [[0.0, 1.0, 1.5, 2.0]]


def test_three_quarters_of_the_points_are_uncertain() -> None:
    """A mask whose left half is decided: uncertain points lie in the right half."""
    logits = torch.full((1, 8, 8), 9.0)
    logits[:, :, 4:] = 0.01
    points = draw_points(logits, 200, torch.Generator().manual_seed(0))
    assert points.shape == (1, 200, 2)
    assert (points[0, :150, 0] > 0.5).all()
    assert (points[0, 150:, 0] < 0.5).any()


@pytest.mark.parametrize("case", ["no objects", "one pixel", "all void"])
def test_gradients_stay_finite(case: str) -> None:
    class_logits = torch.randn(4, 3, requires_grad=True)
    mask_logits = torch.randn(4, 6, 6, requires_grad=True)
    labels, masks = torch.zeros(0, dtype=torch.int64), torch.zeros(0, 24, 24)
    if case == "one pixel":
        labels, masks = torch.tensor([1]), torch.zeros(1, 24, 24)
        masks[0, 3, 3] = 1
    points = torch.rand(50, 2)
    pairs = match_objects(class_logits, mask_logits, labels, masks, points=points, costs=MatchCosts())
    chosen, truth = mask_logits[pairs.queries], masks[pairs.objects]
    places = draw_points(chosen, 50) if len(chosen) else torch.zeros(0, 50, 2)
    at_points = read_points(chosen, places), read_points(truth, places)
    total = class_loss(class_logits, matched_labels(4, 2, pairs.queries, labels[pairs.objects]))
    total = total + mask_loss(*at_points, num_masks=len(chosen)) + dice_loss(*at_points, num_masks=len(chosen))
    total = total + iou_loss(chosen.mean((1, 2)), dice_distance(*at_points), num_masks=len(chosen))
    total.backward()
    for value in (total, class_logits.grad, mask_logits.grad):
        assert value is not None
        assert torch.isfinite(value).all()


def test_the_quality_target_pulls_at_masks_only_officially() -> None:
    dice = torch.tensor([0.3, 0.6], requires_grad=True)
    iou_loss(torch.zeros(2, requires_grad=True), dice, num_masks=2).backward()
    assert dice.grad is None
    (pull,) = torch.autograd.grad(iou_loss(torch.zeros(2), dice, num_masks=2, as_official=True), dice)
    assert pull.abs().min() > 0


def close(found: Tensor, wanted: Tensor) -> None:
    assert float(found) == pytest.approx(float(wanted), rel=1e-6)


def assert_same_points(found: Tensor, wanted: Tensor) -> None:
    """The same points for each mask, in whatever order top-k gives them."""

    def rows(points: Tensor) -> list[Any]:
        return [sorted(map(tuple, mask.tolist())) for mask in points]

    assert rows(found) == rows(wanted)
