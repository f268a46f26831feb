"""Batch norms folded into convolutions."""

import copy
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from rmpsam_mobile.contracts import Graph, Size
from rmpsam_mobile.export.rewrites.fold_batch_norm import fold_batch_norm
from rmpsam_mobile.model.encoders.seaformer import ConvNorm
from rmpsam_mobile.model.neck import DeformUpsample
from tests.export.parts import DTYPES, LIMITS, alive, changes, cut, inner, largest_error, natural_inputs, one_module
from tests.models import preset_model, random_tensor, small_model

PAIRS: dict[str, Callable[[int, int], nn.Module]] = {
    "plain": lambda a, b: nn.Sequential(nn.Conv2d(a, b, 3, 1, 1, bias=False), nn.BatchNorm2d(b)),
    "with bias": lambda a, b: nn.Sequential(nn.Conv2d(a, b, 1), nn.BatchNorm2d(b)),
    "depthwise": lambda a, _: nn.Sequential(nn.Conv2d(a, a, 5, 2, 2, groups=a, bias=False), nn.BatchNorm2d(a)),
    "grouped": lambda a, b: nn.Sequential(nn.Conv2d(2 * a, 2 * b, 3, groups=2, padding=1), nn.BatchNorm2d(2 * b)),
    "transposed": lambda a, b: nn.Sequential(nn.ConvTranspose2d(a, b, 4, 2, 1, bias=False), nn.BatchNorm2d(b)),
    "named c and bn": lambda a, b: ConvNorm(a, b, 3),
    "deformable and transposed": DeformUpsample,
}


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("kind", PAIRS)
@given(widths=st.tuples(st.integers(1, 5), st.integers(1, 5)), size=st.tuples(st.integers(1, 7), st.integers(1, 7)))
@settings(max_examples=6, deadline=None)
def test_outputs_stay(kind: str, dtype: torch.dtype, widths: tuple[int, int], size: tuple[int, int]) -> None:
    module = alive(PAIRS[kind](*widths), dtype)
    in_width = 2 * widths[0] if kind == "grouped" else widths[0]
    shape = (1, in_width, *size)
    parts = one_module(copy.deepcopy(module), shape)
    assert changes(fold_batch_norm, parts) == (2 if kind.startswith("deformable") else 1)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in inner(parts).modules())
    x = random_tensor(*shape, seed=4, dtype=dtype)
    assert largest_error(inner(parts), module, (x,)) <= LIMITS[dtype]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_awkward_norms_fold_too(dtype: torch.dtype) -> None:
    module = alive(nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4)), dtype)
    norm = module.get_submodule("1")
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.running_var is not None
    norm.running_var.copy_(torch.tensor([0.0, 1e-12, 1.0, 1e6]))
    norm.weight.copy_(torch.tensor([1.0, -0.5, 0.0, -3.0]))
    parts = one_module(copy.deepcopy(module), (1, 3, 6, 6))
    fold_batch_norm(parts)
    assert largest_error(inner(parts), module, (random_tensor(1, 3, 6, 6, dtype=dtype),)) <= LIMITS[dtype]


@pytest.mark.parametrize(
    "module",
    [
        nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 4, 1)),
        nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(), nn.BatchNorm2d(4)),
        nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU()),
        nn.Sequential(nn.Conv2d(3, 4, 1), nn.LayerNorm(6)),
    ],
    ids=["norm first", "activation between", "no norm", "layer norm"],
)
def test_what_is_no_norm_after_a_convolution_is_left_alone(module: nn.Module) -> None:
    module = alive(module)
    parts = one_module(copy.deepcopy(module), (1, 3, 6, 6))
    assert fold_batch_norm(parts) == []
    assert largest_error(inner(parts), module, (random_tensor(1, 3, 6, 6),)) == 0


def test_decoders_have_none_and_a_second_time_there_is_nothing_left() -> None:
    parts = cut(small_model(), Size(32, 32))
    changed = fold_batch_norm(parts)
    assert changed
    assert all(path.startswith(f"{Graph.ENCODER}.") for path in changed)
    assert fold_batch_norm(parts) == []


@pytest.mark.parametrize(("preset", "norms"), [("rmpsam-r18", 26), ("rmpsam-seaformer-tiny", 73)])
def test_every_norm_of_an_encoder_is_folded(preset: str, norms: int) -> None:
    model = preset_model(preset)
    part = cut(model, Size(64, 64)).parts[Graph.ENCODER]
    untouched = copy.deepcopy(part.module)
    assert sum(isinstance(m, nn.BatchNorm2d) for m in untouched.modules()) == norms
    parts = cut(model, Size(64, 64))
    assert changes(fold_batch_norm, parts) == norms
    folded = parts.parts[Graph.ENCODER].module
    assert largest_error(folded, untouched, natural_inputs(part)) <= LIMITS[torch.float64]
