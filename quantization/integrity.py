"""The gate of a quantized graph: every range was seen, none is degenerate, and what should be in 8 bit is."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from torch.fx import GraphModule, Node

from rmpsam_mobile.contracts import Graph
from rmpsam_mobile.errors import GateError
from rmpsam_mobile.quantization.coverage import QuantCoverage
from rmpsam_mobile.quantization.float_nodes import path_of
from rmpsam_mobile.quantization.recipes import QuantRecipe

KEY: Final = "quantization_annotation"
SLACK: Final = 1.35  # of a file's bytes over its weights': scales, float biases, operators, and what stays in float
ROOM: Final = 160_000  # bytes of a file without any weight: its operators and constants


def require_observed(prepared: GraphModule, graph: str) -> None:
    """Refuse a calibrated graph with a hole.

    Raises:
        GateError: a quantizable input without an observer, an observer without data, a range that holds the value
            zero alone or something that is no number.
    """
    for node in prepared.graph.nodes:
        for source in _missing(node):
            raise GateError(
                f"{graph}: {path_of(node) or node.name} reads {source.name} without an observer; quantize again"
            )
    for source, observer in _observers(prepared):
        problem = _problem(observer, is_stored=source.op == "get_attr")
        if problem:
            raise GateError(
                f"{graph}: the range of {source} {problem}; "
                "calibrate with more pictures, or keep the layer in float (in_float)"
            )


def require_quantized(coverage: Mapping[Graph, QuantCoverage], recipe: QuantRecipe) -> None:
    """Refuse a model of which nothing was quantized.

    Raises:
        GateError: no layer of any graph is in 8 bit.
    """
    if not any(found.done for found in coverage.values()):
        count = sum(len(found.layers) for found in coverage.values())
        raise GateError(f"recipe {recipe.name} left all {count} layers in float; nothing was quantized; see in_float")


def require_bytes(size: int, coverage: QuantCoverage, graph: str) -> None:
    """Refuse a file that is larger than its 8-bit and float weights can make it: one that was quantized in words only.

    Args:
        size: bytes of the lowered file.
        coverage: of the graph that it was lowered from.
        graph: for the message.

    Raises:
        GateError: it is larger.
    """
    wanted = sum(layer.weights * (1 if layer.reason is None else 4) for layer in coverage.layers)
    limit = int(SLACK * wanted) + ROOM
    if size > limit:
        raise GateError(
            f"{graph}: the file has {size:,} bytes where its weights need {wanted:,} and the limit is {limit:,}; "
            "it does not hold 8-bit weights; quantize and export again"
        )


def _missing(node: Node) -> Iterator[Node]:
    """Inputs that the quantizer wanted observed and that come straight from a float operator."""
    annotation = node.meta.get(KEY)
    wanted = {} if annotation is None else annotation.input_qspec_map
    names = {source.name for source, spec in wanted.items() if spec is not None}
    yield from (source for source in node.all_input_nodes if source.name in names)


def _observers(prepared: GraphModule) -> Iterator[tuple[Node, Any]]:
    from torchao.quantization.pt2e import ObserverBase

    for node in prepared.graph.nodes:
        if node.op == "call_module":
            module = prepared.get_submodule(str(node.target))
            if isinstance(module, ObserverBase):
                yield node.all_input_nodes[0], module


def _problem(observer: Any, *, is_stored: bool) -> str | None:
    """What is wrong with what an observer saw; stored zeros, as of a layer that was never trained, are right."""
    if not hasattr(observer, "min_val"):
        return None  # ranges of each run
    low, high = observer.min_val, observer.max_val
    if not low.numel() or bool((low > high).any()):
        return "saw no data"
    if not bool(low.isfinite().all() and high.isfinite().all()):
        return "is no finite number"
    return "is the value zero alone" if not is_stored and bool(((low == 0) & (high == 0)).all()) else None
