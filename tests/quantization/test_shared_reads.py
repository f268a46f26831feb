"""An 8-bit tensor with float readers in and outside of a delegate: each must get it in the layout that it wants."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.fx import GraphModule

from rmpsam_mobile.contracts import Graph, GraphSpec
from rmpsam_mobile.export.lower.xnnpack import lower_to_xnnpack
from rmpsam_mobile.export.rewrites.pool_axis_means import AxisPool
from rmpsam_mobile.quantization import convert, prepare, recipe_named
from rmpsam_mobile.runtime.pte import execute, load_method

WIDTH = 5
# Read with its axes exchanged, [1, 8, 4, 5] still pools to as many numbers, all of them wrong; [1, 8, 3, 5] does not.
HEIGHTS = (3, 4)


class Readers(nn.Module):
    """One 8-bit layer, an average pool that joins its delegate, and a running sum that XNNPACK does not take.

    As the columns' and the rows' means of an axial attention, of which one ends up in another delegate.
    """

    def __init__(self, height: int) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer, self.pool = nn.Conv2d(3, 8, 1), AxisPool(2, height)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y = self.layer(x)
        return self.pool(y), y.cumsum(1)


def picture(height: int, seed: int = 0) -> Tensor:
    return torch.rand(1, 3, height, WIDTH, generator=torch.Generator().manual_seed(seed))


def converted(height: int) -> GraphModule:
    captured = torch.export.export(Readers(height).eval(), (picture(height),))
    prepared = prepare(captured, recipe_named("int8-static"))
    for seed in range(4):
        prepared(picture(height, seed))
    return convert(prepared)


def test_each_reader_has_its_own_dequantize() -> None:
    graph = converted(3).graph
    readers = [len(node.users) for node in graph.nodes if "dequantize_per_tensor" in str(node.target)]
    assert readers == [1] * 3  # of the picture for the layer, and of the layer for the pool and for the sum


@pytest.mark.parametrize("height", HEIGHTS)
def test_the_file_runs_and_answers_as_the_quantized_graph(height: int, tmp_path: Path) -> None:
    module, x = converted(height), picture(height, 9)
    lowered = lower_to_xnnpack(torch.export.export(module, (x,)), GraphSpec(graph=Graph.ENCODER, inputs=(), outputs=()))
    lowered.write(tmp_path / "x.pte")
    for got, wanted in zip(execute(load_method(tmp_path / "x.pte"), [x.numpy()]), module(x), strict=True):
        assert got.shape == wanted.shape
        # a product that lies between two steps of 1/255 of the range may be rounded to either, and summed 8 times
        np.testing.assert_allclose(got, wanted.detach().numpy(), rtol=0, atol=0.04 * float(wanted.abs().max()))
