"""The Runner protocol: the same call in every engine."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rmpsam_mobile.contracts import Graph, ModelContract

Array = NDArray[np.floating]


class Runner(Protocol):
    """Runs the graphs of one model. Borders are those of ``contracts.graph_spec``."""

    @property
    def contract(self) -> ModelContract:
        """What a caller must know: sizes, preprocessing, classes, thresholds."""
        ...

    @property
    def engine(self) -> str:
        """Name of the engine, for reports."""
        ...

    @property
    def graphs(self) -> tuple[Graph, ...]:
        """The graphs that can be run."""
        ...

    def run(self, graph: Graph, inputs: Sequence[Array]) -> tuple[Array, ...]:
        """Run one graph on arrays in the order of its border; the outputs are the caller's own.

        Raises:
            UnsupportedError: this model has no such graph.
            InputError: an input has another shape than the border says.
        """
        ...
