"""Transposed convolutions as four plain ones."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from rmpsam_mobile.contracts import Size
from rmpsam_mobile.export.rewrites.fold_batch_norm import fold_batch_norm
from rmpsam_mobile.export.rewrites.split_transposed_convs import LEAST_WIDTH, PhaseConvs, split_transposed_convs
from rmpsam_mobile.model.neck import DeformUpsample
from tests.export.parts import DTYPES, LIMITS, alive, cut, inner, largest_error, one_module, operators
from tests.models import preset_model, random_tensor, relative_error


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@given(
    widths=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    size=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    bias=st.booleans(),
    shift=st.sampled_from([0, 9]),
)
@settings(max_examples=20, deadline=None)
def test_outputs_stay(
    dtype: torch.dtype, widths: tuple[int, int], size: tuple[int, int], bias: bool, shift: int
) -> None:
    conv = alive(nn.ConvTranspose2d(*widths, 4, 2, 1, bias=bias), dtype)
    assert isinstance(conv, nn.ConvTranspose2d)
    x = random_tensor(1, widths[0], *size, dtype=dtype) + shift
    assert relative_error(PhaseConvs(conv)(x), conv(x)) <= LIMITS[dtype]


def test_each_product_lands_where_it_belongs() -> None:
    conv = alive(nn.ConvTranspose2d(1, 1, 4, 2, 1, bias=False))
    assert isinstance(conv, nn.ConvTranspose2d)
    x = torch.zeros(1, 1, 3, 3, dtype=torch.float64)
    x[0, 0, 1, 1] = 1
    assert torch.equal(PhaseConvs(conv)(x)[0, 0, 1:5, 1:5], conv.weight[0, 0])  # one cell paints the kernel
    assert torch.count_nonzero(PhaseConvs(conv)(x)) == 16


@pytest.mark.parametrize("fold", [True, False], ids=["after folding", "alone"])
def test_a_wide_neck_step_stays_with_and_without_its_norm_folded(fold: bool) -> None:
    module = alive(DeformUpsample(3, LEAST_WIDTH))
    parts = one_module(copy.deepcopy(module), (1, 3, 2, 3))
    if fold:
        fold_batch_norm(parts)
    assert split_transposed_convs(parts) == ["encoder.inner.up_sample"]
    assert split_transposed_convs(parts) == []
    x = random_tensor(1, 3, 2, 3)
    assert largest_error(inner(parts), module, (x,)) <= LIMITS[torch.float64]
    assert not any("transpose2d" in name for name in operators(inner(parts), (x,)))


OTHERS = {
    "narrow": nn.ConvTranspose2d(3, LEAST_WIDTH - 1, 4, 2, 1),
    "kernel": nn.ConvTranspose2d(3, LEAST_WIDTH, 2, 2),
    "stride": nn.ConvTranspose2d(3, LEAST_WIDTH, 4, 1, 1),
    "padding": nn.ConvTranspose2d(3, LEAST_WIDTH, 4, 2, 0),
    "output padding": nn.ConvTranspose2d(3, LEAST_WIDTH, 4, 2, 1, output_padding=1),
    "groups": nn.ConvTranspose2d(LEAST_WIDTH, LEAST_WIDTH, 4, 2, 1, groups=2),
    "dilation": nn.ConvTranspose2d(3, LEAST_WIDTH, 4, 2, 1, dilation=2),
    "plain": nn.Conv2d(3, LEAST_WIDTH, 4, 2, 1),
}


@pytest.mark.parametrize("conv", OTHERS.values(), ids=OTHERS.keys())
def test_other_convolutions_are_left_alone(conv: nn.Conv2d | nn.ConvTranspose2d) -> None:
    assert split_transposed_convs(one_module(alive(conv), (1, conv.in_channels, 4, 4))) == []


def test_models_by_their_widths() -> None:
    steps = [f"encoder.neck.deconv.deform_conv{i}.up_sample" for i in (1, 2, 3)]
    assert split_transposed_convs(cut(preset_model("rmpsam-r50"), Size(32, 32))) == steps
    assert split_transposed_convs(cut(preset_model("rmpsam-r18"), Size(32, 32))) == steps[:1]
    assert split_transposed_convs(cut(preset_model("rmpsam-mobile-base"), Size(32, 32))) == []
