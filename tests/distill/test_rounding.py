"""Training with rounding: what layers read, what stays, and that gradients pass."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from rmpsam_mobile.distill.recipe import same_recipe
from rmpsam_mobile.distill.rounding import Rounding, rounded_values, rounded_weight
from tests.distill.small_runs import (
    one_thread,
    painted_data,
    small_data,
    small_presets,
    small_recipe,
    small_student,
)

__all__ = ["one_thread", "painted_data", "small_presets"]


def test_values_are_rounded_to_256_steps_and_zero_stays() -> None:
    x = torch.linspace(-1, 3, 5001)
    found = rounded_values(x)
    assert len(found.unique()) == 256
    assert float((found - x).abs().max()) <= 4 / 255 / 2 + 1e-6
    assert rounded_values(torch.tensor([0.0, 5.0]))[0] == 0
    assert rounded_values(torch.tensor([3.0, 5.0])).tolist() == pytest.approx([3.0, 5.0], abs=0.011)


@pytest.mark.parametrize("axis", [0, 1])
def test_weights_have_a_scale_for_each_output_channel(axis: int) -> None:
    weight = torch.randn(4, 6, 3, 3, generator=torch.Generator().manual_seed(0))
    weight.select(axis, 1).mul_(100)
    found = rounded_weight(weight, axis)
    for channel in range(weight.shape[axis]):
        own, got = weight.select(axis, channel), found.select(axis, channel)
        assert float((own - got).abs().max()) <= float(own.abs().max()) / 127 / 2 + 1e-6


def test_a_norm_behind_a_convolution_need_not_be_folded() -> None:
    weight = torch.randn(8, 4, 3, 3, generator=torch.Generator().manual_seed(0))
    scale = torch.rand(8, generator=torch.Generator().manual_seed(1)).add(0.5)[:, None, None, None]
    torch.testing.assert_close(rounded_weight(scale * weight, 0), scale * rounded_weight(weight, 0))


@pytest.mark.parametrize("layer", [nn.Conv2d(3, 5, 3), nn.ConvTranspose2d(3, 5, 2), nn.Linear(7, 5)])
def test_layers_read_rounded_values_and_learn(layer: nn.Conv2d | nn.ConvTranspose2d | nn.Linear) -> None:
    x = torch.randn(2, 3, 7, 7, generator=torch.Generator().manual_seed(0))
    plain = layer(x)
    with Rounding():
        found = layer(x)
        assert torch.equal(torch.sin(x), x.sin())
    assert not torch.equal(found, plain)
    assert float((found - plain).detach().abs().max()) < 0.05 * float(plain.detach().abs().max())
    found.square().sum().backward()
    assert isinstance(layer.weight.grad, torch.Tensor)
    assert float(layer.weight.grad.abs().sum()) > 0
    assert torch.equal(layer(x), plain)  # nothing was changed


def test_products_of_two_activations_are_left() -> None:
    a = torch.randn(1, 4, 4, generator=torch.Generator().manual_seed(0))
    with Rounding():
        assert torch.equal(torch.bmm(a, a), a @ a)
        assert torch.equal(F.relu(a), a.relu())


@pytest.mark.usefixtures("small_presets", "one_thread")
def test_a_run_with_rounding_keeps_float_weights_and_says_so(tmp_path: Path, painted_data: Path) -> None:
    from rmpsam_mobile.distill.engine import STUDENT, Run

    plain = replace(small_recipe(), steps=2, validate_every=2, save_every=2)
    weights = {}
    for recipe in (plain, replace(plain, rounding=True)):
        folder = tmp_path / f"run-{recipe.rounding}"
        data = small_data(painted_data, recipe)
        run = Run(folder, recipe, small_student(), data.stream, data.held)
        run.train()
        weights[recipe.rounding] = run.averaged_student().state_dict()
        assert (folder / STUDENT).exists()
    assert weights[True].keys() == weights[False].keys()
    assert any(not torch.equal(weights[True][name], weights[False][name]) for name in weights[True])
    stored = (tmp_path / "run-True" / "recipe.json").read_text()
    assert not same_recipe(stored, plain)
