"""The state of a run: everything back bit by bit, nothing else taken for one, nothing lost on a full disk."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from rmpsam_mobile.distill.objective import Objective
from rmpsam_mobile.distill.optimisation import averaged, build_optimizer
from rmpsam_mobile.distill.recipe import Terms
from rmpsam_mobile.distill.run_state import Progress, load_classes, load_state, save_state
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.model.rmpsam import RmpSam
from rmpsam_mobile.model.vocabulary import COCO_PANOPTIC
from tests.bundles import names_below, small_disk
from tests.distill.small_runs import (
    batch_of,
    disc_sample,
    named_student,
    small_presets,
    small_recipe,
    small_student,
    small_teacher,
)

__all__ = ["small_disk", "small_presets"]
pytestmark = pytest.mark.usefixtures("small_presets")
RECIPE = small_recipe(terms=Terms(features=1.0), frozen=("backbone.smb1",))
PROGRESS = Progress(step=7, best=1 / 3, best_step=4, seconds=12.25)
Parts = tuple[Objective, AveragedModel, torch.optim.AdamW]


def parts(updates: int = 0, student: RmpSam | None = None) -> Parts:
    """A freshly built run, and some updates of it."""
    student = student or small_student()
    objective = Objective(student, RECIPE, small_teacher()).train()
    objective.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average, optimizer = averaged(student, 0.9), build_optimizer(objective, RECIPE)
    for step in range(updates):
        losses = objective(batch_of([disc_sample(2, seed=step), disc_sample(1, seed=9)], step=step))
        torch.stack(list(losses.values())).sum().backward()
        optimizer.step()
        optimizer.zero_grad()
        average.update_parameters(student)
    return objective, average, optimizer


def moments(optimizer: torch.optim.AdamW) -> dict[str, Tensor]:
    state = optimizer.state_dict()["state"]
    return {f"{index}.{name}": value for index, values in state.items() for name, value in values.items()}


def equal(found: dict[str, Tensor], wanted: dict[str, Tensor]) -> bool:
    return found.keys() == wanted.keys() and all(torch.equal(found[name], wanted[name]) for name in wanted)


def test_everything_comes_back_bit_by_bit(tmp_path: Path) -> None:
    objective, average, optimizer = parts(updates=3)
    save_state(tmp_path / "last", objective, average, optimizer, PROGRESS)
    again, again_average, again_optimizer = parts()
    assert not equal(dict(again.state_dict()), dict(objective.state_dict()))
    assert load_state(tmp_path / "last", again, again_average, again_optimizer) == PROGRESS
    assert equal(dict(again.state_dict()), dict(objective.state_dict()))
    assert equal(dict(again_average.state_dict()), dict(average.state_dict()))
    assert int(again_average.state_dict()["n_averaged"]) == 3
    assert len(moments(optimizer)) > 300
    assert equal(moments(again_optimizer), moments(optimizer))
    rates = [[group["lr"], group["weight_decay"], group["rate"]] for group in optimizer.param_groups]
    assert [[group["lr"], group["weight_decay"], group["rate"]] for group in again_optimizer.param_groups] == rates


def test_classes_come_back(tmp_path: Path) -> None:
    """To a new student, whose own they replace, and to the average that is kept."""
    named = named_student(("book", "sky"), synonyms=3, seed=4)
    save_state(tmp_path / "last", *parts(student=named), PROGRESS)
    objective, average, optimizer = parts()
    assert load_state(tmp_path / "last", objective, average, optimizer) == PROGRESS
    student = small_student()
    load_classes(tmp_path / "last", student)
    for model in (objective.student, average.module, student):
        assert isinstance(model, RmpSam)
        assert model.classifier is not None
        assert named.classifier is not None
        assert torch.equal(model.classifier.text_embeddings, named.classifier.text_embeddings)
        assert model.vocabulary == named.vocabulary


def test_a_state_of_an_earlier_version_has_no_classes(tmp_path: Path) -> None:
    path = tmp_path / "last"
    save_state(path, *parts(), PROGRESS)
    tensors = {name: value for name, value in load_file(path).items() if not name.startswith("classifier")}
    safetensors.torch.save_file(tensors, path, {"rmpsam_run": json.dumps(vars(PROGRESS))})
    again = parts()
    assert load_state(path, *again) == PROGRESS
    assert again[0].student.vocabulary == COCO_PANOPTIC


def test_a_state_before_the_first_update(tmp_path: Path) -> None:
    save_state(tmp_path / "last", *parts(), Progress())
    again = parts()
    assert load_state(tmp_path / "last", *again) == Progress()
    assert not moments(again[2])


def test_saving_changes_nothing(tmp_path: Path) -> None:
    objective, average, optimizer = parts(updates=1)
    strides = {name: value.stride() for name, value in objective.state_dict().items()}
    save_state(tmp_path / "last", objective, average, optimizer, PROGRESS)
    assert strides == {name: value.stride() for name, value in objective.state_dict().items()}
    assert names_below(tmp_path) == ["last"]


def test_files_of_something_else_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "last.safetensors"
    safetensors.torch.save_file({"a": torch.zeros(1)}, path)
    with pytest.raises(InputError) as caught:
        load_state(path, *parts())
    assert str(caught.value) == f"{path}: is no state of a training run; remove it to start anew"
    path.write_bytes(b"half a file")
    with pytest.raises(InputError) as caught:
        load_state(path, *parts())
    assert str(caught.value).startswith(f"{path}: is no whole safetensors file (")


def test_a_state_of_another_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "last.safetensors"
    save_state(path, *parts(updates=1), PROGRESS)
    student = small_student()
    plain = Objective(student, small_recipe())  # no adapters
    with pytest.raises(InputError) as caught:
        load_state(path, plain, averaged(student, 0.9), build_optimizer(plain, RECIPE))
    assert str(caught.value).startswith(
        f"{path}: belongs to another model (Error(s) in loading state_dict for Objective"
    )
    assert str(caught.value).endswith("); give another output folder")
    assert "\n" not in str(caught.value)


def test_a_full_disk_keeps_the_state_before(small_disk: Callable[[int], Path]) -> None:
    disk = small_disk(1200)
    objective, average, optimizer = parts()
    save_state(disk / "last", objective, average, optimizer, PROGRESS)
    first = (disk / "last").read_bytes()
    assert 300_000 < len(first) < 600_000
    trained = parts(updates=1)  # and its moments: twice as much again
    with pytest.raises(InputError) as caught:
        save_state(disk / "last", *trained, Progress(step=8))
    assert str(caught.value).startswith(f"{disk / 'last'}: the disk is full, ")
    assert str(caught.value).endswith(" bytes free; free some space")
    assert names_below(disk) == ["last"]
    assert (disk / "last").read_bytes() == first
    assert load_state(disk / "last", *parts()) == PROGRESS
