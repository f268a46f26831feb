"""A bundle's test of itself: the golden pair, and the same answer twice."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rmpsam_mobile.bundle import Bundle, GoldenTensor, judge_golden, read_golden, record_golden
from rmpsam_mobile.contracts import Graph
from rmpsam_mobile.errors import GateError
from rmpsam_mobile.runtime import Runner


@dataclass(frozen=True)
class SelfTest:
    """How the files answer the golden input now, and whether two runs were equal bit by bit."""

    tensors: tuple[GoldenTensor, ...]
    is_repeatable: bool

    @property
    def passes(self) -> bool:
        """Whether every tensor passes and two runs agree."""
        return self.is_repeatable and all(tensor.passes for tensor in self.tensors)

    def require(self) -> "SelfTest":
        """Return self.

        Raises:
            GateError: names what failed.
        """
        if not self.is_repeatable:
            raise GateError("two runs on the same input differ; this engine cannot be trusted on this machine")
        failed = [f"{tensor.graph}/{tensor.name}" for tensor in self.tensors if not tensor.passes]
        if failed:
            raise GateError(f"golden pair: {', '.join(failed)} answer otherwise than when the bundle was made")
        return self


def self_test(bundle: Bundle, runner: Runner) -> SelfTest:
    """Run the golden input twice."""
    graphs: dict[Graph, Sequence[str]] = {
        Graph(name): [tensor.name for tensor in artifact.outputs] for name, artifact in bundle.manifest.graphs.items()
    }
    first, second = (record_golden(runner.contract, graphs, runner.run) for _ in range(2))
    is_repeatable = all(np.array_equal(first.values[key], second.values[key]) for key in first.values)
    return SelfTest(tuple(judge_golden(read_golden(bundle.folder), first)), is_repeatable)
