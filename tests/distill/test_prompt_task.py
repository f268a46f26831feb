"""Prompts as a training task: what is asked, what is corrected, and what is judged."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import cast

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from rmpsam_mobile.contracts import PointLabel
from rmpsam_mobile.distill.prompt_task import PromptTask, PromptTruth, prompt_losses
from rmpsam_mobile.distill.simulate import FirstPrompts
from rmpsam_mobile.model.panoptic_head import PanopticHead, PromptState
from rmpsam_mobile.model.prompt import PromptSet
from tests.distill.small_runs import SIZE, SMALL_MOBILE, disc_sample, number, small_presets, small_student
from tests.models import random_tensor

__all__ = ["small_presets"]
WIDTH, GRID = SMALL_MOBILE.width, SIZE // 4
NAMES = ("focal", "dice", "iou", "stages")
TASK = PromptTask(prompts=3)
BOXES = FirstPrompts(click=0.0, box=1.0, exact_box=1.0)


def masks_of(objects: int, seed: int = 0) -> NDArray[np.bool_]:
    return disc_sample(objects, seed=seed).masks[:, 0]


def one_pixel() -> NDArray[np.bool_]:
    mask = np.zeros((1, SIZE, SIZE), np.bool_)
    mask[0, 21, 33] = True
    return mask


def truth_of(
    masks: Sequence[NDArray[np.bool_]], task: PromptTask = TASK, *, num_points: int = 3, first_seed: int = 0
) -> PromptTruth:
    """Pictures of 48 x 64 px in squares of 64."""
    rngs = [np.random.default_rng(first_seed + i) for i in range(len(masks))]
    return PromptTruth(masks, [(48, SIZE)] * len(masks), task, num_points, rngs)


class FixedHead:
    """Answers everything with the same logits [B, N, h, w]; records what it was asked and how."""

    def __init__(self, logits: Tensor, iou: float = 0.0) -> None:
        self.logits, self.iou = logits.requires_grad_(), iou
        self.asked: list[PromptSet] = []
        self.with_gradients: list[bool] = []

    def answer(self, features: Tensor, prompts: PromptSet, image_size: Tensor) -> PromptState:
        self.asked.append(prompts)
        self.with_gradients.append(torch.is_grad_enabled())
        assert image_size.tolist() == [[48, SIZE]] * len(features)
        coarse = torch.nn.functional.avg_pool2d(self.logits, 2)
        iou = self.logits.new_full(self.logits.shape[:2], self.iou)
        return PromptState(steps=[(features, coarse)] * 3, queries=features, mask_logits=self.logits, iou=iou)

    def judge(
        self, truth: PromptTruth, task: PromptTask, rounds: int = 0, average: Callable[[float], float] = float
    ) -> dict[str, float]:
        features = torch.zeros(len(self.logits), WIDTH, GRID, GRID)
        head = cast(PanopticHead, self)
        losses, _ = prompt_losses(head, features, truth, task, rounds=rounds, average=average)
        return {name: number(value) for name, value in losses.items()}


def logits_of(masks: NDArray[np.bool_], strength: float = 20.0) -> Tensor:
    """[N, S, S] -> [1, N, h, w], right wherever a cell is whole."""
    shares = torch.nn.functional.avg_pool2d(torch.from_numpy(masks).float(), 4)
    return (strength * (2 * shares - 1)).unsqueeze(0)


def test_each_object_gets_a_slot() -> None:
    pictures = [masks_of(5, 1), masks_of(1, 2), masks_of(0)]
    truth = truth_of(pictures)
    assert [tuple(map(int, row)) for row in zip(*truth.rows, strict=True)] == [(0, 0), (0, 1), (0, 2), (1, 0)]
    for b, n in truth.hints:
        assert any(np.array_equal(truth.masks[b, n], mask) for mask in pictures[b])
    assert len({truth.masks[0, n].tobytes() for n in range(3)}) == 3
    assert not truth.masks[1, 1:].any()
    assert not truth.masks[2].any()


def test_hints_become_tensors_slot_by_slot() -> None:
    truth = truth_of([masks_of(5, 1), masks_of(1, 2), masks_of(0)])
    asked = truth.prompt_set(torch.zeros(1, dtype=torch.float64))
    assert (asked.points.shape, asked.labels.shape, asked.boxes.shape) == ((3, 3, 3, 2), (3, 3, 4), (3, 3, 4))
    assert asked.points.dtype == torch.float64
    for b in range(3):
        for n in range(3):
            hints, labels = truth.hints.get((b, n)), asked.labels[b, n].tolist()
            if hints is None:
                assert labels == [PointLabel.EMPTY] * 4
                continue
            count = len(hints.points)
            assert labels[:count] == list(hints.labels)
            assert labels[count:3] == [PointLabel.EMPTY] * (3 - count)
            assert asked.points[b, n, :count].tolist() == [list(point) for point in hints.points]
            assert labels[3] == (PointLabel.EMPTY if hints.box is None else PointLabel.FOREGROUND)
            assert hints.box is None or asked.boxes[b, n].tolist() == pytest.approx(hints.box, rel=1e-6)  # float32


def test_objects_without_pixels_are_not_asked_for() -> None:
    masks = masks_of(3, 1)
    masks[1] = False
    truth = truth_of([masks])
    assert len(truth.hints) == 2
    assert all(truth.masks[row].any() for row in truth.hints)


def test_rough_boxes_stay_in_the_picture_and_out_of_the_padding() -> None:
    mask = np.zeros((1, SIZE, SIZE), np.bool_)
    mask[0, 8:48, 10:60] = True  # down to the last row of a picture of 48
    noisy = replace(TASK, first=FirstPrompts(click=0.0, box=1.0, exact_box=0.0, box_noise=0.3))
    boxes = [truth_of([mask], noisy, first_seed=seed).hints[0, 0].box for seed in range(40)]
    assert all(box is not None and box[3] <= 48 for box in boxes)


def test_what_is_asked_does_not_depend_on_how_pictures_are_spread() -> None:
    pictures = [masks_of(4, 1), masks_of(3, 2)]
    both = truth_of(pictures)
    apart = [truth_of([picture], first_seed=i) for i, picture in enumerate(pictures)]
    wrong = torch.full((2, 3, GRID, GRID), -1.0)
    both.correct(wrong)
    for i, one in enumerate(apart):
        one.correct(wrong[:1])
        assert {n: hints for (_, n), hints in one.hints.items()} == {
            n: hints for (b, n), hints in both.hints.items() if b == i
        }


@pytest.mark.parametrize("stride", [1, 2, 8])
def test_shares_are_means_over_cells(stride: int) -> None:
    truth = truth_of([masks_of(3, 1), masks_of(2, 4)])
    shares, valid = truth.shares(stride, torch.zeros(1, dtype=torch.float64))
    side = SIZE // stride
    cells = truth.masks[truth.rows].reshape(5, side, stride, side, stride).mean((2, 4))
    assert np.array_equal(shares.numpy(), cells.reshape(5, -1))
    picture = np.zeros((side, side))
    picture[: 48 // stride] = 1
    assert np.array_equal(valid.numpy(), np.tile(picture.ravel(), (5, 1)))


def test_a_cell_is_valid_where_its_centre_is() -> None:
    truth = PromptTruth([one_pixel()], [(50, 37)], TASK, 3, [np.random.default_rng(0)])
    _, valid = truth.shares(8, torch.zeros(1))
    assert valid.reshape(8, 8).sum(0).tolist() == [6, 6, 6, 6, 6, 0, 0, 0]  # rows to 44, columns to 36


@pytest.mark.parametrize("rounds", [0, 2])
@pytest.mark.parametrize("case", ["no objects", "all void", "one pixel", "everything", "one row of pixels"])
@pytest.mark.usefixtures("small_presets")
def test_losses_and_gradients_stay_finite(case: str, rounds: int) -> None:
    everything = np.ones((2, SIZE, SIZE), np.bool_)
    cases = {"no objects": masks_of(0), "all void": ~everything, "one pixel": one_pixel()}
    masks = cases.get(case, everything)
    size = (1, SIZE) if case == "one row of pixels" else (48, SIZE)
    truth = PromptTruth([masks], [size], TASK, 3, [np.random.default_rng(0)])
    head = small_student().panoptic_head
    features = random_tensor(1, WIDTH, GRID, GRID, dtype=torch.float32).requires_grad_()
    losses, _ = prompt_losses(head, features, truth, TASK, rounds=rounds)
    assert tuple(losses) == NAMES
    torch.stack(list(losses.values())).sum().backward()
    if case in ("no objects", "all void"):
        assert [number(value) for value in losses.values()] == [0] * 4
    else:
        assert number(losses["dice"]) > 0
    assert features.grad is not None
    assert torch.isfinite(features.grad).all()
    assert all(torch.isfinite(p.grad).all() for p in head.parameters() if p.grad is not None)


def test_a_right_answer_costs_nothing_and_a_wrong_one_all() -> None:
    masks = np.zeros((2, SIZE, SIZE), np.bool_)
    masks[0, 8:32, 8:32], masks[1, 16:48, 32:64] = True, True
    truth = truth_of([masks], PromptTask(prompts=2))
    right = FixedHead(logits_of(truth.masks[0], 200.0), iou=1.0).judge(truth, TASK)
    assert right["iou"] == pytest.approx(0, abs=1e-6)
    assert right["dice"] < 0.05  # cells of four pixels, compared at two: the rim is soft
    wrong = FixedHead(-logits_of(truth.masks[0], 200.0), iou=1.0).judge(truth, TASK)
    assert wrong["dice"] > 0.9
    assert wrong["iou"] == pytest.approx(TASK.iou * 1, abs=1e-6)  # both overlaps are 0 and 1 was said
    assert wrong["focal"] > 50


def test_losses_are_means_over_the_prompts_of_all_processes() -> None:
    truth = truth_of([masks_of(3)])
    head = FixedHead(random_tensor(1, 3, GRID, GRID, dtype=torch.float32))
    alone = head.judge(truth, TASK)
    twice = head.judge(truth, TASK, average=lambda number: 2 * number)
    assert twice == pytest.approx({name: value / 2 for name, value in alone.items()}, rel=1e-5)
    few = head.judge(truth_of([masks_of(1)]), TASK, average=lambda number: number / 2)
    assert few == pytest.approx({n: 2 * v for n, v in head.judge(truth_of([masks_of(1)]), TASK).items()}, rel=1e-5)


def test_weights_weigh() -> None:
    truth, head = truth_of([masks_of(3)]), FixedHead(random_tensor(1, 3, GRID, GRID, dtype=torch.float32))
    usual = head.judge(truth, PromptTask(focal=1, dice=1, iou=1, stages=1))
    assert all(value > 0 for value in usual.values())
    weighed = head.judge(truth, PromptTask(focal=2, dice=3, iou=5, stages=7))
    assert weighed == pytest.approx({n: w * usual[n] for n, w in zip(NAMES, (2, 3, 5, 7), strict=True)}, rel=1e-5)


def test_hard_masks_count_more() -> None:
    """One object answered rightly, one not at all: weights 0 and 2."""
    masks = np.zeros((2, SIZE, SIZE), np.bool_)
    masks[0, 8:32, 8:32], masks[1, 16:48, 32:64] = True, True
    truth = truth_of([masks], PromptTask(prompts=2))
    logits = logits_of(truth.masks[0], 200.0)
    logits[0, 1] = -200.0
    alike = FixedHead(logits).judge(truth, PromptTask(stages=0))
    hard = FixedHead(logits).judge(truth, PromptTask(stages=0, hard_masks=1.0))
    assert alike["dice"] == pytest.approx(0.5, abs=0.02)
    assert hard["dice"] == pytest.approx(1.0, abs=0.02)
    assert hard["focal"] > alike["focal"] * 1.9
    assert hard["iou"] == alike["iou"]


@pytest.mark.parametrize("rounds", range(5))
def test_corrections_are_asked_for_in_turn(rounds: int) -> None:
    """Boxes first; the head says nothing each time, so each round adds a foreground click, to P at most."""
    task = PromptTask(prompts=3, first=BOXES)
    truth = truth_of([masks_of(3)], task)
    head = FixedHead(torch.full((1, 3, GRID, GRID), -1.0))
    losses = head.judge(truth, task, rounds)
    assert len(head.asked) == rounds + 1
    clicks = [(asked.labels[..., :-1] == PointLabel.FOREGROUND).sum(-1) for asked in head.asked]
    assert [found.tolist() for found in clicks] == [[[min(r, 3)] * 3] for r in range(rounds + 1)]
    assert head.with_gradients == [True, *[False] * (rounds - 1), *[True] * min(rounds, 1)]
    assert losses == pytest.approx(head.judge(truth, task))  # a mean of two equal answers, whatever the rounds


def test_first_and_last_answer_count_alike() -> None:
    class Learning(FixedHead):
        def answer(self, features: Tensor, prompts: PromptSet, image_size: Tensor) -> PromptState:
            state = super().answer(features, prompts, image_size)
            return replace(state, iou=state.iou + len(self.asked) - 1)  # 0, 1, 2 ..

    truth = truth_of([masks_of(2)], PromptTask(prompts=2))
    head = Learning(torch.full((1, 2, GRID, GRID), -1.0))  # overlap 0
    losses = head.judge(truth, PromptTask(iou=1.0), rounds=3)
    assert losses["iou"] == pytest.approx((0 + 9) / 2)


def test_corrections_lie_in_errors_in_pixels() -> None:
    truth = truth_of([masks_of(3, 1)], replace(TASK, first=BOXES))
    answers = torch.sign(random_tensor(1, 3, GRID, GRID, seed=4))
    truth.correct(answers)
    for (b, n), hints in truth.hints.items():
        ((x, y),), (label,) = hints.points, hints.labels
        assert y < 48
        wanted, said = truth.masks[b, n, int(y), int(x)], answers[b, n, int(y) // 4, int(x) // 4] > 0
        assert label == (PointLabel.FOREGROUND if wanted else PointLabel.BACKGROUND)
        assert wanted != said


def test_cells_are_judged_by_their_centres() -> None:
    """An object of one pixel is missed where that pixel is a cell's centre, and not seen elsewhere."""
    for place, clicks in ((22, ((22.0, 22.0),)), (20, ())):
        mask = np.zeros((1, SIZE, SIZE), np.bool_)
        mask[0, place, place] = True
        truth = truth_of([mask], replace(TASK, first=BOXES))
        truth.correct(torch.full((1, 3, GRID, GRID), -1.0))
        assert truth.hints[0, 0].points == clicks


def test_nothing_is_corrected_where_nothing_is_wrong_or_no_picture_is() -> None:
    mask = np.zeros((1, SIZE, SIZE), np.bool_)
    mask[0, 8:32, 8:32] = True
    truth = truth_of([mask], replace(TASK, prompts=1, first=BOXES))
    answers = logits_of(mask)
    answers[:, :, 12:] = 9.0  # below the picture
    truth.correct(answers)
    assert truth.hints[0, 0].points == ()
