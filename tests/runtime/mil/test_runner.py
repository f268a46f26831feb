"""Packages as a Runner: parity with the eager model, planted conversion errors, pictures as inputs."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rmpsam_mobile.bundle import (
    golden_inputs,
)
from rmpsam_mobile.checkpoint import build_model, load_checkpoint, seeded_checkpoint, shipped_weights
from rmpsam_mobile.contracts import Graph, GraphSizes, Size
from rmpsam_mobile.errors import GateError, InputError, UnsupportedError
from rmpsam_mobile.export.split import split
from rmpsam_mobile.model.rmpsam import RmpSam
from rmpsam_mobile.runtime import MilRunner
from rmpsam_mobile.runtime.eager import contract_of, sizes_of
from rmpsam_mobile.runtime.mil import Arithmetic, Program, Step
from rmpsam_mobile.validate import ParityReport, check_parity, parity_inputs
from tests.runtime.mil.packages import convert, packaged

pytestmark = pytest.mark.xdist_group("packages")
SIZE = Size(64, 96)


@pytest.fixture
def runner(honest: MilRunner) -> MilRunner:
    """A runner of its own, whose programs a test may replace."""
    own = MilRunner(honest._paths, honest.contract)
    for graph in honest.graphs:
        own.use(graph, honest.load(graph))
    return own


def report(model: RmpSam, runner: MilRunner) -> ParityReport:
    return check_parity(model, runner, *parity_inputs(runner))


def test_every_graph_answers_as_eager(model: RmpSam, honest: MilRunner) -> None:
    found = report(model, honest)
    assert found.require() is found
    assert len(found.tensors) == 6
    assert set(honest.load_ms) == set(honest.graphs)


def test_reports_say_what_it_is(honest: MilRunner) -> None:
    assert honest.engine == "reference interpreter, not the Neural Engine (types of the program)"
    other = MilRunner({}, honest.contract, arithmetic=Arithmetic.FLOAT32)
    assert other.engine == "reference interpreter, not the Neural Engine (all in float32)"


def first(program: Program, operator: str, accept: Callable[[Step], bool] = lambda _: True) -> Step:
    return next(step for step in program.steps if step.operator == operator and accept(step))


def edited(program: Program, step: Step, **arguments: Any) -> Program:
    new = replace(step, arguments={**step.arguments, **arguments})
    return replace(program, steps=tuple(new if other is step else other for other in program.steps))


def swapped_axis(program: Program) -> Program:
    """A transpose of two axes of one size that were taken for one another."""
    square = first(program, "softmax")
    return edited(program, square, axis=-2)


def other_corners(program: Program) -> Program:
    step = first(program, "upsample_bilinear")
    return edited(program, step, align_corners=not step.arguments["align_corners"])


def shifted_pad(program: Program) -> Program:
    """The first padded convolution starts one cell early: the same size, another place."""
    step = first(program, "conv", lambda step: step.arguments["pad"] == [1, 1, 1, 1])
    return edited(program, step, pad=[2, 0, 2, 0])


@pytest.mark.parametrize(
    ("graph", "plant"),
    [
        (Graph.OBJECTS, swapped_axis),
        (Graph.ENCODER, other_corners),
        (Graph.ENCODER, shifted_pad),
    ],
)
def test_a_planted_conversion_error_is_caught(
    model: RmpSam, runner: MilRunner, graph: Graph, plant: Callable[[Program], Program]
) -> None:
    runner.use(graph, plant(runner.load(graph)))
    found = report(model, runner)
    assert {tensor.graph for tensor in found.tensors if not tensor.passes} == {graph}
    with pytest.raises(GateError, match="the files are not this model"):
        found.require()


def test_shapes_and_graphs_are_checked(honest: MilRunner) -> None:
    with pytest.raises(InputError) as caught:
        honest.run(Graph.ENCODER, [np.zeros((1, 3, 96, 64), np.float32)])
    assert str(caught.value) == "encoder: pixel_values has shape (1, 3, 96, 64); the package takes (1, 3, 64, 96)"
    with pytest.raises(UnsupportedError) as other:
        honest.run(Graph.CLIP, [np.zeros(1)])
    assert str(other.value).endswith("has no clip graph; it has encoder, objects, prompts")
    with pytest.raises(InputError, match=r"^objects: the package has pixel_values where mask_features are wanted$"):
        honest.use(Graph.OBJECTS, honest.load(Graph.ENCODER))


def test_outputs_are_the_callers_own(honest: MilRunner) -> None:
    pixels, _ = golden_inputs(honest.contract)
    (one,) = honest.run(Graph.ENCODER, [pixels])
    kept = one.copy()
    (other,) = honest.run(Graph.ENCODER, [np.zeros_like(pixels)])
    np.testing.assert_array_equal(one, kept)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("order", ["RGB", "BGR"])
def test_a_picture_as_input(model: RmpSam, tmp_path: Path, order: str) -> None:
    """One scale for all channels is what ImageType has; the graph here takes 0..255 and normalises itself."""
    import coremltools as ct
    from torch import Tensor, nn

    class Normalised(nn.Module):
        """Pixels of 0..255 in the package's order of colours."""

        def __init__(self, inner: nn.Module) -> None:
            super().__init__()
            self.inner = inner
            for name, numbers in (("mean", contract.mean), ("std", contract.std)):
                self.register_buffer(name, torch.tensor(numbers).reshape(1, 3, 1, 1))

        def forward(self, pixels: Tensor) -> Tensor:
            rgb = pixels.flip(1) if order == "BGR" else pixels
            out: Tensor = self.inner((rgb - self.get_buffer("mean")) / self.get_buffer("std"))
            return out

    contract = contract_of(model, GraphSizes(size=SIZE, num_slots=3))
    parts = split(model, sizes_of(model, contract.sizes))
    part = parts.parts[Graph.ENCODER]
    layout = getattr(ct.colorlayout, order)
    picture = [ct.ImageType(name="pixel_values", shape=(1, 3, *SIZE), color_layout=layout)]
    path = convert(replace(part, module=Normalised(part.module)), tmp_path / "e.mlpackage", inputs=picture)
    runner = MilRunner({Graph.ENCODER: path}, contract)
    assert runner.load(Graph.ENCODER).inputs[0].image == order
    assert report(model, runner).require().passes


# Minutes each from here on.


@pytest.mark.slow
@pytest.mark.parametrize("side", [96, 512])
def test_the_shipped_student(tmp_path: Path, side: int) -> None:
    student = load_checkpoint(shipped_weights("rmpsam-mobile-tiny"))
    report(student, packaged(student, Size(side, side), tmp_path, num_slots=4)).require()


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["rmpsam-r18", "rmpsam-seaformer-base"])
def test_official_models(tmp_path: Path, preset: str) -> None:
    seeded = build_model(seeded_checkpoint(preset))
    report(seeded, packaged(seeded, Size(64, 64), tmp_path, num_slots=2)).require()
