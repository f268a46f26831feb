"""Costs of graphs against what a pencil finds."""

import torch
from torch import Tensor, nn

from rmpsam_mobile.contracts import Graph
from rmpsam_mobile.export.capture import capture
from rmpsam_mobile.export.graph_cost import Cost, GraphCost, cost_of_program, run_counted
from tests.export.parts import one_module


class Known(nn.Module):
    """A convolution of 3 x 5 x 3 x 3, a linear layer of 5 x 7, one weight that nobody reads, one that two read."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 5, 3, padding=1)
        self.first = nn.Linear(5, 7)
        self.second = nn.Linear(5, 7)
        self.second.weight = self.first.weight
        self.unread = nn.Linear(11, 13)

    def forward(self, x: Tensor) -> Tensor:
        rows: Tensor = self.conv(x).flatten(2).transpose(1, 2)
        out: Tensor = self.first(rows) + self.second(rows)
        return out


def known_cost() -> GraphCost:
    part = one_module(Known(), (1, 3, 4, 6)).parts[Graph.ENCODER]
    _, multiply_adds = run_counted(part.module, part.example_inputs())
    return cost_of_program(capture(part), multiply_adds, ("inner.conv", "inner.first", "inner.unread"))


def test_multiply_adds_are_those_of_a_pencil() -> None:
    cost = known_cost()
    conv, linear = 4 * 6 * 5 * 3 * 9, 4 * 6 * 5 * 7
    assert cost.total.multiply_adds == conv + 2 * linear
    assert cost.layers["inner.conv"].multiply_adds == conv
    assert cost.layers["inner.first"].multiply_adds == linear


def test_weights_are_counted_where_they_are_read_and_once() -> None:
    cost = known_cost()
    conv, linear = 5 * 3 * 9 + 5, 5 * 7
    assert cost.total.weight_bytes == 4 * (conv + linear + 2 * 7)
    assert cost.layers["inner.conv"].weight_bytes == 4 * conv
    assert cost.layers["inner.unread"] == Cost()


def test_operators_are_counted_by_name_and_by_layer() -> None:
    cost = known_cost()
    assert cost.operators["aten.conv2d.default"] == 1
    assert cost.operators["aten.linear.default"] == 2
    assert cost.total.operators == sum(cost.operators.values())
    assert cost.layers["inner.conv"].operators == 1


def test_a_program_costs_what_its_module_does() -> None:
    part = one_module(Known(), (1, 3, 4, 6)).parts[Graph.ENCODER]
    inputs = part.example_inputs()
    (wanted,), of_module = run_counted(part.module, inputs)
    (got,), of_program = run_counted(capture(part).module(), inputs)
    torch.testing.assert_close(got, wanted)
    assert of_program[""] == of_module[""] > 0
