"""Deformable convolution with bounded offsets as batched matrix products."""

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from rmpsam_mobile.checkpoint import build_model, import_checkpoint
from rmpsam_mobile.contracts import Graph, Size
from rmpsam_mobile.export.capture import capture
from rmpsam_mobile.export.deform_forms import DeformChoice, DeformForm
from rmpsam_mobile.export.lower.xnnpack import lower_to_xnnpack
from rmpsam_mobile.export.rewrites.bounded_deform import BoundedDeformConv, bounded_deform
from rmpsam_mobile.export.rewrites.fold_batch_norm import fold_batch_norm
from rmpsam_mobile.export.rewrites.gather_deform import GatherDeformConv, gather_deform
from rmpsam_mobile.export.split import SplitModel
from rmpsam_mobile.model.graphs import build_graph
from rmpsam_mobile.model.neck import DeformUpsample
from rmpsam_mobile.runtime.pte import execute, load_method
from tests.export.parts import DTYPES, LIMITS, alive, cut, inner, largest_error, natural_inputs, one_module
from tests.model.deform_offsets import OFFSETS, convolution, inputs_of
from tests.models import preset_model, random_tensor, relative_error, small_model

PATHS = [f"encoder.neck.deconv.deform_conv{i}.dcn" for i in (1, 2, 3)]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("kind", OFFSETS)
@given(
    widths=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    size=st.tuples(st.integers(1, 11), st.integers(1, 11)),
    radius=st.integers(1, 4),
    bias=st.booleans(),
)
@settings(max_examples=12, deadline=None)
def test_outputs_are_those_of_clipped_offsets(
    kind: str, dtype: torch.dtype, widths: tuple[int, int], size: tuple[int, int], radius: int, bias: bool
) -> None:
    conv = convolution(*widths, dtype, bias=bias)
    x, offsets, modulation = inputs_of(kind, widths[0], size, dtype)
    wanted = conv(x, offsets.clamp(-radius, radius), modulation)
    got = BoundedDeformConv(conv, *size, radius)(x, offsets, modulation)
    assert float((got - wanted).abs().max()) / max(float(wanted.abs().max()), 1.0) <= LIMITS[dtype]


@pytest.mark.parametrize("radius", [1, 2])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_offsets_of_exactly_the_radius_are_not_clipped(radius: int, sign: float) -> None:
    conv = convolution(3, 2, torch.float64)
    x, offsets, modulation = inputs_of("none", 3, (5, 6), torch.float64)
    given_ = (x, offsets + sign * radius, modulation)
    assert relative_error(BoundedDeformConv(conv, 5, 6, radius)(*given_), conv(*given_)) <= LIMITS[torch.float64]


@pytest.mark.parametrize("value", [1e30, -1e30, 1e-30])
def test_extremes_stay_finite(value: float) -> None:
    conv = convolution(3, 2, torch.float32)
    x, offsets, modulation = inputs_of("none", 3, (4, 5), torch.float32)
    got = BoundedDeformConv(conv, 4, 5, 1)(x, offsets + value, modulation)
    wanted = conv(x, (offsets + value).clamp(-1, 1), modulation)
    assert relative_error(got, wanted) <= LIMITS[torch.float32]


@pytest.mark.parametrize("fold", [True, False], ids=["after folding", "alone"])
@pytest.mark.parametrize("limit", [0.5, 1.0])
def test_a_clamped_neck_step_keeps_its_function(fold: bool, limit: float) -> None:
    step = DeformUpsample(6, 4, offset_limit=limit)
    nn.init.normal_(step.dcn_offset.weight)  # a new clamped step has offsets of zero
    module = alive(step)
    parts = one_module(copy.deepcopy(module), (1, 6, 5, 7))
    if fold:
        fold_batch_norm(parts)
    assert bounded_deform(parts) == ["encoder.inner.dcn"]
    assert bounded_deform(parts) == []
    assert largest_error(inner(parts), module, (3 * random_tensor(1, 6, 5, 7),)) <= LIMITS[torch.float64]


def test_only_clamped_layers_are_bounded_by_themselves() -> None:
    parts = cut(small_model(), Size(64, 96))
    assert bounded_deform(parts) == []
    mobile = cut(preset_model("rmpsam-mobile-tiny"), Size(64, 96))
    assert bounded_deform(mobile) == PATHS
    assert gather_deform(mobile) == []


def test_a_choice_goes_before_what_the_model_promises() -> None:
    parts = cut(preset_model("rmpsam-mobile-tiny"), Size(64, 64))
    chosen = {PATHS[1]: DeformChoice(form=DeformForm.GATHER, because="")}
    parts = SplitModel(parts.preset, parts.sizes, parts.parts, chosen)
    assert bounded_deform(parts) == [PATHS[0], PATHS[2]]
    assert gather_deform(parts) == [PATHS[1]]
    neck = parts.parts[Graph.ENCODER].module.get_submodule("neck.deconv")
    assert isinstance(neck.get_submodule("deform_conv2.dcn"), GatherDeformConv)


@pytest.mark.parametrize("preset", ["mobile-tiny", "mobile-small", "mobile-base"])
def test_the_encoders_of_the_mobile_sizes_stay(preset: str) -> None:
    model = preset_model(f"rmpsam-{preset}")
    for step in model.modules():
        if isinstance(step, DeformUpsample):
            nn.init.normal_(step.dcn_offset.weight, std=0.1, generator=torch.Generator().manual_seed(0))
    part = bounded(cut(model, Size(64, 96)))
    untouched = build_graph(model, Graph.ENCODER)
    assert largest_error(part.parts[Graph.ENCODER].module, untouched, natural_inputs(part.parts[Graph.ENCODER])) <= 1e-9


@pytest.mark.parametrize("preset", ["r18", "r50", "seaformer-base"])
def test_official_necks_become_their_clipped_selves(preset: str) -> None:
    model = preset_model(f"rmpsam-{preset}")
    parts = cut(model, Size(64, 64))
    choice = DeformChoice(form=DeformForm.BOUNDED, because="", radius=1, exact=False)
    parts = bounded(SplitModel(parts.preset, parts.sizes, parts.parts, dict.fromkeys(PATHS, choice)))
    for step in model.modules():
        if isinstance(step, DeformUpsample):
            step.offset_limit = 1.0
    part = parts.parts[Graph.ENCODER]
    assert largest_error(part.module, build_graph(model, Graph.ENCODER), natural_inputs(part)) <= 1e-9


def bounded(parts: SplitModel) -> SplitModel:
    assert bounded_deform(parts) == PATHS
    return parts


def test_the_shipped_student_stays_on_a_picture_like_input() -> None:
    model = build_model(import_checkpoint("rmpsam-mobile-tiny")).double()
    parts = bounded(cut(model, Size(96, 96)))
    rows, columns = torch.meshgrid(torch.linspace(-2, 2, 96), torch.linspace(-2, 2, 96), indexing="ij")
    disc = (rows.square() + columns.square() < 1.5).double()
    pixels = torch.stack((disc + rows, disc - columns, 2 * disc))[None] + 0.1 * random_tensor(1, 3, 96, 96)
    encoder = parts.parts[Graph.ENCODER].module
    assert largest_error(encoder, build_graph(model, Graph.ENCODER), (pixels,)) <= LIMITS[torch.float64]


@pytest.mark.parametrize("size", [(8, 8), (6, 9)], ids=["whole tiles", "cut tiles"])
def test_a_lowered_layer_stays_in_the_delegate_and_answers_the_same(size: tuple[int, int], tmp_path: Path) -> None:
    module = alive(DeformUpsample(6, 4, offset_limit=1.0), torch.float32)
    assert isinstance(module, DeformUpsample)
    nn.init.normal_(module.dcn_offset.weight)
    shape = (1, 6, *size)
    x = random_tensor(*shape, dtype=torch.float32)
    wanted = module(x)
    parts = one_module(module, shape)
    fold_batch_norm(parts)
    assert isinstance(inner(parts), DeformUpsample)
    bounded_deform(parts)
    part = parts.parts[Graph.ENCODER]
    lowered = lower_to_xnnpack(capture(part), part.spec)
    assert lowered.delegation.leftovers == ()
    assert lowered.delegation.subgraphs == 1
    lowered.write(tmp_path / "layer.pte")
    (got,) = execute(load_method(tmp_path / "layer.pte"), [x.numpy()])
    assert np.abs(got - wanted.numpy()).max() <= 1e-5 * float(wanted.abs().max())


def test_without_a_deformable_convolution_there_is_nothing_to_do() -> None:
    assert bounded_deform(one_module(alive(nn.Conv2d(3, 3, 3)), (1, 3, 5, 5))) == []
