"""Means over one axis as average pooling."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rmpsam_mobile.contracts import Graph, Size
from rmpsam_mobile.export.rewrites.pool_axis_means import AxisPool, pool_axis_means
from rmpsam_mobile.model.encoders.seaformer import AxisMean, SqueezeAxialAttention
from tests.export.parts import DTYPES, LIMITS, alive, cut, inner, largest_error, one_module, operators
from tests.models import random_tensor, relative_error, small_model


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("axis", [2, 3])
@given(
    channels=st.integers(1, 5), size=st.tuples(st.integers(1, 33), st.integers(1, 33)), shift=st.sampled_from([0, 9])
)
@settings(max_examples=20, deadline=None)
def test_outputs_stay(axis: int, dtype: torch.dtype, channels: int, size: tuple[int, int], shift: int) -> None:
    x = random_tensor(1, channels, *size, dtype=dtype) + shift
    got = AxisPool(axis, x.shape[axis])(x)
    assert relative_error(got, AxisMean(axis)(x)) <= LIMITS[dtype]


@pytest.mark.parametrize("size", [(2, 3), (5, 1), (1, 7)])
def test_an_attention_stays_and_has_no_mean_left(size: tuple[int, int]) -> None:
    module = alive(SqueezeAxialAttention(12, 4, 2))
    parts = one_module(copy.deepcopy(module), (1, 12, *size))
    assert pool_axis_means(parts) == ["encoder.inner.row_mean", "encoder.inner.column_mean"]
    x = random_tensor(1, 12, *size)
    assert largest_error(inner(parts), module, (x,)) <= LIMITS[torch.float64]
    before, after = operators(module, (x,)), operators(inner(parts), (x,))
    assert "aten.mean.dim" in before - after
    assert "aten.avg_pool2d.default" in after - before


def test_a_resnet_has_none_and_a_second_time_there_is_nothing_to_do() -> None:
    assert pool_axis_means(cut(small_model(), Size(32, 32))) == []
    parts = one_module(alive(SqueezeAxialAttention(12, 4, 2)), (1, 12, 4, 4))
    assert len(pool_axis_means(parts)) == 2
    assert pool_axis_means(parts) == []
    assert isinstance(parts.parts[Graph.ENCODER].module.get_submodule("inner.row_mean"), AxisPool)
