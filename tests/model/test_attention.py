"""Our attention against torch's own module with copied weights."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from rmpsam_mobile.model.attention import MultiHeadAttention
from tests.models import random_tensor, relative_error


def pair(num_heads: int, head_width: int) -> tuple[MultiHeadAttention, nn.MultiheadAttention]:
    """Ours, and torch's with the same weights under the same names."""
    width = num_heads * head_width
    ours = MultiHeadAttention(width, num_heads).double()
    with torch.no_grad():
        ours.in_proj_bias.copy_(random_tensor(3 * width, seed=1))
        ours.out_proj.bias.copy_(random_tensor(width, seed=2))
    torchs = nn.MultiheadAttention(width, num_heads, batch_first=True).double()
    torchs.load_state_dict(ours.state_dict())
    return ours.eval(), torchs.eval()


@given(
    heads=st.integers(1, 4),
    head_width=st.integers(1, 6),
    batch=st.integers(1, 3),
    lengths=st.tuples(st.integers(1, 7), st.integers(1, 7)),
)
@settings(max_examples=25, deadline=None)
@torch.no_grad()
def test_equals_torch_for_any_keys_and_values(
    heads: int, head_width: int, batch: int, lengths: tuple[int, int]
) -> None:
    ours, torchs = pair(heads, head_width)
    width = heads * head_width
    query = random_tensor(batch, lengths[0], width, seed=3)
    key, value = (random_tensor(batch, lengths[1], width, seed=seed) for seed in (4, 5))
    assert relative_error(ours(query, key, value), torchs(query, key, value)[0]) < 1e-10


@pytest.mark.parametrize("seed", range(3))
@torch.no_grad()
def test_a_mask_hides_keys_as_torch_hides_them(seed: int) -> None:
    ours, torchs = pair(2, 8)
    x = random_tensor(2, 6, 16, seed=seed)
    mask = random_tensor(6, 6, seed=seed) > 0
    mask.fill_diagonal_(fill_value=False)
    assert relative_error(ours(x, x, x, mask), torchs(x, x, x, attn_mask=mask)[0]) < 1e-10


@torch.no_grad()
def test_a_query_that_sees_only_itself_gets_its_own_value_projected() -> None:
    ours, _ = pair(4, 4)
    x = random_tensor(1, 5, 16)
    _, _, value = ours.project(x, x, x)
    got = ours(x, x, x, ~torch.eye(5, dtype=torch.bool))
    assert relative_error(got, ours.out_proj(value)) < 1e-12
