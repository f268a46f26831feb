"""Packages of whole models in float32, and runners over them."""

import gc
from pathlib import Path
from typing import Any

import torch
from torch import nn

from rmpsam_mobile.contracts import Graph, GraphSizes, Size
from rmpsam_mobile.export.capture import capture
from rmpsam_mobile.export.rewrites import apply_rewrites
from rmpsam_mobile.export.split import Part, split
from rmpsam_mobile.model.rmpsam import RmpSam
from rmpsam_mobile.quiet import muted_start, muted_warnings
from rmpsam_mobile.runtime.eager import contract_of, sizes_of
from rmpsam_mobile.runtime.mil import MilRunner

# with these, features are eager's own, so that each graph can be compared by itself
KEEP_THE_BORDER = ("fold_batch_norm", "gather_deform", "collapse_prompt_attention", "bake_constants", "pool_axis_means")


def convert(part: Part, path: Path, *, inputs: list[Any] | None = None) -> Path:
    """One part as a package for iOS 17 in float32; ``inputs`` in the place of plain tensors, such as a picture."""
    with muted_start():
        import coremltools as ct

    tensors = [ct.TensorType(name=tensor.name, shape=tensor.shape) for tensor in part.spec.inputs]
    with muted_warnings():
        program = capture(part).run_decompositions({})
        for node in list(program.graph.nodes):  # coremltools 9.0 has no aliases
            if node.op == "call_function" and node.target is torch.ops.aten.alias.default:
                node.replace_all_uses_with(node.args[0])
                program.graph.erase_node(node)
        model = ct.convert(
            program,
            convert_to="mlprogram",
            inputs=inputs or tensors,
            outputs=[ct.TensorType(name=tensor.name) for tensor in part.spec.outputs],
            minimum_deployment_target=ct.target.iOS17,
            compute_precision=ct.precision.FLOAT32,
            skip_model_load=True,
        )
        model.save(str(path))
        del model
        gc.collect()  # its temporary folder complains when it is cleared away later
    return path


def packaged(model: RmpSam, size: Size, folder: Path, *, num_slots: int = 3) -> MilRunner:
    """All graphs of a float32 model, rewritten, as packages, and a runner over them."""
    parts = split(model, sizes_of(model, GraphSizes(size=size, num_slots=num_slots)))
    apply_rewrites(parts, KEEP_THE_BORDER)
    paths = {graph: convert(part, folder / f"{graph}.mlpackage") for graph, part in parts.parts.items()}
    return MilRunner(paths, contract_of(model, parts.sizes))


def edit(path: Path, change: Any) -> None:
    """Let ``change`` write into a package's specification, on disk."""
    with muted_start():
        import coremltools as ct

    specification = ct.utils.load_spec(str(path))
    change(specification)
    (file,) = path.rglob("*.mlmodel")
    file.write_bytes(specification.SerializeToString())


def operations(specification: Any) -> Any:
    """The operations of a package's main function."""
    main = specification.mlProgram.functions["main"]
    return main.block_specializations[main.opset].operations


class Layer(nn.Module):
    """A linear layer large enough to have its weights in a file."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(64, 32)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.inner(x)
        return out


def layer_part() -> Part:
    """That layer as a part with inputs ``input0`` [1, 64] and output ``y``."""
    from rmpsam_mobile.contracts import GraphSpec, TensorSpec

    torch.manual_seed(0)
    x, y = (TensorSpec(name=name, shape=shape, meaning="") for name, shape in (("x", (1, 64)), ("y", (1, 32))))
    return Part(Layer().eval(), GraphSpec(graph=Graph.ENCODER, inputs=(x,), outputs=(y,)))
