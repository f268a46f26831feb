"""The neck's linear tail."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from rmpsam_mobile.contracts import Graph, Size
from rmpsam_mobile.export.rewrites.fold_neck_tail import FoldedTail, fold_neck_tail
from rmpsam_mobile.model.neck import Aggregation
from tests.export.parts import DTYPES, LIMITS, alive, cut, graph_error
from tests.models import preset_model, random_tensor, relative_error, small_model


def maps_of(widths: tuple[int, ...], grid: tuple[int, int], dtype: torch.dtype) -> list[Tensor]:
    sides = [(grid[0] >> level, grid[1] >> level) for level in range(4)]
    return [
        random_tensor(1, width, *side, seed=i, dtype=dtype)
        for i, (width, side) in enumerate(zip(widths, sides, strict=True))
    ]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@given(
    far=st.sets(st.integers(1, 3)),
    cells=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    width=st.integers(1, 5),
)
@settings(max_examples=12, deadline=None)
@torch.no_grad()
def test_the_sum_stays_whichever_form_a_level_takes(
    dtype: torch.dtype, far: set[int], cells: tuple[int, int], width: int
) -> None:
    widths, grid = (4, 6, 8, 10), (8 * cells[0], 8 * cells[1])
    neck = Aggregation(widths, width, offset_limit=None, depthwise_output=False)
    neck.bias.copy_(random_tensor(1, width, 1, 1, seed=9))  # zero at first; its response differs at the rim
    alive(neck, dtype)
    maps = maps_of(widths, grid, dtype)
    folded = FoldedTail(copy.deepcopy(neck), grid, sorted(far))
    assert relative_error(folded(maps), neck(maps)) <= LIMITS[dtype]


def test_light_necks_are_folded_with_the_cheaper_form_of_each_level() -> None:
    model = preset_model("rmpsam-seaformer-base")
    parts = cut(model, Size(128, 96))
    assert fold_neck_tail(parts) == ["encoder.neck.deconv"]
    tail = parts.parts[Graph.ENCODER].module.get_submodule("neck.deconv")
    assert isinstance(tail, FoldedTail)
    assert set(tail.far_levels) >= {"3"}
    assert graph_error(parts, model, Graph.ENCODER) <= LIMITS[torch.float64]
    assert fold_neck_tail(parts) == []


def test_wide_and_depthwise_necks_are_left_alone() -> None:
    for preset in ("rmpsam-r50", "rmpsam-mobile-tiny"):
        assert fold_neck_tail(cut(preset_model(preset), Size(64, 64))) == []


def test_the_small_model_stays_in_every_graph() -> None:
    parts = cut(small_model(), Size(64, 96))
    fold_neck_tail(parts)
    for graph in parts.parts:
        assert graph_error(parts, small_model(), graph) <= LIMITS[torch.float64]
