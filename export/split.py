"""The cut: one model into separately run parts, each a module of its own with its border."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from rmpsam_mobile.contracts import Graph, GraphSizes, GraphSpec, graph_spec
from rmpsam_mobile.export.deform_forms import DeformChoice
from rmpsam_mobile.model.graphs import build_graph
from rmpsam_mobile.model.rmpsam import RmpSam


@dataclass(frozen=True)
class Part:
    """One graph: its module, free to be rewritten, and its border."""

    module: nn.Module
    spec: GraphSpec

    def example_inputs(self) -> tuple[Tensor, ...]:
        """Tensors of the border's shapes in the module's dtype: small, not zero, the same at each call."""
        generator = torch.Generator().manual_seed(0)
        dtype = next(self.module.parameters()).dtype
        return tuple(torch.rand(spec.shape, generator=generator, dtype=dtype) for spec in self.spec.inputs)


@dataclass
class SplitModel:
    """All parts of one model for one set of sizes, in the order in which they run; rewrites change it in place."""

    preset: str
    sizes: GraphSizes
    parts: dict[Graph, Part]
    deform: Mapping[str, DeformChoice] = field(default_factory=dict)  # by path; what is not here gets its exact form

    @property
    def modules(self) -> dict[Graph, nn.Module]:
        """What each graph computes."""
        return {graph: part.module for graph, part in self.parts.items()}


def split(model: RmpSam, sizes: GraphSizes, deform: Mapping[str, DeformChoice] | None = None) -> SplitModel:
    """Copy the parts out of ``model``, which stays as it is.

    Without class embeddings there are no object graphs: ``left_out`` says so. ``deform`` holds the forms of
    deformable convolutions by path, ``encoder.neck.deconv.deform_conv1.dcn``.
    """
    parts = {}
    for graph in exported_graphs(model, sizes):
        module = copy.deepcopy(build_graph(model, graph, sizes.clip_frames)).requires_grad_(requires_grad=False)
        parts[graph] = Part(module, graph_spec(graph, sizes))
    return SplitModel(model.preset, sizes, parts, deform or {})


def exported_graphs(model: RmpSam, sizes: GraphSizes) -> tuple[Graph, ...]:
    """The graphs that this model and these sizes give."""
    with_classes = () if model.classifier is None else (Graph.OBJECTS,)
    with_clips = (Graph.CLIP,) if with_classes and sizes.clip_frames else ()
    return (Graph.ENCODER, *with_classes, Graph.PROMPTS, *with_clips)


def left_out(model: RmpSam, sizes: GraphSizes) -> dict[Graph, str]:
    """Graphs that an export will not hold, each with its reason."""
    no_classes = "the checkpoint has no class embeddings; import it with --classifier FILE"
    reasons = {}
    if model.classifier is None:
        reasons = {Graph.OBJECTS: no_classes, Graph.CLIP: no_classes}
    elif not sizes.clip_frames:
        reasons = {Graph.CLIP: "not asked for; videos are linked frame by frame; ask with --clip-frames 3"}
    return reasons
