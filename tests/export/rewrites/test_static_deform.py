"""Deformable convolution with frozen offsets as a plain one."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from rmpsam_mobile.contracts import Graph, Size
from rmpsam_mobile.export.deform_forms import DeformChoice, DeformForm
from rmpsam_mobile.export.rewrites.static_deform import StaticDeformConv, static_deform
from rmpsam_mobile.export.split import SplitModel
from rmpsam_mobile.model.deform import NUM_TAPS, DeformConv
from tests.export.parts import DTYPES, LIMITS, alive, cut, one_module
from tests.models import random_tensor, relative_error, small_model


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@given(
    size=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    scale=st.sampled_from([0.0, 0.4, 1.0, 2.5]),
    seed=st.integers(0, 99),
    bias=st.booleans(),
)
@settings(max_examples=20, deadline=None)
def test_it_is_exact_where_offsets_and_modulation_never_change(
    dtype: torch.dtype, size: tuple[int, int], scale: float, seed: int, bias: bool
) -> None:
    conv = DeformConv(3, 4)
    if bias:
        conv.bias = nn.Parameter(random_tensor(4))
    conv = conv.to(dtype).requires_grad_(requires_grad=False)
    offsets, modulation = scale * random_tensor(2 * NUM_TAPS, seed=seed), random_tensor(NUM_TAPS, seed=seed).sigmoid()
    x = random_tensor(1, 3, *size, seed=seed, dtype=dtype)
    spread = offsets.to(dtype).view(1, -1, 1, 1).expand(1, -1, *size)
    shares = modulation.to(dtype).view(1, -1, 1, 1).expand(1, -1, *size)
    got = StaticDeformConv(conv, offsets.tolist(), modulation.tolist())(x, spread, shares)
    assert relative_error(got, conv(x, spread, shares)) <= LIMITS[dtype]


def test_no_offset_gives_a_kernel_of_three_and_a_fraction_one_of_five() -> None:
    conv = DeformConv(2, 2).requires_grad_(requires_grad=False)
    assert StaticDeformConv(conv, [0.0] * 18, [1.0] * 9).conv.kernel_size == (3, 3)
    assert torch.equal(StaticDeformConv(conv, [0.0] * 18, [1.0] * 9).conv.weight, conv.weight)
    assert StaticDeformConv(conv, [*[0.0] * 17, -0.1], [1.0] * 9).conv.kernel_size == (5, 5)


def test_it_is_taken_only_where_asked_for_and_once() -> None:
    parts = cut(small_model(), Size(32, 32))
    assert static_deform(parts) == []
    choice = DeformChoice(
        form=DeformForm.STATIC, because="", exact=False, mean_offsets=(0.5,) * 18, mean_modulation=(0.5,) * 9
    )
    path = "encoder.neck.deconv.deform_conv2.dcn"
    parts = SplitModel(parts.preset, parts.sizes, parts.parts, {path: choice})
    assert static_deform(parts) == [path]
    step = parts.parts[Graph.ENCODER].module.get_submodule("neck.deconv.deform_conv2")
    assert isinstance(step.get_submodule("dcn"), StaticDeformConv)
    assert static_deform(parts) == []


def test_without_a_deformable_convolution_there_is_nothing_to_do() -> None:
    assert static_deform(one_module(alive(nn.Conv2d(3, 3, 3)), (1, 3, 5, 5))) == []
