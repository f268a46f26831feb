"""The object branch as a training task, on answers that are known by construction."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from rmpsam_mobile.distill.losses import LossWeights
from rmpsam_mobile.distill.object_task import ObjectTask, ObjectTruth, object_losses
from rmpsam_mobile.model.decoder import StageOutput
from rmpsam_mobile.model.rmpsam import Objects
from tests.distill.small_runs import number

QUERIES, CLASSES, GRID = 5, 3, 16
TASK = ObjectTask(points=400)


def boxes() -> Tensor:
    """Three masks [3, 64, 64] that cover whole cells of four pixels."""
    masks = torch.zeros(3, 64, 64)
    masks[0, :32, :32], masks[1, 32:, :32], masks[2, 16:48, 40:] = 1, 1, 1
    return masks


def truth(*labels: int) -> ObjectTruth:
    return ObjectTruth(torch.tensor(labels, dtype=torch.int64), boxes()[: len(labels)])


def answer(queries: tuple[int, ...], labels: tuple[int, ...], strength: float = 40.0) -> tuple[Tensor, Tensor]:
    """Class logits [Q, K + 1] and mask logits [Q, h, w] in which these queries are right about those objects."""
    classes = torch.zeros(QUERIES, CLASSES + 1)
    classes[:, -1] = strength
    masks = torch.full((QUERIES, GRID, GRID), -strength)
    for place, (query, label) in enumerate(zip(queries, labels, strict=True)):
        classes[query] = 0
        classes[query, label] = strength
        masks[query] = strength * (2 * torch.nn.functional.avg_pool2d(boxes()[place][None], 4)[0] - 1)
    return classes, masks


def found_of(*pictures: tuple[Tensor, Tensor]) -> Objects:
    classes, masks = (torch.stack(parts) for parts in zip(*pictures, strict=True))
    return Objects(class_logits=classes, mask_logits=masks, queries=torch.zeros(len(pictures), QUERIES, 1))


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def losses_of(found: Objects, *truths: ObjectTruth, task: ObjectTask = TASK) -> dict[str, float]:
    return {name: number(value) for name, value in object_losses(found, truths, task, generator()).items()}


def test_right_answers_cost_nearly_nothing() -> None:
    """Only points between two cells' centres are in doubt, of which a mask's rim has a few."""
    found = found_of(answer((4, 0, 2), (1, 0, 1)), answer((3,), (2,)))
    losses = losses_of(found, truth(1, 0, 1), truth(2))
    assert losses["classes"] == pytest.approx(0, abs=1e-6)
    assert losses["object_dice"] < 0.15 * TASK.weights.dice
    wrong = losses_of(
        found_of(answer((4, 0, 2), (1, 0, 1), -40.0), answer((3,), (2,), -40.0)), truth(1, 0, 1), truth(2)
    )
    assert wrong["classes"] > 20
    assert wrong["object_dice"] > 0.5 * TASK.weights.dice
    assert losses["mask"] < wrong["mask"] / 10


@pytest.mark.parametrize("order", [(2, 0, 1), (1, 2, 0)])
def test_the_order_of_objects_does_not_matter(order: tuple[int, ...]) -> None:
    labels, masks = torch.tensor([0, 2, 1]), boxes()
    random = torch.Generator().manual_seed(1)
    pictures = torch.randn(QUERIES, CLASSES + 1, generator=random), torch.randn(QUERIES, GRID, GRID, generator=random)
    found = found_of(pictures)
    usual = losses_of(found, ObjectTruth(labels, masks))
    again = losses_of(found, ObjectTruth(labels[list(order)], masks[list(order)]))
    assert again == pytest.approx(usual, rel=1e-6)


def test_pictures_without_objects_teach_no_object() -> None:
    none = ObjectTruth(torch.zeros(0, dtype=torch.int64), torch.zeros(0, 64, 64))
    classes = torch.zeros(1, QUERIES, CLASSES + 1, requires_grad=True)
    masks = torch.randn(1, QUERIES, GRID, GRID, requires_grad=True)
    found = Objects(class_logits=classes, mask_logits=masks, queries=masks)
    losses = object_losses(found, [none], TASK, generator())
    assert (number(losses["mask"]), number(losses["object_dice"])) == (0, 0)
    torch.stack(list(losses.values())).sum().backward()
    assert classes.grad is not None
    assert (classes.grad[..., -1] < 0).all()  # void is pushed up, the classes down
    assert (classes.grad[..., :-1] > 0).all()
    assert masks.grad is not None  # so that every parameter has a gradient in every process
    assert not masks.grad.any()


def test_one_picture_of_two_may_be_empty() -> None:
    none = ObjectTruth(torch.zeros(0, dtype=torch.int64), torch.zeros(0, 64, 64))
    losses = losses_of(found_of(answer((0,), (1,)), answer((), ())), truth(1), none)
    assert losses["classes"] == pytest.approx(0, abs=1e-6)
    assert all(value == value and value < 20 for value in losses.values())


def test_more_objects_than_queries_are_matched_as_far_as_queries_go() -> None:
    many = ObjectTruth(torch.arange(9) % CLASSES, boxes().repeat(3, 1, 1))
    losses = losses_of(found_of(answer((0, 1, 2), (0, 1, 2))), many)
    assert all(value >= 0 and value == value for value in losses.values())


def test_classes_and_masks_learn() -> None:
    classes = torch.zeros(1, QUERIES, CLASSES + 1, requires_grad=True)
    masks = (0.1 * torch.randn(1, QUERIES, GRID, GRID, generator=generator())).requires_grad_()
    optimizer = torch.optim.Adam([classes, masks], lr=0.5)
    points, task = generator(), replace(TASK, points=200)
    for _ in range(40):
        found = Objects(class_logits=classes, mask_logits=masks, queries=masks)
        total = torch.stack(list(object_losses(found, [truth(2, 0, 2)], task, points).values())).sum()
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
    said = classes[0].argmax(-1)
    assert sorted(said.tolist()) == [0, 2, 2, CLASSES, CLASSES]
    answers = {name: masks[0, said == name] > 0 for name in (0, 2)}
    wanted = torch.nn.functional.avg_pool2d(boxes(), 4) > 0.5
    assert (answers[0][0] == wanted[1]).float().mean() > 0.95
    assert any((answer == wanted[0]).float().mean() > 0.95 for answer in answers[2])


def test_stages_are_judged_like_the_answer() -> None:
    """Losses are means over the answer and its stages; a stage without classes is left out."""
    right, wrong = answer((0, 1, 2), (0, 1, 2)), answer((0, 1, 2), (0, 1, 2), -40.0)

    def stage(parts: tuple[Tensor, Tensor], *, named: bool = True) -> StageOutput:
        classes = parts[0].unsqueeze(0) if named else None
        iou = torch.zeros(1, QUERIES, 1)
        return StageOutput(class_logits=classes, mask_logits=parts[1].unsqueeze(0), iou=iou, queries=iou)

    alone, apart = losses_of(found_of(right), truth(0, 1, 2)), losses_of(found_of(wrong), truth(0, 1, 2))
    both = losses_of(replace(found_of(right), stages=(stage(wrong),)), truth(0, 1, 2))
    assert both["classes"] == pytest.approx((alone["classes"] + apart["classes"]) / 2, rel=1e-5)
    unnamed = losses_of(replace(found_of(right), stages=(stage(wrong, named=False),)), truth(0, 1, 2))
    assert unnamed == alone


def test_weights_weigh() -> None:
    found = found_of((torch.zeros(QUERIES, CLASSES + 1), torch.zeros(QUERIES, GRID, GRID)))
    usual = losses_of(found, truth(0, 1), task=replace(TASK, weights=LossWeights(classes=1, mask=1, dice=1)))
    more = losses_of(found, truth(0, 1), task=replace(TASK, weights=LossWeights(classes=2, mask=3, dice=5)))
    factors = {"classes": 2, "mask": 3, "object_dice": 5}
    assert more == pytest.approx({name: factors[name] * value for name, value in usual.items()})
