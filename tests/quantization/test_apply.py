"""Observers in one captured graph: where they stand, that they come back, and that the 8-bit file runs."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.export import ExportedProgram
from torch.fx import GraphModule

from rmpsam_mobile.errors import ExportError
from rmpsam_mobile.export.rewrites.gather_deform import GatherDeformConv
from rmpsam_mobile.model.deform import DeformConv
from rmpsam_mobile.quantization import convert, coverage_of, observers, prepare, recipe_named, restore_observers
from rmpsam_mobile.quantization.float_nodes import position_nodes

RECIPE = recipe_named("int8-static")
HEIGHT, WIDTH = 8, 12


class Deforming(nn.Module):
    """A layer before, offsets and modulation, the gather form, a layer after, and halves as the decoder takes them."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.before, self.offsets = nn.Conv2d(3, 8, 1), nn.Conv2d(8, 27, 3, padding=1)
        self.deform = GatherDeformConv(DeformConv(8, 8), HEIGHT, WIDTH)
        self.after = nn.Conv2d(8, 8, 1)
        with torch.no_grad():
            self.offsets.weight *= 4

    def forward(self, x: Tensor) -> Tensor:
        y = self.before(x)
        offsets = self.offsets(y)
        out = self.after(self.deform(y, offsets[:, :18], offsets[:, 18:].sigmoid()).relu())
        return out[:, :4] * out[:, 4:]  # type: ignore[no-any-return]


def picture(seed: int = 0) -> Tensor:
    return torch.rand(1, 3, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def program() -> ExportedProgram:
    return torch.export.export(Deforming().eval(), (picture(),))


def calibrated(program: ExportedProgram) -> GraphModule:
    prepared = prepare(program, RECIPE)
    for seed in range(4):
        prepared(picture(seed))
    return prepared


def test_positions_stay_in_float(program: ExportedProgram) -> None:
    module = program.module()
    assert isinstance(module, GraphModule)
    names = position_nodes(module)
    targets = {node.name: str(node.target) for node in module.graph.nodes}
    kinds = {targets[name] for name in names}
    assert {"aten.floor.default", "aten.clamp.default", "aten.conv2d.default"} <= kinds
    assert sum(targets[name] == "aten.conv2d.default" for name in names) == 1  # only that of the offsets
    prepared = prepare(program, RECIPE)
    for node in prepared.graph.nodes:
        if node.name in names and node.op == "call_function":
            assert not any("activation_post_process" in str(user.target) for user in node.users), node.name


def test_eight_bit_is_close_to_float(program: ExportedProgram) -> None:
    with torch.no_grad():
        wanted = program.module()(picture())
        got = convert(calibrated(program))(picture())
    assert float((got - wanted).abs().max()) < 0.05 * float(wanted.abs().max())
    assert not torch.equal(got, wanted)


def test_coverage_tells_what_is_left(program: ExportedProgram) -> None:
    found = coverage_of(convert(calibrated(program)))
    assert found.done == {"aten.conv2d.default": 2, "aten.linear.default": 1}
    assert found.left == {"aten.conv2d.default": 1}  # that of the offsets


def test_products_of_activations_are_left_and_resizing_is_no_weight() -> None:
    class Product(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(6, 6)

        def forward(self, x: Tensor) -> Tensor:
            y = self.layer(x)
            z = torch.bmm(y, self.layer(y).transpose(1, 2))
            return nn.functional.interpolate(z[None], scale_factor=2.0, mode="bilinear") + 1.0

    x = torch.rand(1, 5, 6)
    prepared = prepare(torch.export.export(Product().eval(), (x,)), RECIPE)
    prepared(x)
    found = coverage_of(convert(prepared))
    assert found.done == {"aten.linear.default": 2}
    assert found.left == {"aten.bmm.default": 1}


def test_restored_observers_equal_the_calibrated_ones(program: ExportedProgram) -> None:
    source = calibrated(program)
    stored = observers(source)
    assert stored
    fresh = prepare(program, RECIPE)
    restore_observers(fresh, stored, "here")
    again = observers(fresh)
    assert again.keys() == stored.keys()
    for name, value in stored.items():
        assert torch.equal(again[name], value), name
    assert torch.equal(convert(fresh)(picture(9)), convert(source)(picture(9)))


def test_observers_of_another_graph_are_refused(program: ExportedProgram) -> None:
    stored = observers(calibrated(program))
    first = next(iter(stored))
    path, _, name = first.rpartition(".")
    missing = {key: value for key, value in stored.items() if key != first}
    with pytest.raises(ExportError) as caught:
        restore_observers(prepare(program, RECIPE), missing, "encoder graph")
    assert str(caught.value).startswith(f"encoder graph: {path}: stored [")
    assert name in str(caught.value)
    assert str(caught.value).endswith("; quantize again")
    more = {**stored, "activation_post_process_999.min_val": torch.zeros(1)}
    with pytest.raises(ExportError) as caught:
        restore_observers(prepare(program, RECIPE), more, "encoder graph")
    assert str(caught.value) == (
        "encoder graph: no place for 1 stored observers, first activation_post_process_999.min_val; quantize again"
    )


def test_the_file_runs_and_answers_as_the_quantized_graph(program: ExportedProgram, tmp_path: Path) -> None:
    """Pads, slices and gathers between 8-bit layers: each alone once made a file that did not load or run."""
    from rmpsam_mobile.contracts import Graph, GraphSpec
    from rmpsam_mobile.export.lower.xnnpack import lower_to_xnnpack
    from rmpsam_mobile.runtime.pte import execute, load_method

    converted = convert(calibrated(program))
    captured = torch.export.export(converted, (picture(),))
    lowered = lower_to_xnnpack(captured, GraphSpec(graph=Graph.ENCODER, inputs=(), outputs=()))
    lowered.write(tmp_path / "x.pte")
    (got,) = execute(load_method(tmp_path / "x.pte"), [picture().numpy()])
    wanted = converted(picture()).detach().numpy()
    # the delegate rounds products to 8 bit where the graph's float imitation may land one step aside
    np.testing.assert_allclose(got, wanted, rtol=0, atol=0.05 * float(np.abs(wanted).max()))
