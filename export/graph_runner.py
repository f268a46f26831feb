"""Graphs that torch runs as a Runner: with observers, quantized, or as they were captured."""

from collections.abc import Mapping, Sequence

import torch
from torch import nn

from rmpsam_mobile.contracts import Graph, ModelContract
from rmpsam_mobile.errors import UnsupportedError
from rmpsam_mobile.runtime import Array


class GraphRunner:
    """Runs one module a graph, in the module's own arithmetic."""

    def __init__(self, modules: Mapping[Graph, nn.Module], contract: ModelContract, engine: str) -> None:
        """Args: modules: by graph; contract: of their own sizes; engine: what reports call it."""
        self.contract, self.engine = contract, engine
        self.graphs = tuple(modules)
        self._modules = modules

    def run(self, graph: Graph, inputs: Sequence[Array]) -> tuple[Array, ...]:
        """See ``Runner.run``."""
        if graph not in self._modules:
            raise UnsupportedError(f"{self.contract.label} has no {graph} graph; it has {', '.join(self.graphs)}")
        with torch.no_grad():  # observers keep plain tensors, which inference mode would not make
            outputs = self._modules[graph](*(torch.as_tensor(x, dtype=torch.float32) for x in inputs))
        return tuple(out.numpy() for out in (outputs if isinstance(outputs, tuple | list) else (outputs,)))
