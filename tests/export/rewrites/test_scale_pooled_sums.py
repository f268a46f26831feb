"""Pooled sums scaled for float16."""

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from rmpsam_mobile.contracts import Graph, GraphSpec, Size, Target, TensorSpec
from rmpsam_mobile.export.capture import capture
from rmpsam_mobile.export.lower.coreml_package import lower_to_coreml_package
from rmpsam_mobile.export.rewrites import apply_rewrites, rewrite_names
from rmpsam_mobile.export.rewrites.scale_pooled_sums import ScaledPool, scale_pooled_sums, sum_scale
from rmpsam_mobile.export.split import Part
from rmpsam_mobile.model.decoder import KernelUpdate, MaskPool, masked_mean, masked_sum
from rmpsam_mobile.runtime.mil import read_package
from tests.export.parts import DTYPES, LIMITS, answers, cut, graph_error
from tests.models import enliven_norms, preset_model, random_tensor, relative_error, small_model


@pytest.mark.parametrize(("cells", "scale"), [(1, 1), (256, 1), (257, 2), (512, 2), (16_384, 64), (65_536, 256)])
def test_no_more_than_256_cells_are_left(cells: int, scale: float) -> None:
    assert sum_scale(cells) == scale
    assert cells / scale <= 256


@pytest.mark.parametrize("mean", [False, True])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@given(
    shape=st.tuples(st.integers(1, 2), st.integers(1, 4), st.integers(1, 20), st.integers(1, 40)),
    level=st.sampled_from([-100.0, 0.0, 100.0]),
)
@settings(max_examples=20, deadline=None)
@torch.no_grad()
def test_sums_and_means_stay(dtype: torch.dtype, mean: bool, shape: tuple[int, int, int, int], level: float) -> None:
    masks = random_tensor(*shape, seed=1, dtype=dtype) + level  # empty, mixed, full
    features = random_tensor(shape[0], 5, *shape[2:], dtype=dtype)
    pooled = masked_mean if mean else masked_sum
    got = ScaledPool(MaskPool(mean=mean), sum_scale(shape[2] * shape[3]))(masks, features)
    scale = max(float(pooled(masks, features.abs()).max()), 1e-6)  # sums may cancel: relative to what is summed
    assert float((got - pooled(masks, features)).abs().max()) / scale <= LIMITS[dtype]


def test_every_pool_of_a_model_once() -> None:
    model = small_model()
    parts = cut(model, Size(96, 96))
    changed = scale_pooled_sums(parts)
    assert {path.split(".")[0] for path in changed} == {"objects", "prompts"}
    assert scale_pooled_sums(parts) == []
    for graph in parts.parts:
        assert graph_error(parts, model, graph) <= LIMITS[torch.float64]


@pytest.mark.parametrize("preset", ["seaformer-tiny", "mobile-tiny"])
def test_with_the_rewrites_that_come_after(preset: str) -> None:
    model = preset_model(f"rmpsam-{preset}")
    parts = cut(model, Size(128, 96))
    apply_rewrites(parts, rewrite_names(Target.COREML_PACKAGE))
    for graph in (Graph.OBJECTS, Graph.PROMPTS):
        assert graph_error(parts, model, graph) <= LIMITS[torch.float64]


def test_only_float16_engines_want_it() -> None:
    assert "scale_pooled_sums" not in rewrite_names(Target.XNNPACK)
    assert "scale_pooled_sums" in rewrite_names(Target.COREML_PACKAGE)


class Update(nn.Module):
    """What a stage does with a mask before anything can flip: pool, and update the query."""

    def __init__(self) -> None:
        super().__init__()
        self.pool, self.update = MaskPool(mean=False), KernelUpdate(32)

    def forward(self, mask_logits: Tensor, features: Tensor, k: Tensor) -> Tensor:
        out: Tensor = self.update(self.pool(mask_logits, features), k)
        return out


SHAPES = {"mask_logits": (1, 3, 256, 256), "features": (1, 32, 256, 256), "k": (1, 3, 32)}  # of 1024 x 1024 pixels


def float16_answer(module: nn.Module, inputs: dict[str, Tensor], folder: Path) -> Tensor:
    """The converted program's, every tensor rounded as its types say."""
    names = {name: TensorSpec(name=name, shape=shape, meaning="") for name, shape in SHAPES.items()}
    out = TensorSpec(name="out", shape=SHAPES["k"], meaning="")
    spec = GraphSpec(graph=Graph.OBJECTS, inputs=tuple(names.values()), outputs=(out,))
    lower_to_coreml_package(capture(Part(module, spec)), spec).write(folder / "update.mlpackage")
    found: dict[str, Any] = read_package(folder / "update.mlpackage").run(inputs)
    answer: Tensor = found["out"]
    return answer.float()


def test_float16_at_1024_x_1024(tmp_path: Path) -> None:
    """A mask of the whole picture, of an eighth of it, and of nothing; features all of one sign, as after a ReLU."""
    torch.manual_seed(0)
    module = Update().eval().requires_grad_(requires_grad=False)
    enliven_norms(module)
    inputs = {name: random_tensor(*shape, dtype=torch.float32) for name, shape in SHAPES.items()}
    inputs["features"] = inputs["features"].abs() * 2
    inputs["mask_logits"] = torch.full(SHAPES["mask_logits"], -1.0)
    inputs["mask_logits"][:, 0] = 1.0
    inputs["mask_logits"][:, 1, :32] = 1.0
    (wanted,) = answers(module, inputs.values())
    (tmp_path / "plain").mkdir()
    plain = float16_answer(module, inputs, tmp_path / "plain")
    assert masked_sum(inputs["mask_logits"], inputs["features"]).max() > 65_504
    assert not torch.isfinite(plain[:, 0]).all()  # the sum over the picture has overflown
    module.pool = ScaledPool(module.pool, sum_scale(256 * 256))
    scaled = float16_answer(module, inputs, tmp_path)
    assert torch.isfinite(scaled).all()
    assert relative_error(scaled, wanted) <= 1e-2
