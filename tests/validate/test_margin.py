"""The margin of flips is what float32 was seen to move a logit by: in a lowered file, and in the eager model."""

import copy
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.export import ExportedProgram
from torch.utils._python_dispatch import TorchDispatchMode

from rmpsam_mobile.bundle import golden_inputs
from rmpsam_mobile.checkpoint import build_model, seeded_checkpoint
from rmpsam_mobile.contracts import Graph, GraphSizes, Size, Target
from rmpsam_mobile.export.capture import capture
from rmpsam_mobile.export.rewrites import apply_program_rewrites, apply_rewrites, rewrite_names
from rmpsam_mobile.export.split import split
from rmpsam_mobile.model.graphs import build_graph
from rmpsam_mobile.model.rmpsam import RmpSam
from rmpsam_mobile.quiet import muted_warnings
from rmpsam_mobile.runtime.eager import contract_of, sizes_of
from rmpsam_mobile.runtime.pte import execute, load_method
from rmpsam_mobile.validate.parity import MARGIN

aten = torch.ops.aten


class _Compared(TorchDispatchMode):
    """Keeps all logits that are compared with zero."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.logits: list[Tensor] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        if func is aten.gt.Scalar and args[1] == 0:
            self.logits.append(args[0].double())
        return func(*args, **(kwargs or {}))


def eager_logits(model: RmpSam, graph: Graph, border: Tensor, more: list[Tensor]) -> list[Tensor]:
    like = model.panoptic_head.kernels.weight
    features = model.neck.mixed(border.to(like.dtype))
    with torch.no_grad(), _Compared() as compared:
        build_graph(model, graph)(features, *(value.to(like.dtype) for value in more))
    logits: list[Tensor] = compared.logits
    return logits


def file_logits(program: ExportedProgram, inputs: list[Tensor], path: Path) -> list[Tensor]:
    """Lower the program with the compared logits as further outputs, and run the file."""
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower

    module = program.module()
    graph = module.graph
    steep = [node.args[0] for node in graph.nodes if node.target is aten.clamp.default and node.args[1:] == (0.0, 1.0)]
    compared = [node.args[0] for node in steep if node.target is aten.mul.Tensor]
    (output,) = (node for node in graph.nodes if node.op == "output")
    with graph.inserting_before(output):
        # An output of its own: the runtime may reuse the memory of a value that is read inside the graph.
        output.args = (tuple(graph.call_function(aten.mul.Tensor, (node, 1.0)) for node in compared),)
    graph.set_codegen(torch.fx.graph.CodeGen())
    module.recompile()
    with muted_warnings():
        edge = to_edge_transform_and_lower(
            torch.export.export(module, tuple(inputs)), partitioner=[XnnpackPartitioner()]
        )
        path.write_bytes(edge.to_executorch().buffer)
    return [torch.from_numpy(value).double() for value in execute(load_method(path), [x.numpy() for x in inputs])]


@pytest.mark.slow
def test_the_margin_is_what_float32_moves_a_logit_by(tmp_path: Path) -> None:
    """The largest graphs that a gate has failed on: SeaFormer-Tiny at 512, random weights.

    The logits of the second comparison are looked at: they come from a masked sum over all pixels. What follows it has
    flips in it. Without ``slice_cells``, whose shorter sums move logits by a third of this.
    """
    model = build_model(seeded_checkpoint("rmpsam-seaformer-tiny"))
    sizes = sizes_of(model, GraphSizes(size=Size(512, 512)))
    pixel_values, prompts = golden_inputs(contract_of(model, sizes))
    with torch.no_grad():
        border = model.neck.located(model.backbone(torch.from_numpy(pixel_values)))
    names, parts = rewrite_names(Target.XNNPACK, skip=["slice_cells"]), split(model, sizes)
    apply_rewrites(parts, names)
    moved = []
    for graph in (Graph.OBJECTS, Graph.PROMPTS):
        more = [torch.from_numpy(value) for value in prompts.values()] if graph is Graph.PROMPTS else []
        program, _ = apply_program_rewrites(capture(parts.parts[graph]), names)
        exact = eager_logits(copy.deepcopy(model).double(), graph, border, more)
        eager = eager_logits(model, graph, border, more)
        lowered = file_logits(program, [border, *more], tmp_path / f"{graph}.pte")
        assert len(exact) == len(eager) == len(lowered)
        assert all(((logits[0] > 0).reshape(-1) == (exact[0] > 0).reshape(-1)).all() for logits in (eager, lowered))
        largest = exact[1].abs().max()
        distances = [float((logits[1].reshape(exact[1].shape) - exact[1]).abs().max()) for logits in (eager, lowered)]
        moved.append(sum(distances) / float(largest))
    assert 0.5 * MARGIN < max(moved) <= MARGIN, moved
