"""Learning rates and averages against numbers worked out by hand; which weights are decayed, and how fast they go."""

import math

import pytest
import torch
from torch import nn

from rmpsam_mobile.distill.objective import Objective
from rmpsam_mobile.distill.optimisation import averaged, build_optimizer, rate, set_rate
from rmpsam_mobile.distill.recipe import Schedule, Terms
from tests.distill.small_runs import small_presets, small_recipe, small_student, small_teacher

__all__ = ["small_presets"]
pytestmark = pytest.mark.usefixtures("small_presets")
TERMS = Terms(features=1.0, mask_features=1.0)


@pytest.mark.parametrize(
    ("step", "wanted"),
    [
        (0, 0.2 * 1 / 10),
        (4, 0.2 * 5 / 10 * (0.01 + 0.99 * (1 + math.cos(math.pi * 0.04)) / 2)),
        (9, 0.2 * (0.01 + 0.99 * (1 + math.cos(math.pi * 0.09)) / 2)),
        (50, 0.2 * (0.01 + 0.99 / 2)),
        (100, 0.2 * 0.01),
    ],
)
def test_cosine(step: int, wanted: float) -> None:
    recipe = small_recipe(steps=100, warmup=10, learning_rate=0.2)
    assert rate(recipe, step) == pytest.approx(wanted)


@pytest.mark.parametrize(("step", "wanted"), [(0, 0.1), (2, 0.2), (59, 0.2), (60, 0.02), (79, 0.02), (80, 0.002)])
def test_steps(step: int, wanted: float) -> None:
    recipe = small_recipe(steps=90, warmup=2, learning_rate=0.2, schedule=Schedule.STEP)
    assert rate(recipe, step) == pytest.approx(wanted)


def test_without_a_rise_the_first_update_is_a_whole_one() -> None:
    assert rate(small_recipe(warmup=0, learning_rate=0.2), 0) == pytest.approx(0.2)


@pytest.fixture
def objective() -> Objective:
    frozen = ("backbone.smb1",)
    recipe = small_recipe(encoder_rate=0.25, weight_decay=0.5, frozen=frozen, terms=TERMS, learning_rate=0.2)
    return Objective(small_student(), recipe, small_teacher())


def test_every_trained_weight_is_in_one_group(objective: Objective) -> None:
    groups = build_optimizer(objective, objective.recipe).param_groups
    names = {id(parameter): name for name, parameter in objective.named_parameters()}
    listed = [names[id(parameter)] for group in groups for parameter in group["params"]]
    trained = [name for name, parameter in objective.named_parameters() if parameter.requires_grad]
    assert sorted(listed) == sorted(trained)
    assert not [name for name in listed if ".smb1." in name]
    assert any(name.startswith("features.adapters") for name in listed)
    assert any(name.startswith("mask_features.adapters") for name in listed)


def test_matrices_and_kernels_are_decayed_and_nothing_else(objective: Objective) -> None:
    names = {id(parameter): name for name, parameter in objective.named_parameters()}
    shapes = {name: parameter.ndim for name, parameter in objective.named_parameters()}
    owners = {f"{name}.weight": type(module) for name, module in objective.named_modules()}
    decay = {
        names[id(parameter)]: group["weight_decay"]
        for group in build_optimizer(objective, objective.recipe).param_groups
        for parameter in group["params"]
    }
    for name, value in decay.items():
        spared = shapes[name] < 2 or owners.get(name) is nn.Embedding or name.endswith(("bias", "pos_embed"))
        assert value == (0 if spared else 0.5), name
    head = "student.panoptic_head."
    for name in ("kernels.weight", "prompt_path.mask_token.weight", "prompt_path.kind.weight"):
        assert decay[head + name] == 0
    assert decay[f"{head}prompt_path.refiner.fine_kernels.weight"] == 0.5
    assert [value for name, value in decay.items() if name.endswith("pos_embed")] == [0] * 4
    assert decay["student.neck.deconv.bias"] == 0


def test_the_encoder_goes_slower(objective: Objective) -> None:
    recipe = objective.recipe
    optimizer = build_optimizer(objective, recipe)
    names = {id(parameter): name for name, parameter in objective.named_parameters()}
    for step in (0, 3, 11):
        set_rate(optimizer, recipe, step)
        for group in optimizer.param_groups:
            in_encoder = {names[id(parameter)].startswith("student.backbone.") for parameter in group["params"]}
            assert len(in_encoder) == 1
            assert group["lr"] == pytest.approx(rate(recipe, step) * (0.25 if in_encoder.pop() else 1))


def test_averages_by_hand() -> None:
    """Copy at first; then min(decay, (1 + n) / (10 + n)) of the old one for the n-th after."""
    model = nn.BatchNorm1d(1)
    average = averaged(model, 0.3)
    kept_norm = average.module
    assert isinstance(kept_norm, nn.BatchNorm1d)
    assert kept_norm.running_mean is not None
    wanted_weight = wanted_mean = 0.0
    for number in range(6):
        new = float(number * number)
        nn.init.constant_(model.weight, new)
        assert model.running_mean is not None
        assert model.num_batches_tracked is not None
        model.running_mean.fill_(-new)
        model.num_batches_tracked.fill_(number)
        average.update_parameters(model)
        kept = 0.0 if number == 0 else min(0.3, (1 + number) / (10 + number))
        wanted_weight = kept * wanted_weight + (1 - kept) * new
        wanted_mean = kept * wanted_mean - (1 - kept) * new
        assert kept_norm.weight.tolist() == pytest.approx([wanted_weight])
        assert kept_norm.running_mean.tolist() == pytest.approx([wanted_mean])
        assert kept_norm.num_batches_tracked is not None
        assert int(kept_norm.num_batches_tracked) == number  # a counter is no average
    assert int(average.n_averaged) == 6


def test_an_average_is_a_copy() -> None:
    model = nn.Linear(2, 1)
    average = averaged(model, 0.9)
    copy = average.module
    assert isinstance(copy, nn.Linear)
    before = copy.weight.clone()
    with torch.no_grad():
        model.weight.add_(1)
    assert torch.equal(copy.weight, before)
