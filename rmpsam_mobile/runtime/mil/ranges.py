"""How large the values of a half-precision program get, so that none leaves float16 unnoticed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from rmpsam_mobile.contracts import Graph
from rmpsam_mobile.runtime.base import Array
from rmpsam_mobile.runtime.mil.program import Step
from rmpsam_mobile.runtime.mil.runner import MilRunner

LARGEST_FLOAT16: Final = 65_504.0


@dataclass(frozen=True, kw_only=True)
class HalfRange:
    """The largest magnitude among a graph's float16 values, and the operator that gives it."""

    operator: str
    name: str
    largest: float

    @property
    def fits(self) -> bool:
        """Whether float16 can hold it."""
        return self.largest <= LARGEST_FLOAT16


def half_ranges(runner: MilRunner, inputs: Mapping[Graph, Sequence[Array]]) -> dict[Graph, HalfRange | None]:
    """Run each graph and look at every value that its program stores in float16; None where it stores none.

    Args:
        runner: in float32 arithmetic, in which nothing overflows.
        inputs: of each graph, in the order of its border.
    """
    found: dict[Graph, HalfRange | None] = {}
    for graph, arrays in inputs.items():
        seen: list[HalfRange] = []

        def watch(step: Step, results: Sequence[Tensor], seen: list[HalfRange] = seen) -> None:
            halves = [x for x, out in zip(results, step.outputs, strict=True) if out.dtype == "fp16" and x.numel()]
            largest = max((float(x.abs().nan_to_num(torch.inf).max()) for x in halves), default=-1.0)
            if not seen or largest > seen[0].largest:
                seen[:] = [HalfRange(operator=step.operator, name=step.name, largest=largest)]

        runner.watched(graph, arrays, watch)
        found[graph] = seen[0] if seen and seen[0].largest >= 0 else None
    return found
