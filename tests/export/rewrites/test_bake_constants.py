"""What depends on the export size alone becomes a constant."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rmpsam_mobile.contracts import Graph, Size
from rmpsam_mobile.export.rewrites.bake_constants import BakedProjections, bake_constants
from rmpsam_mobile.model.attention import MultiHeadAttention
from rmpsam_mobile.model.encoders.seaformer import AxisPosition
from rmpsam_mobile.model.graphs import build_graph
from rmpsam_mobile.model.prompt import SineCode
from tests.export.parts import DTYPES, LIMITS, alive, cut, inner, largest_error, natural_inputs, one_module
from tests.models import preset_model, random_tensor, relative_error, small_model


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@given(width=st.integers(1, 5), length=st.integers(1, 70))
@settings(max_examples=15, deadline=None)
def test_positions_stay(dtype: torch.dtype, width: int, length: int) -> None:
    module = alive(AxisPosition(width), dtype)
    parts = one_module(copy.deepcopy(module), (1, width, length))
    assert bake_constants(parts) == ["encoder.inner"]
    x = random_tensor(1, width, length, dtype=dtype)
    assert largest_error(inner(parts), module, (x,)) <= LIMITS[dtype]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@given(heads=st.integers(1, 4), head_width=st.integers(1, 6), lengths=st.tuples(st.integers(1, 6), st.integers(1, 9)))
@settings(max_examples=15, deadline=None)
def test_attention_with_three_weights_stays(
    dtype: torch.dtype, heads: int, head_width: int, lengths: tuple[int, int]
) -> None:
    width = heads * head_width
    attention = MultiHeadAttention(width, heads)
    attention.in_proj_bias.data.copy_(random_tensor(3 * width))
    module = alive(attention, dtype)
    assert isinstance(module, MultiHeadAttention)
    baked = BakedProjections(copy.deepcopy(module))
    query = random_tensor(1, lengths[0], width, dtype=dtype)
    key, value = (random_tensor(1, lengths[1], width, seed=seed, dtype=dtype) for seed in (1, 2))
    assert relative_error(baked(query, key, value), module(query, key, value)) <= LIMITS[dtype]
    mask = torch.ones(lengths, dtype=torch.bool).triu(1)
    assert relative_error(baked(query, key, value, mask), module(query, key, value, mask)) <= LIMITS[dtype]


@pytest.mark.parametrize("graph", list(Graph))
def test_every_graph_stays(graph: Graph) -> None:
    parts = cut(small_model(), Size(64, 96), clip_frames=2)
    bake_constants(parts)
    part = parts.parts[graph]
    untouched = build_graph(small_model(), graph, 2)
    assert largest_error(part.module, untouched, natural_inputs(part)) <= LIMITS[torch.float64]


def test_what_changes_is_named() -> None:
    assert bake_constants(cut(small_model(), Size(64, 96))) == [
        "encoder.neck.coordinates",
        "prompts.panoptic_head.sine_code",
        "objects.panoptic_head.mask_heads.0.s_atten",
        "objects.panoptic_head.mask_heads.1.s_atten",
        "prompts.panoptic_head.mask_heads.0.s_atten",
        "prompts.panoptic_head.mask_heads.1.s_atten",
        "prompts.panoptic_head.prompt_attn.attn",
    ]


def test_the_positions_of_a_seaformer_are_baked() -> None:
    model = preset_model("rmpsam-seaformer-tiny")
    parts = cut(model, Size(64, 96))
    changed = [path for path in bake_constants(parts) if "pos_emb" in path]
    assert len(changed) == 4 * 4  # four tables a block, two stages of two blocks
    part = parts.parts[Graph.ENCODER]
    assert largest_error(part.module, build_graph(model, Graph.ENCODER), natural_inputs(part)) <= LIMITS[torch.float64]


def test_constants_have_the_precision_of_the_model() -> None:
    parts = cut(copy.deepcopy(small_model()).float(), Size(32, 64))
    bake_constants(parts)
    buffers = [b for part in parts.parts.values() for b in part.module.buffers() if b.is_floating_point()]
    assert {buffer.dtype for buffer in buffers} == {torch.float32}


def test_a_second_time_there_is_nothing_to_do() -> None:
    parts = cut(small_model(), Size(32, 32))
    assert bake_constants(parts)
    assert bake_constants(parts) == []


def test_a_part_without_such_modules_is_left_alone() -> None:
    assert bake_constants(one_module(alive(torch.nn.Linear(3, 3)), (1, 3))) == []


def test_wavelengths_are_stored() -> None:
    parts = cut(small_model(), Size(32, 32))
    bake_constants(parts)
    code = parts.parts[Graph.PROMPTS].module.get_submodule("panoptic_head.sine_code")
    assert isinstance(code, SineCode)
    boxes = random_tensor(1, 3, 4).sigmoid()
    assert torch.equal(code(boxes), small_model().panoptic_head.sine_code(boxes))
    assert "table" in dict(code.named_buffers())
