"""What one update minimises: which losses there are for which recipe, task and teacher, and what they change."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from rmpsam_mobile.data.samples import Task
from rmpsam_mobile.distill.batch import Batch
from rmpsam_mobile.distill.imitation import iou_imitation, mask_imitation
from rmpsam_mobile.distill.objective import Losses, Objective
from rmpsam_mobile.distill.optimisation import build_optimizer
from rmpsam_mobile.distill.prompt_task import PromptTruth
from rmpsam_mobile.distill.recipe import Recipe, Terms
from rmpsam_mobile.distill.start import new_student
from rmpsam_mobile.distill.teacher import Teacher
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.model.rmpsam import RmpSam
from tests.distill.small_runs import (
    ALL_TERMS,
    OTHER_MOBILE,
    batch_of,
    disc_sample,
    number,
    small_presets,
    small_recipe,
    small_student,
    small_teacher,
)
from tests.models import unit_rows

__all__ = ["small_presets"]
pytestmark = pytest.mark.usefixtures("small_presets")

PROMPTS = {"focal", "dice", "iou", "stages"}
OBJECTS = {"classes", "mask", "object_dice"}
NAME_OF = {
    "features": "features",
    "mask_features": "mask_features",
    "object_logits": "taught_classes",
    "object_masks": "taught_masks",
    "prompt_masks": "prompt_masks",
    "iou": "taught_iou",
}


def losses_of(
    recipe: Recipe, batch: Batch, *, teacher: Teacher | None = None, student: RmpSam | None = None
) -> dict[str, float]:
    objective = Objective(student or small_student(), recipe, teacher).train()
    return {name: number(value) for name, value in objective(batch).items()}


def images(task: Task = Task.IMAGE, frames: int = 1) -> Batch:
    return batch_of([disc_sample(2, task=task, frames=frames), disc_sample(3, task=task, frames=frames, seed=1)], task)


def total(losses: Losses) -> Tensor:
    return torch.stack(list(losses.values())).sum()


def test_labels_alone() -> None:
    recipe = small_recipe()
    assert losses_of(recipe, images()).keys() == OBJECTS | PROMPTS
    assert losses_of(recipe, images(Task.PROMPTS)).keys() == PROMPTS
    assert losses_of(replace(recipe, object_weight=0.0), images()).keys() == PROMPTS
    objects = replace(recipe, prompt_weight=0.0, tasks={Task.IMAGE: 1.0})
    assert losses_of(objects, images()).keys() == OBJECTS
    assert all(value > 0 for value in losses_of(recipe, images()).values())


@pytest.mark.parametrize("task", [Task.CLIP, Task.PSEUDO_VIDEO])
def test_clips_train_the_objects_alone(task: Task) -> None:
    batch = images(task, frames=2)
    assert losses_of(small_recipe(), batch).keys() == OBJECTS
    taught = losses_of(small_recipe(terms=ALL_TERMS), batch, teacher=small_teacher())
    assert taught.keys() == OBJECTS | {"features", "mask_features", "taught_classes", "taught_masks"}
    assert all(value > 0 for value in taught.values())


@pytest.mark.parametrize("term", NAME_OF)
def test_each_term_turns_its_loss_on(term: str) -> None:
    teacher, student = small_teacher(), small_student()
    base = losses_of(small_recipe(), images(), student=student)
    once = losses_of(small_recipe(terms=Terms(**{term: 1.0})), images(), teacher=teacher, student=student)
    twice = losses_of(small_recipe(terms=Terms(**{term: 2.0})), images(), teacher=teacher, student=student)
    added = {name for name, value in once.items() if value and name not in base}
    assert added == {NAME_OF[term]}
    assert once[NAME_OF[term]] > 1e-4
    assert twice[NAME_OF[term]] == pytest.approx(2 * once[NAME_OF[term]], rel=1e-5)
    assert {name: once[name] for name in base} == pytest.approx(base, rel=1e-5)


def test_a_teacher_that_is_a_model_gives_all_terms() -> None:
    losses = losses_of(small_recipe(terms=ALL_TERMS), images(), teacher=small_teacher())
    assert losses.keys() == OBJECTS | PROMPTS | set(NAME_OF.values())
    assert all(value > 0 for value in losses.values())


def test_nothing_is_left_to_learn_from_oneself() -> None:
    """Student and teacher alike, no norms of the batch: what needs no adapter is zero."""
    recipe = small_recipe(terms=ALL_TERMS, frozen_norms=True)
    losses = losses_of(recipe, images(), teacher=Teacher(small_student().eval()))
    for name in ("taught_classes", "taught_masks", "prompt_masks", "taught_iou"):
        assert losses[name] == pytest.approx(0, abs=1e-5), name
    assert losses["features"] > 0.1  # through adapters that have learned nothing yet


@pytest.mark.parametrize(
    ("terms", "names"), [(Terms(features=1.0), {"features"}), (ALL_TERMS, {"features", "mask_features"})]
)
def test_imitated_pictures_give_losses_of_features_alone(terms: Terms, names: set[str]) -> None:
    batch = batch_of([disc_sample(0, task=Task.IMITATE), disc_sample(0, seed=1)], Task.IMITATE)
    objective = Objective(small_student(), small_recipe(terms=terms), small_teacher()).train()
    losses = objective(batch)
    assert losses.keys() == names
    total(losses).backward()
    moved = {name for name, p in objective.named_parameters() if p.grad is not None and p.grad.any()}
    assert any(name.startswith("student.backbone") for name in moved)
    assert any(name.startswith("student.neck") for name in moved) == ("mask_features" in names)
    assert not any(name.startswith("student.panoptic_head") for name in moved)


def test_a_backbone_may_teach_features() -> None:
    teacher = Teacher(new_student(OTHER_MOBILE.name).backbone)
    assert losses_of(small_recipe(terms=Terms(features=1.0)), images(), teacher=teacher)["features"] > 0


def test_gradients_reach_the_student_and_the_adapters_and_not_the_teacher() -> None:
    teacher = small_teacher()
    objective = Objective(small_student(), small_recipe(terms=ALL_TERMS), teacher).train()
    total(objective(images())).backward()
    assert all(parameter.grad is None for parameter in teacher.network.parameters())
    reached = {name.split(".")[0] for name, p in objective.named_parameters() if p.grad is not None and p.grad.any()}
    assert reached == {"student", "features", "mask_features"}
    owned = {id(parameter) for parameter in objective.parameters()}
    assert not owned & {id(parameter) for parameter in teacher.network.parameters()}
    assert not any("teacher" in name for name in objective.state_dict())


def test_objects_of_unknown_classes_are_no_objects_to_name() -> None:
    whole = disc_sample(3, task=Task.IMAGE)
    partly = replace(whole, labels=whole.labels * 0 - 1)
    partly.labels[1] = 4
    known = replace(whole, masks=whole.masks[1:2], labels=partly.labels[1:2])
    found, wanted = (losses_of(small_recipe(), batch_of([sample, sample], Task.IMAGE)) for sample in (partly, known))
    assert {name: found[name] for name in OBJECTS} == {name: wanted[name] for name in OBJECTS}


def test_the_weight_of_objects_is_of_all_their_losses() -> None:
    """Of what is imitated too; prompts and features stay as they are."""
    recipe, teacher = small_recipe(terms=ALL_TERMS, object_weight=1.0), small_teacher()
    once = losses_of(recipe, images(), teacher=teacher)
    thrice = losses_of(replace(recipe, object_weight=3.0), images(), teacher=teacher)
    weighed = OBJECTS | {"taught_classes", "taught_masks"}
    wanted = {name: value * (3 if name in weighed else 1) for name, value in once.items()}
    assert thrice == pytest.approx(wanted, rel=1e-5)


def test_the_weight_of_prompts_is_of_their_losses_against_labels() -> None:
    recipe, teacher = small_recipe(terms=ALL_TERMS), small_teacher()
    once = losses_of(recipe, images(), teacher=teacher)
    thrice = losses_of(replace(recipe, prompt_weight=3.0), images(), teacher=teacher)
    wanted = {name: value * (3 if name in PROMPTS else 1) for name, value in once.items()}
    assert thrice == pytest.approx(wanted, rel=1e-5)


def test_prompts_are_taught_as_their_functions_say() -> None:
    """Both answer the same prompts; ours comes first, the teacher's is the truth."""
    student, teacher, batch = small_student(), small_teacher(), images(Task.PROMPTS)
    recipe = small_recipe(terms=Terms(prompt_masks=1.0, iou=1.0), frozen_norms=True)
    found = losses_of(recipe, batch, teacher=teacher, student=student)
    truth = PromptTruth(
        [sample.masks[:, 0] for sample in batch.samples],
        [sample.image_size for sample in batch.samples],
        recipe.prompts,
        3,
        batch.rngs(recipe.seed),
    )
    pixels = batch.pixel_values(torch.device("cpu"))
    lesson = teacher.lesson(pixels, "key", with_neck=True, with_objects=False)
    features = student.eval().encode(pixels).mask_features
    size, rows = truth.image_size, tuple(torch.from_numpy(index) for index in truth.rows)
    ours = student.panoptic_head.answer(features, truth.prompt_set(features), size)
    theirs = teacher.answer(lesson, truth.prompt_set(features), size)
    ones = torch.ones(len(rows[0]))
    wanted = mask_imitation(ours.mask_logits[rows].flatten(1), theirs.mask_logits[rows].flatten(1), ones)
    assert found["prompt_masks"] == pytest.approx(number(wanted), rel=1e-4)
    assert found["taught_iou"] == pytest.approx(number(iou_imitation(ours.iou[rows], theirs.iou[rows], ones)), rel=1e-4)


def test_prompts_are_averaged_over_processes() -> None:
    objective = Objective(small_student(), small_recipe(frozen_norms=True)).train()
    alone, together = objective(images()), objective(images(), lambda number: 2 * number)
    for name in PROMPTS:
        assert number(together[name]) == pytest.approx(number(alone[name]) / 2, rel=1e-5)


def changed(recipe: Recipe) -> set[str]:
    """Names of weights and statistics that one large update changes."""
    objective = Objective(small_student(), recipe).train()
    before = {name: value.clone() for name, value in objective.state_dict().items()}
    optimizer = build_optimizer(objective, recipe)
    total(objective(images())).backward()
    optimizer.step()
    return {name for name, value in objective.state_dict().items() if not torch.equal(value, before[name])}


def test_frozen_parts_do_not_change() -> None:
    part = "student.backbone.smb1."
    names = changed(small_recipe(frozen=("backbone.smb1", "backbone.smb2.layer1"), weight_decay=0.5))
    assert not [name for name in names if name.startswith((part, "student.backbone.smb2.layer1."))]
    assert any(name.startswith("student.backbone.smb3.") for name in names)
    assert any(name.startswith(part) for name in changed(small_recipe()))


def test_frozen_parts_stay_in_eval_mode() -> None:
    objective = Objective(small_student(), small_recipe(frozen=("backbone.smb1",)))
    for mode in (True, False, True):
        assert objective.train(mode) is objective
        modes = {name: module.training for name, module in objective.named_modules()}
        inside = {name for name in modes if name.startswith("student.backbone.smb1")}
        assert not any(modes[name] for name in inside)
        assert all(modes[name] == mode for name in modes.keys() - inside)


def test_frozen_norms_keep_their_statistics_and_learn_their_scale() -> None:
    usual, frozen = changed(small_recipe()), changed(small_recipe(frozen_norms=True))
    assert any(name.endswith("running_mean") for name in usual)
    assert not [name for name in frozen if name.endswith(("running_mean", "running_var", "num_batches_tracked"))]
    assert any(".bn." in name for name in frozen)
    objective = Objective(small_student(), small_recipe(frozen_norms=True)).train()
    norms = [module for module in objective.modules() if isinstance(module, nn.BatchNorm2d)]
    assert norms
    assert not any(norm.training for norm in norms)


def test_adapters_start_alike_in_every_process_and_take_no_chance_from_others() -> None:
    torch.manual_seed(5)
    wanted = torch.rand(1)
    starts: list[dict[str, Any]] = []
    for seed in (5, 6):
        torch.manual_seed(seed)
        objective = Objective(small_student(), small_recipe(terms=ALL_TERMS), small_teacher())
        starts.append({name: value for name, value in objective.state_dict().items() if "adapters" in name})
        assert torch.equal(torch.rand(1), wanted) == (seed == 5)
    assert len(starts[0]) == 10  # weight and bias of four maps and of the neck's
    assert all(torch.equal(value, starts[1][name]) for name, value in starts[0].items())


def test_no_teacher() -> None:
    for terms in (Terms(features=1.0), Terms(iou=0.1)):
        with pytest.raises(InputError) as caught:
            Objective(small_student(), small_recipe(terms=terms))
        assert str(caught.value) == ("recipe small imitates a teacher; name one with --teacher, or another recipe")


@pytest.mark.parametrize("term", [name for name in NAME_OF if name != "features"])
def test_a_backbone_cannot_teach_more_than_features(term: str) -> None:
    with pytest.raises(InputError) as caught:
        Objective(small_student(), small_recipe(terms=Terms(**{term: 1.0})), Teacher(small_student().backbone))
    assert str(caught.value) == (
        "a backbone teaches features alone, no mask features and masks; give a checkpoint, or another recipe"
    )


def test_a_part_to_freeze_that_is_not_there() -> None:
    with pytest.raises(InputError) as caught:
        Objective(small_student(), small_recipe(frozen=("backbone.smb1", "layer1")))
    assert str(caught.value) == (
        "recipe small freezes backbone.smb1, layer1 of the student, which small-mobile does not have; "
        "give another student, or another recipe"
    )


def test_teachers_of_other_classes() -> None:
    network = new_student(OTHER_MOBILE.name)
    network.set_classifier(unit_rows(4, 1, OTHER_MOBILE.text_width).float())
    with pytest.raises(InputError) as caught:
        losses_of(small_recipe(terms=Terms(object_masks=1.0)), images(), teacher=Teacher(network))
    assert str(caught.value) == (
        "student and teacher answer with (2, 6, 134) and (2, 6, 5) classes; query by query needs the same numbers"
    )
