"""The bounded deformable convolution of an 8-bit encoder: its file loads, runs, and answers as the quantized graph."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.fx import GraphModule

from rmpsam_mobile.contracts import Graph, GraphSpec
from rmpsam_mobile.export.lower.xnnpack import lower_to_xnnpack
from rmpsam_mobile.export.rewrites.bounded_deform import BoundedDeformConv
from rmpsam_mobile.model.deform import NUM_TAPS, DeformConv
from rmpsam_mobile.quantization import convert, prepare, recipe_named
from rmpsam_mobile.quantization.float_nodes import path_of
from rmpsam_mobile.runtime.pte import execute, load_method

QUANTIZE = "quantized_decomposed.quantize_per_tensor"
AFTER_THE_MATRIX = ("permute.default", "reshape.default")  # back to rows, for the layer that reads them
SIDE = 24  # several tiles: a single one has no joined slices


class Layer(nn.Module):
    """As in the neck: offsets from a convolution, then the layer, then another convolution."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.before, self.offsets = nn.Conv2d(3, 8, 1), nn.Conv2d(8, 3 * NUM_TAPS, 3, padding=1)
        self.deform, self.after = BoundedDeformConv(DeformConv(8, 8), SIDE, SIDE, 1), nn.Conv2d(8, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        features = self.before(x).relu()
        numbers = self.offsets(features)
        sampled = self.deform(features, numbers[:, : 2 * NUM_TAPS], numbers[:, 2 * NUM_TAPS :].sigmoid())
        out: Tensor = self.after(sampled.relu())
        return out


def picture(seed: int) -> Tensor:
    return torch.randn(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def module() -> GraphModule:
    prepared = prepare(torch.export.export(Layer().eval(), (picture(0),)), recipe_named("int8-static"))
    for seed in range(4):
        prepared(picture(seed))
    return convert(prepared)


def test_nothing_inside_gets_a_scale_but_the_pad_and_the_matrix(module: GraphModule) -> None:
    """A window is made of joined slices of joined slices: with scales in between, the encoder's file does not load.

    executorch's quantizer takes joins whatever its filter says, and hands their scale on to what only reshapes them.
    """
    scaled = {
        str(node.target).removeprefix("aten.")
        for node in module.graph.nodes
        if path_of(node) == "deform" and any(str(user.target).startswith(QUANTIZE) for user in node.users)
    }
    assert scaled <= {"pad.default", "linear.default", *AFTER_THE_MATRIX}
    assert "cat.default" not in scaled
    assert "linear.default" in scaled


def test_the_file_answers_as_the_quantized_graph(module: GraphModule, tmp_path: Path) -> None:
    x = picture(9)
    lowered = lower_to_xnnpack(torch.export.export(module, (x,)), GraphSpec(graph=Graph.ENCODER, inputs=(), outputs=()))
    lowered.write(tmp_path / "layer.pte")
    (got,) = execute(load_method(tmp_path / "layer.pte"), [x.numpy()])
    wanted = module(x).detach().numpy()
    np.testing.assert_allclose(got, wanted, rtol=0, atol=0.05 * float(np.abs(wanted).max()))
