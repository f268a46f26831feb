"""Parts for the tests of rewrites: whole models cut up, or one module in a border of its own."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from rmpsam_mobile.contracts import Graph, GraphSizes, GraphSpec, Size, TensorSpec
from rmpsam_mobile.export.split import Part, SplitModel, split
from rmpsam_mobile.model.graphs import build_graph
from rmpsam_mobile.model.rmpsam import RmpSam
from rmpsam_mobile.runtime.eager import sizes_of
from tests.models import enliven_norms, random_tensor, relative_error

# Relative to the largest magnitude: sums in another order over a few thousand terms, in both precisions.
LIMITS = {torch.float64: 1e-9, torch.float32: 1e-5}
DTYPES = tuple(LIMITS)


def cut(model: RmpSam, size: Size, *, num_slots: int = 3, clip_frames: int = 0) -> SplitModel:
    """All parts of a model."""
    return split(model, sizes_of(model, GraphSizes(size=size, num_slots=num_slots, clip_frames=clip_frames)))


def one_module(module: nn.Module, *shapes: tuple[int, ...]) -> SplitModel:
    """One module as a split model; it stands under ``inner`` and may take any inputs."""
    part = nn.Module()
    part.inner = module
    part.forward = lambda *inputs: part.inner(*inputs)  # type: ignore[operator]
    inputs = tuple(TensorSpec(name=f"input{i}", shape=shape, meaning="") for i, shape in enumerate(shapes))
    spec = GraphSpec(graph=Graph.ENCODER, inputs=inputs, outputs=())
    sizes = GraphSizes(size=Size(32, 32))
    part.requires_grad_(requires_grad=False).eval()
    return SplitModel("one module", sizes, {Graph.ENCODER: Part(part, spec)})


def inner(split_model: SplitModel) -> nn.Module:
    """What now stands in the place of ``one_module``'s module."""
    return split_model.parts[Graph.ENCODER].module.get_submodule("inner")


def alive(module: nn.Module, dtype: torch.dtype = torch.float64) -> nn.Module:
    """The module for inference, with norms that are not the identity."""
    enliven_norms(module)
    return module.to(dtype).eval().requires_grad_(requires_grad=False)


def natural_inputs(part: Part, seed: int = 0) -> tuple[Tensor, ...]:
    """What a part gets in use: normal numbers, and prompts inside a picture, one of them empty."""
    dtype = next(part.module.parameters()).dtype
    values = {}
    for i, spec in enumerate(part.spec.inputs):
        values[spec.name] = random_tensor(*spec.shape, seed=seed + i, dtype=dtype)
    if "labels" in values:
        height, width = 4 * part.spec.inputs[0].shape[2], 4 * part.spec.inputs[0].shape[3]
        scale = torch.tensor([width, height], dtype=dtype)
        corners = torch.rand(*values["boxes"].shape[:2], 2, 2, generator=torch.Generator().manual_seed(seed))
        values["boxes"] = (corners.to(dtype).sort(dim=2).values * scale).flatten(2)
        values["points"] = values["points"].sigmoid() * scale
        labels = torch.full_like(values["labels"], -1)
        labels[:, 0::3, 0] = 1  # a click; then a box; then nothing
        labels[:, 1::3, -1] = 1
        values["labels"] = labels
        values["image_size"] = torch.tensor([[height, width - 4]], dtype=dtype)
    return tuple(values.values())


def answers(module: nn.Module, inputs: Iterable[Tensor]) -> tuple[Tensor, ...]:
    """Outputs of a module without gradients, always as a tuple."""
    with torch.no_grad():
        found = module(*inputs)
    return found if isinstance(found, tuple) else (found,)


def largest_error(got: nn.Module, wanted: nn.Module, inputs: Iterable[Tensor]) -> float:
    """The largest relative error over all outputs."""
    given = tuple(inputs)
    pairs = zip(answers(got, given), answers(wanted, given), strict=True)
    return max(relative_error(a, b) for a, b in pairs)


def graph_error(parts: SplitModel, model: RmpSam, graph: Graph, seed: int = 0) -> float:
    """The largest relative error of a rewritten graph against the untouched model, whatever features it reads."""
    part, inputs = parts.parts[graph], natural_inputs(parts.parts[graph], seed)
    untouched = build_graph(model, graph, parts.sizes.clip_frames)
    if parts.sizes.query_width is None:
        return largest_error(part.module, untouched, inputs)
    with torch.no_grad():
        if graph is Graph.ENCODER:
            wanted: tuple[Tensor, ...] = (model.neck.located(model.backbone(*inputs)),)
        else:
            wanted = answers(untouched, (model.neck.mixed(inputs[0]), *inputs[1:]))
    return max(relative_error(a, b) for a, b in zip(answers(part.module, inputs), wanted, strict=True))


def operators(module: nn.Module, inputs: tuple[Tensor, ...]) -> set[str]:
    """Names of the operators of a captured module, such as ``aten.linspace.default``."""
    program = torch.export.export(module, inputs, strict=False)
    return {str(node.target) for node in program.graph.nodes if node.op == "call_function"}


def changes(apply: Callable[[SplitModel], list[str]], split_model: SplitModel) -> int:
    """How many places a rewrite changes."""
    return len(apply(split_model))
