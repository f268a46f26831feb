"""What a quantized graph computes in 8 bit, and what it left in float, by name."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from torch.fx import GraphModule, Node

_WEIGHTED = ("conv", "linear", "mm", "matmul")


@dataclass(frozen=True)
class QuantCoverage:
    """Counts of operators with weights or products: in 8 bit, and left in float by operator name."""

    done: Mapping[str, int]
    left: Mapping[str, int]


def coverage_of(converted: GraphModule) -> QuantCoverage:
    """Count the operators of a converted graph; one is done when its first input comes from a dequantize."""
    done: Counter[str] = Counter()
    left: Counter[str] = Counter()
    for node in converted.graph.nodes:
        name = str(node.target)
        if node.op != "call_function" or not any(word in name for word in _WEIGHTED):
            continue
        first = node.args[0]
        is_done = isinstance(first, Node) and "dequantize" in str(first.target)
        (done if is_done else left)[name] += 1
    return QuantCoverage(done, left)
