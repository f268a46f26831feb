"""Self-attention among prompts as a linear map."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rmpsam_mobile.contracts import Graph, Size
from rmpsam_mobile.export.rewrites.bake_constants import bake_constants
from rmpsam_mobile.export.rewrites.collapse_prompt_attention import SelfOnlyAttention, collapse_prompt_attention
from rmpsam_mobile.model.attention import MultiHeadAttention
from rmpsam_mobile.model.graphs import build_graph
from tests.export.parts import DTYPES, LIMITS, cut, largest_error, natural_inputs, operators
from tests.models import random_tensor, relative_error, small_model


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@given(heads=st.integers(1, 4), head_width=st.integers(1, 8), num=st.integers(1, 9), size=st.sampled_from([1.0, 1e4]))
@settings(max_examples=15, deadline=None)
@torch.no_grad()
def test_outputs_stay(dtype: torch.dtype, heads: int, head_width: int, num: int, size: float) -> None:
    width = heads * head_width
    attention = MultiHeadAttention(width, heads)
    attention.in_proj_bias.copy_(random_tensor(3 * width))
    attention = attention.to(dtype)
    x = size * random_tensor(1, num, width, seed=1, dtype=dtype)
    wanted = attention(x, x, x, ~torch.eye(num, dtype=torch.bool))
    assert relative_error(SelfOnlyAttention(attention)(x, x, x), wanted) <= LIMITS[dtype]


def test_only_the_prompt_graph_changes() -> None:
    parts = cut(small_model(), Size(64, 96), clip_frames=2)
    assert collapse_prompt_attention(parts) == [f"prompts.panoptic_head.mask_heads.{i}.s_atten" for i in (0, 1)]
    for graph, part in parts.parts.items():
        has = any(isinstance(module, SelfOnlyAttention) for module in part.module.modules())
        assert has is (graph is Graph.PROMPTS)
    part = parts.parts[Graph.PROMPTS]
    untouched = build_graph(small_model(), Graph.PROMPTS)
    assert largest_error(part.module, untouched, natural_inputs(part)) <= LIMITS[torch.float64]


def test_one_softmax_is_left_that_of_the_adapter() -> None:
    parts = cut(small_model(), Size(32, 32))
    collapse_prompt_attention(parts)
    part = parts.parts[Graph.PROMPTS]
    program = torch.export.export(part.module, part.example_inputs(), strict=False)
    targets = [str(node.target) for node in program.graph.nodes]
    assert sum("softmax" in target for target in targets) == 1
    assert "aten.masked_fill.Scalar" not in operators(part.module, part.example_inputs())


def test_a_second_time_and_after_baking_there_is_nothing_to_do() -> None:
    parts = cut(small_model(), Size(32, 32))
    collapse_prompt_attention(parts)
    assert collapse_prompt_attention(parts) == []
    baked = cut(small_model(), Size(32, 32))
    bake_constants(baked)
    assert collapse_prompt_attention(baked) == []
