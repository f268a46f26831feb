"""What is imitated: zero where both say the same, positive elsewhere, and pulling at the student."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rmpsam_mobile.distill.imitation import (
    MapImitation,
    class_imitation,
    hard_weights,
    iou_imitation,
    mask_imitation,
    sure_objects,
)
from tests.distill.small_runs import number
from tests.models import random_tensor

ONES = torch.ones(3, dtype=torch.float64)
Term = Callable[[Tensor, Tensor], Tensor]
TERMS: dict[str, tuple[Term, Tensor]] = {
    "maps": (lambda ours, theirs: same_width()([ours], [theirs]), random_tensor(2, 4, 6, 5)),
    "classes": (class_imitation, 3 * random_tensor(2, 5, 4)),
    "masks": (lambda ours, theirs: mask_imitation(ours, theirs, ONES), 3 * random_tensor(3, 40)),
    "iou": (lambda ours, theirs: iou_imitation(ours, theirs, ONES), random_tensor(3)),
}


def same_width(width: int = 4) -> MapImitation:
    """An adapter that hands on what it gets."""
    imitation = MapImitation([width], [width]).double()
    (adapter,) = imitation.adapters
    assert isinstance(adapter, nn.Conv2d)
    assert adapter.bias is not None
    with torch.no_grad():
        adapter.weight.copy_(torch.eye(width)[:, :, None, None])
        adapter.bias.zero_()
    return imitation


@pytest.mark.parametrize("name", TERMS)
def test_equal_answers_cost_nothing(name: str) -> None:
    term, said = TERMS[name]
    ours = said.clone().requires_grad_()
    loss = term(ours, said)
    loss.backward()
    assert number(loss) == pytest.approx(0, abs=1e-12)
    assert ours.grad is not None
    assert ours.grad.abs().max() < 1e-8  # and nothing is better


@pytest.mark.parametrize("name", TERMS)
def test_other_answers_cost_and_pull_towards_the_teacher(name: str) -> None:
    term, said = TERMS[name]
    ours = (said + 0.5 * random_tensor(*said.shape, seed=8)).requires_grad_()
    loss = term(ours, said)
    loss.backward()
    assert number(loss) > 1e-3
    assert ours.grad is not None
    step = 0.1 * ours.grad / ours.grad.norm()
    assert number(term(ours.detach() - step, said)) < number(loss)


def test_scale_and_place_of_a_channel_do_not_matter_to_maps() -> None:
    said = random_tensor(2, 4, 6, 5)
    scale, shift = torch.tensor([[0.1, 2.0, 30.0, 1.0], [5.0, 0.0, -9.0, 1.0]])[..., None, None]
    assert number(same_width()([said], [said * scale + shift])) == pytest.approx(0, abs=1e-4)  # 1e-5 in the norm's root


def test_unrelated_maps_are_two_and_opposite_ones_four_apart() -> None:
    one, other = random_tensor(8, 4, 20, 20), random_tensor(8, 4, 20, 20, seed=1)
    assert number(same_width()([one], [other])) == pytest.approx(2, abs=0.1)
    assert number(same_width()([one], [-one])) == pytest.approx(4, abs=1e-3)
    dead = torch.zeros_like(one)
    assert number(same_width()([one], [dead])) == pytest.approx(1, abs=1e-3)


def test_levels_are_averaged_and_may_differ_in_width() -> None:
    torch.manual_seed(0)
    imitation = MapImitation([4, 6], [5, 3]).double()
    ours = [random_tensor(2, 4, 8, 8), random_tensor(2, 6, 4, 4)]
    theirs = [random_tensor(2, 5, 8, 8, seed=1), random_tensor(2, 3, 4, 4, seed=2)]
    both = number(imitation(ours, theirs))
    apart = []
    for adapter, a, b in zip(imitation.adapters, ours, theirs, strict=True):
        mine = adapter(a)
        mine = (mine - mine.mean((0, 2, 3), True)) / (mine.var((0, 2, 3), correction=0, keepdim=True) + 1e-5).sqrt()
        yours = (b - b.mean((0, 2, 3), True)) / (b.var((0, 2, 3), correction=0, keepdim=True) + 1e-5).sqrt()
        apart.append(number((mine - yours).square().mean()))
    assert both == pytest.approx(sum(apart) / 2, rel=1e-10)


def test_a_wider_student_learns_what_its_adapter_can_express() -> None:
    """The teacher's channels are sums of the student's: the adapter alone brings the loss to nothing."""
    torch.manual_seed(0)
    ours = random_tensor(4, 6, 8, 8, dtype=torch.float32)
    theirs = torch.einsum("dc,bchw->bdhw", random_tensor(3, 6, seed=5, dtype=torch.float32), ours)
    imitation = MapImitation([6], [3])
    optimizer = torch.optim.Adam(imitation.parameters(), lr=0.1)
    first = number(imitation([ours], [theirs]))
    for _ in range(150):
        optimizer.zero_grad()
        imitation([ours], [theirs]).backward()
        optimizer.step()
    assert first > 0.3
    assert number(imitation([ours], [theirs])) < 1e-3


def test_class_imitation_by_hand() -> None:
    """Two queries: sum of q log(q / p) over classes, mean over queries."""
    ours, theirs = [[0.2, 0.5, 0.3], [0.6, 0.3, 0.1]], [[0.7, 0.2, 0.1], [0.6, 0.3, 0.1]]
    wanted = sum(q * math.log(q / p) for q, p in zip(theirs[0], ours[0], strict=True)) / 2
    logits = (torch.tensor([rows]).double().log() + 3 for rows in (ours, theirs))
    assert number(class_imitation(*logits)) == pytest.approx(wanted)


def test_class_imitation_is_the_mean_over_all_queries() -> None:
    ours, theirs = 2 * random_tensor(3, 5, 4), 2 * random_tensor(3, 5, 4, seed=1)
    p, q = ours.softmax(-1), theirs.softmax(-1)
    assert number(class_imitation(ours, theirs)) == pytest.approx(number((q * (q / p).log()).sum(-1).mean()))


def test_mask_imitation_by_formula_and_weights() -> None:
    ours, theirs = 2 * random_tensor(3, 40), 2 * random_tensor(3, 40, seed=1)
    p, t = ours.sigmoid(), theirs.sigmoid()
    divergence = (t * (t / p).log() + (1 - t) * ((1 - t) / (1 - p)).log()).mean(1)
    dice = 1 - (2 * (p * t).sum(1) + 1) / ((p * p).sum(1) + (t * t).sum(1) + 1)
    weights = torch.tensor([1.0, 0.0, 3.0], dtype=torch.float64)
    wanted = ((divergence + dice) * weights).sum() / 4
    assert number(mask_imitation(ours, theirs, weights)) == pytest.approx(number(wanted))


def test_teachers_that_are_wholly_sure_give_finite_losses() -> None:
    theirs = torch.tensor([[200.0, -200.0, 0.0]])
    ours = torch.tensor([[-200.0, 200.0, 0.0]], requires_grad=True)
    loss = mask_imitation(ours, theirs, torch.ones(1))
    loss.backward()
    assert torch.isfinite(loss)
    assert ours.grad is not None
    assert torch.isfinite(ours.grad).all()
    assert number(mask_imitation(theirs, theirs, torch.ones(1))) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("term", [mask_imitation, iou_imitation])
def test_no_weight_means_no_loss_and_a_gradient_of_zero(term: Callable[[Tensor, Tensor, Tensor], Tensor]) -> None:
    ours = random_tensor(3, 4).requires_grad_()
    inputs = (ours, random_tensor(3, 4, seed=1)) if term is mask_imitation else (ours[:, 0], random_tensor(3, seed=1))
    loss = term(*inputs, torch.zeros(3, dtype=torch.float64))
    loss.backward()
    assert number(loss) == 0
    assert ours.grad is not None
    assert not ours.grad.any()


def test_iou_imitation_by_hand() -> None:
    ours, theirs = torch.tensor([0.5, 0.9, 0.1]), torch.tensor([0.7, 0.9, 0.4])
    weights = torch.tensor([1.0, 5.0, 2.0])
    assert number(iou_imitation(ours, theirs, weights)) == pytest.approx((0.04 + 2 * 0.09) / 8)


def test_sure_objects_is_one_minus_void() -> None:
    logits = torch.tensor([[[2.0, 1.0, 0.0], [0.0, 0.0, 50.0]]])
    void = math.exp(0) / (math.exp(2) + math.exp(1) + math.exp(0))
    assert sure_objects(logits).tolist() == [pytest.approx([1 - void, 0], abs=1e-6)]


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
def test_hard_weights_have_mean_one_and_fall_with_overlap(strength: float) -> None:
    overlap = torch.tensor([0.0, 0.25, 0.5, 1.0])
    weights = hard_weights(overlap, strength)
    assert number(weights.mean()) == pytest.approx(1)
    assert F.relu(weights.diff()).sum() == 0  # never rising
    ratio = number(weights[3] / weights[0])
    assert ratio == pytest.approx(1 - strength)
    assert torch.isfinite(hard_weights(torch.ones(3), 1.0)).all()
