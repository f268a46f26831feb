"""Capture of a part."""

import pytest
import torch
from torch import Tensor, nn

from rmpsam_mobile.contracts import Graph, Size
from rmpsam_mobile.errors import ExportError
from rmpsam_mobile.export.capture import capture
from rmpsam_mobile.export.rewrites import apply_rewrites
from rmpsam_mobile.export.split import Part
from tests.export.parts import answers, cut, natural_inputs, one_module
from tests.models import relative_error, small_model


@pytest.mark.parametrize("graph", [Graph.OBJECTS, Graph.PROMPTS])
def test_a_captured_part_answers_as_the_part(graph: Graph) -> None:
    parts = cut(small_model(), Size(64, 96))
    apply_rewrites(parts)
    part = parts.parts[graph]
    program = capture(part)
    inputs = natural_inputs(part)
    got, wanted = answers(program.module(), inputs), answers(part.module, inputs)
    assert max(relative_error(a, b) for a, b in zip(got, wanted, strict=True)) < 1e-12


def test_shapes_are_static_and_those_of_the_border() -> None:
    parts = cut(small_model(), Size(64, 96))
    apply_rewrites(parts)
    part = parts.parts[Graph.OBJECTS]
    program = capture(part)
    values = {node.name: node.meta["val"] for node in program.graph.nodes if node.op == "placeholder"}
    given = [values[name] for name in program.graph_signature.user_inputs if isinstance(name, str)]
    assert [tuple(value.shape) for value in given] == [spec.shape for spec in part.spec.inputs]
    assert all(type(side) is int for value in given for side in value.shape)


class _Branches(nn.Module):
    """Decides by a value, which no static graph can hold."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        """[1] -> [1]."""
        return x if x.sum() > 0 else self.weight


def test_what_cannot_be_captured_is_an_export_error_with_torchs_first_line() -> None:
    part = one_module(_Branches(), (1,)).parts[Graph.ENCODER]
    with pytest.raises(ExportError) as caught:
        capture(Part(part.module, part.spec))
    message = str(caught.value)
    assert message.startswith("capturing the encoder graph failed: Could not guard on data-dependent expression")
    assert message.endswith("; run with RMPSAM_TRACEBACK=1 for all of it")
    assert "\n" not in message
