"""Which nodes of a captured graph stay in float, each with its reason."""

import torch
from torch.fx import GraphModule, Node

from rmpsam_mobile.errors import InputError
from rmpsam_mobile.quantization.recipes import QuantRecipe

POSITIONS = "positions: rounded, a bounded sample or a gather reads elsewhere"
CLASSIFIER = "merged classifier: its rows are divided by lengths"
BY_RECIPE = "the recipe keeps it in float"
_ROOTS = {"EncoderGraph": "encoder", "ObjectsGraph": "objects", "PromptsGraph": "prompts", "ClipGraph": "clip"}


def float_nodes(module: GraphModule, recipe: QuantRecipe) -> dict[str, str]:
    """Names of the nodes that stay in float, with reasons.

    Raises:
        InputError: the recipe names a layer of this graph that is not there.
    """
    calls = [node for node in module.graph.nodes if node.op == "call_function"]
    found = {node.name: BY_RECIPE for node in _named(calls, recipe.float_paths(graph_of(module)), recipe.name)}
    found |= dict.fromkeys(_lengths(calls), CLASSIFIER)
    return found | dict.fromkeys(position_nodes(module), POSITIONS)


def position_nodes(module: GraphModule) -> frozenset[str]:
    """Names of the nodes that compute where a deformable convolution reads, back to that of the offsets.

    A row number times a width, rounded to 8 bit, names another row, so a gather's offsets are in float with their
    convolution. The weights of bounded samples are 1 - |distance|, and their windows slices of joined slices, which
    would get two scales each: executorch 1.4 writes a file of them that does not load.
    """
    calls = [node for node in module.graph.nodes if node.op == "call_function"]
    found: dict[Node, None] = {}
    waiting = [node.args[2] for node in calls if node.target is torch.ops.aten.index_select.default]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Node) and node not in found:
            found[node] = None
            waiting += [] if has_weight(node) else node.all_input_nodes
    waiting = [node for node in calls if _within(node, "BoundedDeformConv")]
    while waiting:
        node = waiting.pop()
        is_inside = _within(node, "BoundedDeformConv") or _within(node, "DeformUpsample")
        if is_inside and node not in found and not has_weight(node):
            found[node] = None
            waiting += node.all_input_nodes
    return frozenset(node.name for node in found)


def path_of(node: Node) -> str:
    """Path of the innermost module that computes the node; empty for the graph's own."""
    entries = [entry[0] for entry in node.meta.get("nn_module_stack", {}).values()]
    return str(entries[-1]) if entries else ""


def graph_of(module: GraphModule) -> str:
    """The graph that a captured program is, by the class of its outermost module; empty for any other module."""
    for node in module.graph.nodes:
        for _, kind in node.meta.get("nn_module_stack", {}).values():
            return _ROOTS.get(str(kind).rpartition(".")[2].rstrip("'>"), "")
    return ""


def has_weight(node: Node) -> bool:
    """Whether a node is a convolution or a linear layer."""
    return any(word in str(node.target) for word in ("conv", "linear"))


def _named(calls: list[Node], paths: tuple[str, ...], recipe: str) -> list[Node]:
    chosen = []
    for path in paths:
        below = [node for node in calls if _is_at(path_of(node), path)]
        if not below:
            known = sorted({path_of(node) for node in calls if has_weight(node)})
            raise InputError(f"recipe {recipe!r}: no layer {path!r} in this graph; layers are {', '.join(known):.300}")
        chosen += below
    return chosen


def _lengths(calls: list[Node]) -> list[str]:
    """All of a merged classifier but the products with its rows and with their order: lengths divide in it."""
    inside = [node for node in calls if _within(node, "MergedClassifier")]
    roots, squares = [node for node in inside if node.target is torch.ops.aten.rsqrt.default], set[Node]()
    while roots:
        node = roots.pop()
        if node in inside and node not in squares:
            squares.add(node)
            roots += node.all_input_nodes
    return [node.name for node in inside if node in squares or not has_weight(node)]


def _is_at(path: str, wanted: str) -> bool:
    """Whether a module is the wanted one or lies below it; ``=`` in front wants the module's own operators alone."""
    if wanted.startswith("="):
        return path == wanted[1:]
    return path == wanted or path.startswith(f"{wanted}.")


def _within(node: Node, kind: str) -> bool:
    """Whether a module of that class computes the node."""
    return any(str(found).endswith(kind) for _, found in node.meta.get("nn_module_stack", {}).values())
