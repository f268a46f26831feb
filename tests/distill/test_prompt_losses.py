"""Losses of prompted masks against their formulas, written out in float64 with numpy."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from rmpsam_mobile.distill.prompt_losses import focal_loss, hard_iou, soft_dice
from tests.distill.small_runs import number
from tests.models import random_tensor

Floats = NDArray[np.float64]


def scene(masks: int = 4, cells: int = 60) -> tuple[Tensor, Tensor, Tensor]:
    """Logits, shares in [0, 1] and validity, in float64; the last tenth of the cells is no picture."""
    logits = 3 * random_tensor(masks, cells, seed=1)
    truth = (random_tensor(masks, cells, seed=2) + 0.5).clamp(0, 1)
    valid = torch.ones(masks, cells, dtype=torch.float64)
    valid[:, -cells // 10 :] = 0
    return logits, truth * valid, valid


def sigmoid(x: Floats) -> Floats:
    return 1 / (1 + np.exp(-x))


def focal(logits: Floats, truth: Floats, valid: Floats, gamma: float) -> tuple[Floats, Floats]:
    """The losses and the weights of the cells."""
    p = sigmoid(logits)
    entropy = -(truth * np.log(p) + (1 - truth) * np.log(1 - p))
    weights = np.abs(p - truth) ** gamma * valid
    weights /= weights.sum(1, keepdims=True)
    return (weights * entropy).sum(1), weights


@pytest.mark.parametrize("gamma", [0.5, 2.0, 3.0])
def test_focal_loss_is_its_formula(gamma: float) -> None:
    logits, truth, valid = scene()
    wanted, weights = focal(logits.numpy(), truth.numpy(), valid.numpy(), gamma)
    assert weights.sum(1) == pytest.approx(1)
    assert focal_loss(logits, truth, valid, gamma).numpy() == pytest.approx(wanted, rel=1e-12)


def test_focal_weights_sum_to_one() -> None:
    """Where all cells err alike, the loss is one cell's entropy, however many there are."""
    for cells in (1, 10, 1000):
        logits, truth = torch.full((2, cells), -1.5), torch.ones(2, cells)
        found = focal_loss(logits, truth, torch.ones(2, cells))
        assert found.tolist() == pytest.approx([float(np.log1p(np.exp(1.5)))] * 2, rel=1e-5)


def test_focal_weights_carry_no_gradient() -> None:
    logits, truth, valid = scene()
    logits.requires_grad_()
    focal_loss(logits, truth, valid).sum().backward()
    assert logits.grad is not None
    _, weights = focal(logits.detach().numpy(), truth.numpy(), valid.numpy(), 2.0)
    wanted = weights * (sigmoid(logits.detach().numpy()) - truth.numpy())  # of the entropy alone
    assert logits.grad.numpy() == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("loss", [focal_loss, soft_dice])
def test_cells_outside_of_the_picture_do_not_count(loss: Callable[[Tensor, Tensor, Tensor], Tensor]) -> None:
    logits, truth, valid = scene()
    wild = torch.where(valid > 0, logits, torch.full_like(logits, 40.0)).requires_grad_()
    found = loss(wild, truth, valid)
    torch.testing.assert_close(found, loss(logits, truth, valid), rtol=0, atol=0)
    found.sum().backward()
    assert wild.grad is not None
    assert not wild.grad[valid == 0].any()
    assert wild.grad[valid > 0].any()


@pytest.mark.parametrize("truth_value", [0.0, 1.0])
def test_a_perfect_answer_costs_nothing_and_pulls_nowhere(truth_value: float) -> None:
    truth = torch.full((2, 50), truth_value)
    logits = ((2 * truth - 1) * 60).requires_grad_()
    valid = torch.ones(2, 50)
    total = focal_loss(logits, truth, valid).sum() + soft_dice(logits, truth, valid).sum()
    total.backward()
    assert number(total) == pytest.approx(0, abs=1e-6)
    assert logits.grad is not None
    assert logits.grad.abs().max() < 1e-6  # and so is finite


def test_nothing_valid_costs_nothing() -> None:
    logits = torch.randn(2, 30, requires_grad=True)
    found = focal_loss(logits, torch.zeros(2, 30), torch.zeros(2, 30))
    found.sum().backward()
    assert found.tolist() == [0, 0]
    assert logits.grad is not None
    assert not logits.grad.any()


def test_soft_dice_is_its_formula() -> None:
    logits, truth, valid = scene()
    p, t = sigmoid(logits.numpy()) * valid.numpy(), truth.numpy()
    wanted = 1 - (2 * (p * t).sum(1) + 1e-3) / ((p * p).sum(1) + (t * t).sum(1) + 1e-3)
    assert soft_dice(logits, truth, valid).numpy() == pytest.approx(wanted, rel=1e-12)


def test_hard_iou_by_hand() -> None:
    truth = torch.tensor([[1.0, 1.0, 0.0, 0.0, 0.4, 0.6]] * 5)  # a share of 0.4 is outside, of 0.6 inside
    answers = torch.tensor(
        [
            [1, 1, -1, -1, -1, 1],  # right
            [-1, -1, 1, 1, 1, -1],  # wrong everywhere
            [1, -1, 1, -1, -1, 1],  # two of four
            [-1, -1, -1, -1, -1, -1],
            [1, 1, 1, 1, 1, 1],  # three of six; a logit of 0 would be outside
        ]
    ).float()
    found = hard_iou(answers, truth, torch.ones(5, 6))
    assert found.tolist() == pytest.approx([1, 0, 0.5, 0, 0.5])
    assert hard_iou(torch.zeros(1, 6), truth[:1], torch.ones(1, 6)).tolist() == [0]
    assert hard_iou(answers[3:4], torch.zeros(1, 6), torch.ones(1, 6)).tolist() == [0]  # nothing wanted, nothing said


def test_hard_iou_ignores_answers_outside_of_the_picture() -> None:
    truth = torch.tensor([[1.0, 1.0, 0.0, 0.0]])
    valid = torch.tensor([[1.0, 1.0, 1.0, 0.0]])
    logits = torch.tensor([[2.0, 2.0, -2.0, 9.0]], requires_grad=True)
    found = hard_iou(logits, truth, valid)
    assert found.tolist() == [1]
    assert not found.requires_grad
