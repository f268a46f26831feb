"""SeaFormer's parts against their formulas written out."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from rmpsam_mobile.model.config import MobileBlock, SeaFormerConfig
from rmpsam_mobile.model.encoders.seaformer import (
    AxisMean,
    AxisPosition,
    ConvNorm,
    InvertedResidual,
    MobileStage,
    SeaFormer,
    SqueezeAxialAttention,
)
from rmpsam_mobile.model.presets import PRESETS
from tests.models import enliven_norms, random_tensor, relative_error

STAGES = {
    "tiny": "smb1 smb2 smb3 smb4 trans1 smb5 trans2",
    "small": "smb1 smb2 smb3 smb4 trans1 smb5 trans2",
    "base": "smb1 smb2 smb3 smb4 trans1 smb5 trans2",
    "large": "smb1 smb2 smb3 trans1 smb4 trans2 smb5 trans3",
}
NECK_INPUT = {
    "tiny": (16, 32, 64, 160),
    "small": (24, 48, 96, 192),
    "base": (32, 64, 128, 256),
    "large": (64, 128, 192, 320),
}


def stretched(table: NDArray[Any], length: int) -> NDArray[Any]:
    """A table [K, 16] resized along its last axis, linearly with half-pixel centres and clamped ends."""
    places = (np.arange(length) + 0.5) * 16 / length - 0.5
    return np.stack([np.interp(places, np.arange(16), row) for row in table])


@given(length=st.integers(1, 70))
@settings(max_examples=30, deadline=None)
def test_positions_stretch_to_any_length(length: int) -> None:
    position = AxisPosition(3).double()
    got = position(torch.zeros(2, 3, length, dtype=torch.float64)).detach().numpy()
    wanted = stretched(position.pos_embed[0].detach().numpy(), length)
    assert np.abs(got - wanted).max() < 1e-12


def test_positions_of_sixteen_places_are_the_table_itself() -> None:
    position = AxisPosition(3)
    assert torch.equal(position(torch.zeros(1, 3, 16)), position.pos_embed)


def test_means_are_over_the_other_axis() -> None:
    x = random_tensor(2, 3, 4, 5)
    assert torch.equal(AxisMean(3)(x), x.mean(3))
    assert AxisMean(2)(x).shape == (2, 3, 5)


def along_rows(attention: SqueezeAxialAttention, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Softmax attention over H of maps averaged over W: [B, V, H], by the formula."""
    heads, length = attention.num_heads, q.shape[2]

    def squeeze(x: Tensor, table: Tensor | None) -> Tensor:
        mean = x.mean(3)
        if table is not None:
            mean = mean + torch.from_numpy(stretched(table[0].numpy(), length))
        return mean.reshape(mean.shape[0], heads, -1, length)  # channels are (head, width)

    q, k = squeeze(q, attention.pos_emb_rowq.pos_embed), squeeze(k, attention.pos_emb_rowk.pos_embed)
    scores = torch.einsum("bhci,bhcj->bhij", q, k) * q.shape[2] ** -0.5
    return torch.einsum("bhij,bhcj->bhci", scores.softmax(-1), squeeze(v, None)).flatten(1, 2)


@pytest.mark.parametrize("size", [(5, 9), (1, 3), (16, 16)])
@torch.no_grad()
def test_attention_is_the_written_formula(size: tuple[int, int]) -> None:
    attention = SqueezeAxialAttention(12, 4, 2).double().eval()
    enliven_norms(attention)
    x = random_tensor(2, 12, *size)
    q, k, v = attention.to_q(x), attention.to_k(x), attention.to_v(x)
    row = attention.proj_encode_row[1](F.relu6(along_rows(attention, q, k, v).unsqueeze(-1)))
    # columns are rows of the transposed maps, with the tables of the columns
    attention.pos_emb_rowq, attention.pos_emb_columnq = attention.pos_emb_columnq, attention.pos_emb_rowq
    attention.pos_emb_rowk, attention.pos_emb_columnk = attention.pos_emb_columnk, attention.pos_emb_rowk
    turned = along_rows(attention, *(t.transpose(2, 3) for t in (q, k, v)))
    column = attention.proj_encode_column[1](F.relu6(turned.unsqueeze(-2)))
    attention.pos_emb_rowq, attention.pos_emb_columnq = attention.pos_emb_columnq, attention.pos_emb_rowq
    attention.pos_emb_rowk, attention.pos_emb_columnk = attention.pos_emb_columnk, attention.pos_emb_rowk

    detail = attention.pwconv(F.relu6(attention.dwconv(torch.cat((q, k, v), 1))))
    y = attention.proj[1](F.relu6(v + row + column))
    assert relative_error(attention(x), F.relu6(y + 3) / 6 * detail) < 1e-12


@pytest.mark.parametrize(
    ("block", "names", "residual"),
    [
        (MobileBlock(3, 1, 8, 1), ["0", "2"], True),
        (MobileBlock(3, 4, 8, 1), ["0", "2", "4"], True),
        (MobileBlock(5, 4, 8, 2), ["0", "2", "4"], False),
        (MobileBlock(3, 2, 12, 1), ["0", "2", "4"], False),
    ],
)
@torch.no_grad()
def test_an_inverted_residual_adds_its_input_where_shapes_agree(
    block: MobileBlock, names: list[str], residual: bool
) -> None:
    module = InvertedResidual(8, block).double().eval()
    enliven_norms(module)
    x = random_tensor(1, 8, 6, 10)
    assert [name for name, part in module.conv.named_children() if isinstance(part, ConvNorm)] == names
    inner = module.conv(x)
    assert inner.shape == (1, block.width, 6 // block.stride, 10 // block.stride)
    assert torch.equal(module(x), x + inner if residual else inner)


def test_the_stem_comes_first_and_halves() -> None:
    stage = MobileStage(16, (MobileBlock(3, 1, 16, 1),), has_stem=True)
    assert [name for name, _ in stage.named_children()] == ["stem_block", "layer1"]
    assert stage(torch.zeros(1, 3, 8, 12)).shape == (1, 16, 4, 6)


@pytest.mark.parametrize("size", STAGES)
def test_stages_run_in_the_published_order(size: str) -> None:
    config = PRESETS[f"rmpsam-seaformer-{size}"].encoder
    assert isinstance(config, SeaFormerConfig)
    with torch.device("meta"):
        encoder = SeaFormer(config).eval()
    ran: list[str] = []
    for name, stage in encoder.named_children():
        stage.register_forward_hook(lambda *_, name=name: ran.append(name))
    maps = encoder(torch.empty(1, 3, 64, 64, device="meta"))
    assert " ".join(ran) == STAGES[size]
    assert tuple(x.shape[1] for x in maps) == encoder.widths == NECK_INPUT[size]
    assert config.outputs == (
        ("smb1", "smb2", "trans1", "trans3") if size == "large" else ("smb1", "smb2", "smb3", "trans2")
    )
