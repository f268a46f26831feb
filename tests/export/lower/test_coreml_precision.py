"""Positions of a gather in a converted program: float32 from the offsets to the row number."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from rmpsam_mobile.contracts import Graph, GraphSpec, TensorSpec
from rmpsam_mobile.export.capture import capture
from rmpsam_mobile.export.lower.coreml_package import lower_to_coreml_package
from rmpsam_mobile.export.rewrites.gather_deform import GatherDeformConv
from rmpsam_mobile.export.split import Part
from rmpsam_mobile.model.deform import DeformConv
from rmpsam_mobile.quiet import muted_start

SIDE = 16
FLOAT16, FLOAT32 = 10, 11  # of the program's DataType


class Layer(nn.Module):
    """A gather form with its offsets from a convolution, as in the neck."""

    def __init__(self) -> None:
        super().__init__()
        self.offsets = nn.Conv2d(4, 27, 3, padding=1)
        self.deform = GatherDeformConv(DeformConv(4, 4), SIDE, SIDE)

    def forward(self, x: Tensor) -> Tensor:
        predicted = self.offsets(x)
        out: Tensor = self.deform(x, predicted[:, :18], predicted[:, 18:].sigmoid())
        return out


def test_row_numbers_are_computed_in_float32() -> None:
    operations = _operations(Layer())
    makers = {output.name: operation for operation in operations for output in operation.outputs}
    gathers = [operation for operation in operations if operation.type == "gather"]
    assert gathers
    for gather in gathers:
        kinds = [_kind(maker) for maker in _positions(gather, makers)]
        assert FLOAT32 in kinds
        assert FLOAT16 not in kinds


def test_values_are_computed_in_float16() -> None:
    operations = _operations(Layer())
    assert {_kind(operation) for operation in operations if operation.type in ("conv", "linear")} == {FLOAT16}


def _operations(module: nn.Module) -> list[Any]:
    with muted_start():
        import coremltools as ct

    x, y = (TensorSpec(name=name, shape=(1, 4, SIDE, SIDE), meaning="") for name in "xy")
    spec = GraphSpec(graph=Graph.ENCODER, inputs=(x,), outputs=(y,))
    torch.manual_seed(0)
    lowered = lower_to_coreml_package(capture(Part(module.eval(), spec)), spec)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "layer.mlpackage")
        lowered.write(path)
        program = ct.utils.load_spec(str(path)).mlProgram.functions["main"]
    return list(next(iter(program.block_specializations.values())).operations)


def _positions(gather: Any, makers: dict[str, Any]) -> Iterator[Any]:
    """Everything between the offsets' convolution and the row numbers of one gather, constants left out."""
    waiting = [argument.name for argument in gather.inputs["indices"].arguments]
    while waiting:
        maker = makers.get(waiting.pop())
        if maker is None or maker.type in ("conv", "const"):
            continue
        is_first = maker.type == "cast" and makers[maker.inputs["x"].arguments[0].name].type == "conv"
        if is_first:  # the convolution's own float16, turned to float32
            continue
        yield maker
        waiting += [argument.name for field in maker.inputs.values() for argument in field.arguments]


def _kind(operation: Any) -> int:
    return int(operation.outputs[0].type.tensorType.dataType)
