"""Quantized graphs that torch runs: what a recipe gives before any file is lowered. Candidates are compared so."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from torch import Tensor
from torch.export import ExportedProgram
from torch.fx import GraphModule

from rmpsam_mobile.contracts import Graph, GraphSizes, ModelContract, Target
from rmpsam_mobile.export.capture import capture
from rmpsam_mobile.export.graph_runner import GraphRunner
from rmpsam_mobile.export.rewrites import apply_rewrites, rewrite_names
from rmpsam_mobile.export.split import SplitModel, split
from rmpsam_mobile.model.rmpsam import RmpSam
from rmpsam_mobile.quantization import QuantRecipe, convert, prepare, restore_observers
from rmpsam_mobile.runtime.eager import contract_of, sizes_of


@dataclass(frozen=True)
class CapturedModel:
    """All graphs of a model for one set of sizes as XNNPACK gets them, captured once."""

    parts: SplitModel
    programs: Mapping[Graph, ExportedProgram]
    contract: ModelContract

    def prepared(self, recipe: QuantRecipe) -> dict[Graph, GraphModule]:
        """Every graph with observers."""
        return {graph: prepare(program, recipe) for graph, program in self.programs.items()}

    def runner(self, modules: Mapping[Graph, GraphModule], engine: str) -> GraphRunner:
        """Run graphs of this model."""
        return GraphRunner(modules, self.contract, engine)

    def float_runner(self) -> GraphRunner:
        """Run the graphs as they were captured."""
        return GraphRunner(self.parts.modules, self.contract, "rewritten")


def capture_model(model: RmpSam, sizes: GraphSizes) -> CapturedModel:
    """Split, rewrite for XNNPACK and capture; ranges belong to graphs as that engine gets them."""
    sizes = sizes_of(model, sizes)
    parts = split(model, sizes)
    apply_rewrites(parts, rewrite_names(Target.XNNPACK))
    contract = replace(contract_of(model, sizes), sizes=parts.sizes)
    return CapturedModel(parts, {graph: capture(part) for graph, part in parts.parts.items()}, contract)


def converted(prepared: Mapping[Graph, GraphModule]) -> dict[Graph, GraphModule]:
    """Fix all ranges."""
    return {graph: convert(module) for graph, module in prepared.items()}


def restored(
    captured: CapturedModel, recipe: QuantRecipe, states: Mapping[Graph, Mapping[str, Tensor]]
) -> dict[Graph, GraphModule]:
    """Quantized graphs from stored observer states.

    Raises:
        ExportError: the states are of another model, recipe or version.
    """
    prepared = captured.prepared(recipe)
    for graph, module in prepared.items():
        restore_observers(module, states[graph], f"{graph} graph")
    return converted(prepared)
