"""Deformable convolution as gathers."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from rmpsam_mobile.contracts import Graph, Size
from rmpsam_mobile.export.rewrites.fold_batch_norm import fold_batch_norm
from rmpsam_mobile.export.rewrites.gather_deform import GatherDeformConv, gather_deform
from rmpsam_mobile.model.neck import DeformUpsample
from tests.export.parts import DTYPES, LIMITS, alive, cut, inner, largest_error, one_module, operators
from tests.model.deform_offsets import OFFSETS, convolution, inputs_of
from tests.models import random_tensor, small_model


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("kind", OFFSETS)
@given(
    widths=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    size=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    bias=st.booleans(),
)
@settings(max_examples=12, deadline=None)
def test_outputs_stay(
    kind: str, dtype: torch.dtype, widths: tuple[int, int], size: tuple[int, int], bias: bool
) -> None:
    conv = convolution(*widths, dtype, bias=bias)
    got = GatherDeformConv(conv, *size)
    given_ = inputs_of(kind, widths[0], size, dtype)
    # Grid sampling itself rounds positions to the size's precision: at thousands of pixels outside both give zeros.
    scale = max(float(conv(*given_).abs().max()), 1.0)
    assert float((got(*given_) - conv(*given_)).abs().max()) / scale <= LIMITS[dtype]


@pytest.mark.parametrize("value", [1e30, -1e30, 3e8])
def test_offsets_beyond_any_picture_read_zeros(value: float) -> None:
    conv = convolution(3, 2, torch.float32, bias=True)
    x, offsets, modulation = inputs_of("none", 3, (4, 5), torch.float32)
    got = GatherDeformConv(conv, 4, 5)(x, offsets + value, modulation)
    assert conv.bias is not None
    assert torch.equal(got, conv.bias.view(1, 2, 1, 1).expand(1, 2, 4, 5))


def test_each_deformable_convolution_is_replaced_for_its_own_size() -> None:
    parts = cut(small_model(), Size(64, 96))
    assert gather_deform(parts) == [f"encoder.neck.deconv.deform_conv{i}.dcn" for i in (1, 2, 3)]
    found = [m for m in parts.parts[Graph.ENCODER].module.modules() if isinstance(m, GatherDeformConv)]
    assert [(m.height, m.width) for m in found] == [(2, 3), (4, 6), (8, 12)]
    assert gather_deform(parts) == []


@pytest.mark.parametrize("fold", [True, False], ids=["after folding", "alone"])
def test_a_neck_step_stays_with_and_without_its_norm_folded(fold: bool) -> None:
    module = alive(DeformUpsample(6, 4))
    parts = one_module(copy.deepcopy(module), (1, 6, 5, 7))
    if fold:
        fold_batch_norm(parts)
    assert len(gather_deform(parts)) == 1
    assert largest_error(inner(parts), module, (3 * random_tensor(1, 6, 5, 7),)) <= LIMITS[torch.float64]


def test_no_sampling_operator_is_left() -> None:
    conv = convolution(3, 2, torch.float32, bias=True)
    given_ = inputs_of("trained-like", 3, (4, 5), torch.float32)
    assert "aten.grid_sampler.default" in operators(conv, given_)
    after = operators(GatherDeformConv(conv, 4, 5).eval(), given_)
    assert not any("grid" in name or "arange" in name or "einsum" in name for name in after)


def test_without_a_deformable_convolution_there_is_nothing_to_do() -> None:
    assert gather_deform(one_module(alive(nn.Conv2d(3, 3, 3)), (1, 3, 5, 5))) == []
