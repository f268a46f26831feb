"""Cross-attention with absorbed projections."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rmpsam_mobile.contracts import Graph, Size
from rmpsam_mobile.export.rewrites.absorb_prompt_attention import (
    MOST_SLOTS,
    AbsorbedAttention,
    absorb_prompt_attention,
)
from rmpsam_mobile.export.rewrites.bake_constants import BakedProjections, bake_constants
from rmpsam_mobile.export.rewrites.fold_loc_conv import fold_loc_conv
from rmpsam_mobile.model.attention import MultiHeadAttention
from tests.export.parts import DTYPES, LIMITS, cut, graph_error
from tests.models import preset_model, random_tensor, relative_error, small_model


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@given(
    heads=st.integers(1, 4),
    head_width=st.integers(1, 6),
    num=st.integers(1, 5),
    grid=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    size=st.sampled_from([0.1, 1.0, 30.0]),
)
@settings(max_examples=20, deadline=None)
@torch.no_grad()
def test_answers_stay(
    dtype: torch.dtype, heads: int, head_width: int, num: int, grid: tuple[int, int], size: float
) -> None:
    width = heads * head_width
    attention = MultiHeadAttention(width, heads)
    attention.in_proj_bias.copy_(random_tensor(3 * width, seed=4))  # the key bias must drop out
    attention = attention.to(dtype)
    k, features = random_tensor(1, num, width, dtype=dtype), size * random_tensor(1, width, *grid, seed=1, dtype=dtype)
    cells = features.flatten(2).transpose(1, 2)
    got = AbsorbedAttention(BakedProjections(attention))(k, features)
    # a softmax over large scores moves by their own rounding
    assert relative_error(got, attention(k, cells, cells)) <= LIMITS[dtype] * max(1.0, size**2)


@pytest.mark.parametrize("fold", [True, False], ids=["on z", "on F"])
def test_the_prompt_graph_stays(fold: bool) -> None:
    model = small_model()
    parts = cut(model, Size(64, 96))
    if fold:
        fold_loc_conv(parts)
    bake_constants(parts)
    assert absorb_prompt_attention(parts) == ["prompts.panoptic_head.prompt_attn"]
    assert graph_error(parts, model, Graph.PROMPTS) <= LIMITS[torch.float64]
    assert absorb_prompt_attention(parts) == []


def test_many_slots_and_mobile_models_are_left_alone() -> None:
    for parts in (
        cut(small_model(), Size(32, 32), num_slots=MOST_SLOTS + 1),
        cut(preset_model("rmpsam-mobile-tiny"), Size(32, 32)),
    ):
        bake_constants(parts)
        assert absorb_prompt_attention(parts) == []
