"""The gate of quantized graphs: each planted fault is refused, and what is whole passes."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.fx import GraphModule

from rmpsam_mobile.contracts import Graph
from rmpsam_mobile.errors import GateError, InputError
from rmpsam_mobile.quantization import (
    QuantCoverage,
    convert,
    coverage_of,
    prepare,
    recipe_named,
    require_bytes,
    require_observed,
    require_quantized,
)
from rmpsam_mobile.quantization.integrity import ROOM, SLACK
from rmpsam_mobile.quantization.transfer import observed_nodes, states_by_node, transfer_states

RECIPE = recipe_named("int8-static")


class EncoderGraph(nn.Module):
    """Two layers and a sum, under the name by which an encoder's layers are named."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = nn.Conv2d(3, 64, 3, padding=1), nn.Conv2d(64, 64, 1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.first(x).relu()
        total: Tensor = y + self.second(y)
        return total


def picture(seed: int) -> Tensor:
    return torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(seed))


PROGRAM = torch.export.export(EncoderGraph().eval(), (picture(0),))


def prepared(*seeds: int, **changes: Any) -> GraphModule:
    module = prepare(PROGRAM, replace(RECIPE, **changes))
    for seed in seeds:
        module(picture(seed))
    return module


def observer_of(module: GraphModule, node: str) -> Any:
    """The observer that looks at a node."""
    path = next(path for path, nodes in observed_nodes(module).items() if any(node in name for name in nodes))
    return module.get_submodule(path)


def test_a_calibrated_graph_passes() -> None:
    require_observed(prepared(1, 2), "encoder")
    found = coverage_of(convert(prepared(1, 2)))
    require_quantized({Graph.ENCODER: found}, RECIPE)
    assert [(layer.path, layer.weights, layer.reason) for layer in found.layers] == [
        ("first", 3 * 64 * 9, None),
        ("second", 64 * 64, None),
    ]
    assert found.weight_share == 1


def test_an_observer_that_saw_nothing_is_named() -> None:
    with pytest.raises(GateError, match=r"^encoder: the range of \w+ saw no data; calibrate with more pictures"):
        require_observed(prepared(), "encoder")


def test_a_missing_observer_is_named_by_its_layer() -> None:
    module = prepared(1)
    node = next(node for node in module.graph.nodes if str(node.target) == "aten.conv2d.default" and "1" in node.name)
    observer = node.args[0]
    node.replace_input_with(observer, observer.args[0])
    with pytest.raises(GateError, match=r"^encoder: second reads relu without an observer; quantize again$"):
        require_observed(module, "encoder")


@pytest.mark.parametrize(
    ("low", "high", "problem"),
    [(0.0, 0.0, "is the value zero alone"), (float("nan"), 1.0, "is no finite number"), (1.0, -1.0, "saw no data")],
)
def test_a_degenerate_range_is_refused(low: float, high: float, problem: str) -> None:
    module = prepared(1)
    observer = observer_of(module, "relu")
    observer.min_val, observer.max_val = torch.tensor(low), torch.tensor(high)
    with pytest.raises(GateError, match=f"^encoder: the range of relu {problem}"):
        require_observed(module, "encoder")


def test_a_weight_of_zeros_is_no_hole() -> None:
    module = prepared(1)
    observer = observer_of(module, "second_weight")
    observer.min_val, observer.max_val = torch.zeros(64), torch.zeros(64)
    require_observed(module, "encoder")


def test_a_recipe_that_quantizes_nothing_is_refused() -> None:
    nothing = replace(RECIPE, in_float=("encoder/first", "encoder/second", "encoder/="))
    module = prepared(1, in_float=nothing.in_float)
    found = coverage_of(convert(module))
    assert [layer.reason for layer in found.layers] == ["the recipe keeps it in float"] * 2
    with pytest.raises(GateError) as caught:
        require_quantized({Graph.ENCODER: found}, nothing)
    assert str(caught.value) == (
        f"recipe {RECIPE.name} left all 2 layers in float; nothing was quantized; see in_float"
    )


def test_a_layer_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(InputError, match=r"no layer 'third' in this graph; layers are first, second$"):
        prepared(in_float=("encoder/third",))
    prepared(in_float=("objects/third",))  # of another graph


def test_bytes_that_do_not_fit_the_recipe_are_refused() -> None:
    found = QuantCoverage(
        tuple(replace(layer, weights=1_000_000) for layer in coverage_of(convert(prepared(1))).layers)
    )
    limit = int(SLACK * 2_000_000) + ROOM
    require_bytes(limit, found, "encoder")
    with pytest.raises(GateError, match="the file has 8,000,000 bytes where its weights need 2,000,000 and the limit"):
        require_bytes(8_000_000, found, "encoder")


def test_states_go_by_node_to_a_graph_with_more_in_float() -> None:
    whole = prepared(1, 2)
    states = states_by_node(whole)
    part = prepare(PROGRAM, replace(RECIPE, in_float=("encoder/second",)))
    transfer_states(part, states, "encoder")
    require_observed(part, "encoder")
    again = prepare(PROGRAM, RECIPE)
    transfer_states(again, states, "encoder")
    x = picture(9)
    whole = convert(whole)
    assert torch.equal(convert(again)(x), whole(x))
    wanted = PROGRAM.module()(x)
    noise = [float((module(x) - wanted).detach().square().sum()) for module in (convert(part), whole)]
    assert 0 < noise[0] < noise[1]
