"""What each layer of a quantized graph got, and what stayed in float and why, by module path."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch.fx import GraphModule, Node

from rmpsam_mobile.quantization.float_nodes import has_weight, path_of

LEFT = "rmpsam_left"  # key of a node's meta: why it stays in float
NO_PATTERN = "product of two activations: the quantizer has no pattern for it"
NOT_TAKEN = "the quantizer took no pattern here"
_PRODUCTS = ("mm", "matmul")


@dataclass(frozen=True)
class LayerCoverage:
    """One convolution, linear layer or product.

    Attributes:
        path: of its module in the graph.
        operator: as torch names it.
        weights: numbers it stores.
        reason: why it is in float; None where it is in 8 bit.
    """

    path: str
    operator: str
    weights: int
    reason: str | None


@dataclass(frozen=True)
class QuantCoverage:
    """All layers of a graph, in the order of execution."""

    layers: tuple[LayerCoverage, ...]

    @property
    def done(self) -> Mapping[str, int]:
        """Number of 8-bit operators by name."""
        return Counter(layer.operator for layer in self.layers if layer.reason is None)

    @property
    def left(self) -> Mapping[str, int]:
        """Number of float operators by name."""
        return Counter(layer.operator for layer in self.layers if layer.reason is not None)

    @property
    def weight_share(self) -> float:
        """Share of the stored numbers that 8-bit operators hold, 0 to 1."""
        total = sum(layer.weights for layer in self.layers)
        return sum(layer.weights for layer in self.layers if layer.reason is None) / total if total else 0.0


def coverage_of(converted: GraphModule) -> QuantCoverage:
    """Look at the operators of a converted graph; one is in 8 bit when input and weight come from a dequantize."""
    layers = []
    for node in converted.graph.nodes:
        name = str(node.target)
        if node.op != "call_function" or "upsample" in name or "quantize" in name:
            continue
        if has_weight(node):
            done = all(_is_dequantized(value) for value in node.args[:2])
            reason = None if done else node.meta.get(LEFT, NOT_TAKEN)
            layers.append(LayerCoverage(path_of(node), name, _size(node.args[1]), reason))
        elif any(word in name for word in _PRODUCTS):
            layers.append(LayerCoverage(path_of(node), name, 0, node.meta.get(LEFT, NO_PATTERN)))
    return QuantCoverage(tuple(layers))


def _size(value: object) -> int:
    """Numbers of a stored tensor, behind a dequantize operator too."""
    while isinstance(value, Node) and value.op == "call_function" and value.all_input_nodes:
        value = value.all_input_nodes[0]
    if not isinstance(value, Node) or value.op != "get_attr":
        return 0
    stored: Any = value.graph.owning_module
    for name in str(value.target).split("."):
        stored = getattr(stored, name)
    return int(stored.numel())


def _is_dequantized(value: object) -> bool:
    return isinstance(value, Node) and "dequantize" in str(value.target)
