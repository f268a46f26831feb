"""The rewritten parts as a Runner: what files answer, before an engine has touched them."""

from collections.abc import Sequence

import torch

from rmpsam_mobile.contracts import Graph, ModelContract
from rmpsam_mobile.errors import UnsupportedError
from rmpsam_mobile.export.split import SplitModel
from rmpsam_mobile.runtime import Array


class RewrittenRunner:
    """Runs the modules of a split model as they stand."""

    engine = "rewritten"

    def __init__(self, split: SplitModel, contract: ModelContract) -> None:
        """Args: contract: of the split model's own sizes, which a rewrite may have changed."""
        self.contract = contract
        self.graphs = tuple(split.parts)
        self._parts = split.parts

    def run(self, graph: Graph, inputs: Sequence[Array]) -> tuple[Array, ...]:
        """See ``Runner.run``."""
        if graph not in self._parts:
            raise UnsupportedError(f"{self.contract.label} has no {graph} graph; it has {', '.join(self.graphs)}")
        module = self._parts[graph].module
        dtype = next(module.parameters()).dtype
        with torch.inference_mode():
            outputs = module(*(torch.as_tensor(x, dtype=dtype) for x in inputs))
        return tuple(out.numpy() for out in (outputs if isinstance(outputs, tuple) else (outputs,)))
