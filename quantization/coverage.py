"""What a quantized graph computes in 8 bit, and what it left in float, by name."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from torch.fx import GraphModule, Node

_WEIGHTED = ("conv", "linear")
_PRODUCTS = ("mm", "matmul")  # of two activations: the quantizer has no pattern for them, whatever their inputs are


@dataclass(frozen=True)
class QuantCoverage:
    """Counts of operators with weights or products: in 8 bit, and left in float by operator name."""

    done: Mapping[str, int]
    left: Mapping[str, int]


def coverage_of(converted: GraphModule) -> QuantCoverage:
    """Count the operators of a converted graph; one is done when input and weight come from a dequantize."""
    done: Counter[str] = Counter()
    left: Counter[str] = Counter()
    for node in converted.graph.nodes:
        name = str(node.target)
        if node.op != "call_function" or "upsample" in name:
            continue
        if any(word in name for word in _WEIGHTED):
            is_done = all(_is_dequantized(value) for value in node.args[:2])
            (done if is_done else left)[name] += 1
        elif any(word in name for word in _PRODUCTS):
            left[name] += 1
    return QuantCoverage(done, left)


def _is_dequantized(value: object) -> bool:
    return isinstance(value, Node) and "dequantize" in str(value.target)
