"""What the delegate took of a lowered graph, by operators and by multiply-adds, and what it left, by name."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import torch
from torch.fx import GraphModule, Node
from torch.utils.flop_counter import conv_flop_count, flop_registry

from rmpsam_mobile.bundle import Delegation, Leftover

# Bookkeeping of the graph, no work of its own.
_NO_OPERATORS = frozenset({"getitem", "alloc", "executorch_call_delegate"})

_ATEN = torch.ops.aten
_WHOLE_CONVOLUTIONS = frozenset({_ATEN.conv1d, _ATEN.conv2d, _ATEN.conv_transpose1d, _ATEN.conv_transpose2d})


def delegation_of(graph_module: GraphModule, delegate: str) -> Delegation:
    """Count a lowered edge graph.

    Args:
        graph_module: of the edge program after partitioning.
        delegate: name for the report.
    """
    lowered = [module.original_module.graph_module for module in _lowered_modules(graph_module)]
    inside = [node for module in lowered for node in _operators(module)]
    outside = list(_operators(graph_module))
    macs_inside, macs_outside = (sum(map(multiply_adds, nodes)) for nodes in (inside, outside))
    total = macs_inside + macs_outside
    count: Counter[str] = Counter()
    macs: Counter[str] = Counter()
    for node in outside:
        count[_name(node)] += 1
        macs[_name(node)] += multiply_adds(node)
    return Delegation(
        delegate=delegate,
        subgraphs=len(lowered),
        operators_delegated=len(inside),
        operators_total=len(inside) + len(outside),
        macs_delegated=macs_inside,
        macs_total=total,
        leftovers=tuple(
            Leftover(operator=name, count=number, mac_share=macs[name] / max(total, 1))
            for name, number in count.most_common()
        ),
    )


def multiply_adds(node: Node) -> int:
    """Multiply-adds of one node by the shapes of its values; 0 for what is neither product nor convolution."""
    operator = _operator(node)
    if not isinstance(operator, torch._ops.OpOverload):
        return 0
    packet = operator.overloadpacket
    if packet is torch.ops.aten.linear:
        rows, weight = _value(node.args[0]), _value(node.args[1])
        return int(rows.numel() * weight.shape[0])
    if packet is torch.ops.aten.matmul:
        return int(node.meta["val"].numel() * _value(node.args[0]).shape[-1])
    if packet in _WHOLE_CONVOLUTIONS:  # as delegates get them that do not want them taken apart
        shapes = (_value(node.args[0]).shape, _value(node.args[1]).shape, node.meta["val"].shape)
        return int(conv_flop_count(*shapes, transposed="transpose" in str(packet))) // 2
    if packet not in flop_registry:
        return 0
    arguments = [_value(argument) for argument in node.args]
    return int(flop_registry[packet](*arguments, out_val=node.meta["val"])) // 2


def _lowered_modules(graph_module: GraphModule) -> Iterator[Any]:
    for node in graph_module.graph.nodes:
        if node.op == "get_attr" and hasattr(module := getattr(graph_module, str(node.target)), "original_module"):
            yield module


def _operators(graph_module: GraphModule) -> Iterator[Node]:
    for node in graph_module.graph.nodes:
        if node.op == "call_function" and _name(node) not in _NO_OPERATORS:
            yield node


def _name(node: Node) -> str:
    """``aten.index_select.default`` and the like."""
    operator = _operator(node)
    return (
        str(operator) if isinstance(operator, torch._ops.OpOverload) else str(getattr(operator, "__name__", operator))
    )


def _operator(node: Node) -> Any:
    """The node's torch operator; the edge dialect wraps it."""
    return node.target if isinstance(node.target, torch._ops.OpOverload) else getattr(node.target, "_op", node.target)


def _value(argument: Any) -> Any:
    return argument.meta["val"] if isinstance(argument, Node) else argument
