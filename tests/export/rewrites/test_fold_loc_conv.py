"""``loc_conv`` folded into queries."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rmpsam_mobile.contracts import Graph, Size
from rmpsam_mobile.export.rewrites.fold_loc_conv import FoldedPool, FoldedProduct, LocatedNeck, fold_loc_conv
from rmpsam_mobile.model.decoder import MaskPool, mask_product, masked_mean, masked_sum
from tests.export.parts import DTYPES, LIMITS, cut, graph_error
from tests.models import preset_model, random_tensor, relative_error, small_model


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@given(
    widths=st.tuples(st.integers(1, 9), st.integers(1, 6)),
    num=st.integers(1, 5),
    grid=st.tuples(st.integers(1, 7), st.integers(1, 7)),
    level=st.sampled_from([-100.0, 0.0, 100.0]),
)
@settings(max_examples=20, deadline=None)
@torch.no_grad()
def test_products_and_pools_of_z_are_those_of_f(
    dtype: torch.dtype, widths: tuple[int, int], num: int, grid: tuple[int, int], level: float
) -> None:
    width, channels = widths
    mixing = random_tensor(width, channels + 1, dtype=dtype)
    z = torch.cat((random_tensor(1, channels, *grid, seed=1, dtype=dtype), torch.ones(1, 1, *grid, dtype=dtype)), 1)
    features = torch.einsum("cd,bdhw->bchw", mixing, z)
    kernels = random_tensor(1, num, width, seed=2, dtype=dtype)
    assert relative_error(FoldedProduct(mixing)(kernels, z), mask_product(kernels, features)) <= LIMITS[dtype]
    masks = random_tensor(1, num, *grid, seed=3, dtype=dtype) + level  # empty, mixed, full
    for mean, pooled in ((False, masked_sum), (True, masked_mean)):
        got, wanted = FoldedPool(MaskPool(mean=mean), mixing)(masks, z), pooled(masks, features)
        # sums may cancel: relative to what is summed
        scale = max(float(pooled(masks, features.abs()).max()), 1.0)
        assert float((got - wanted).abs().max()) / scale <= LIMITS[dtype]


def test_every_graph_stays_and_says_what_it_now_reads() -> None:
    model = small_model()
    parts = cut(model, Size(64, 96), clip_frames=2)
    changed = fold_loc_conv(parts)
    assert changed[0] == "encoder.neck"
    assert (parts.sizes.channels, parts.sizes.query_width) == (16 + 3, 32)
    assert parts.parts[Graph.ENCODER].spec.outputs[0].shape == (1, 19, 16, 24)
    assert parts.parts[Graph.OBJECTS].spec.outputs[2].shape == (1, 6, 32)
    assert "prompts.panoptic_head.prompt_attn" in changed
    for graph in parts.parts:
        assert graph_error(parts, model, graph) <= LIMITS[torch.float64]


def test_the_features_are_what_the_mixing_takes() -> None:
    model = small_model()
    pixels = random_tensor(1, 3, 64, 64)
    with torch.no_grad():
        maps = model.backbone(pixels)
        assert relative_error(model.neck.mixed(LocatedNeck(model.neck)(maps)), model.neck(maps)) <= 1e-12


def test_where_z_is_no_narrower_and_a_second_time_nothing_happens() -> None:
    mobile = cut(preset_model("rmpsam-mobile-tiny"), Size(32, 32))
    assert (fold_loc_conv(mobile), mobile.sizes.query_width) == ([], None)
    parts = cut(small_model(), Size(32, 32))
    assert fold_loc_conv(parts)
    assert fold_loc_conv(parts) == []
