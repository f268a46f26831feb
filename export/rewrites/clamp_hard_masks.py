"""Hard masks without a comparison.

before:  (logits > 0).to(float32)
after:   clamp(logits * 2^100, 0, 1)

No delegate takes a comparison. The two agree for every logit but those between 0 and 2^-100, where the official
sigmoid(logit) > 0.5, at a distance of 1e-7, is wrong by far more (reference, quirk 7). On the captured program and
after quantization: a quantizer could not put that factor into eight bits. Core ML compares natively.
"""

from typing import Any, Final

import torch
from torch.export import ExportedProgram
from torch.fx import Node

aten = torch.ops.aten
STEEPNESS: Final = 2.0**100


def clamp_hard_masks(program: ExportedProgram) -> tuple[ExportedProgram, list[str]]:
    """Replace each comparison with zero that becomes a number; return the program and the comparisons' names."""
    changed = []
    for node in list(program.graph.nodes):
        if node.target is aten.gt.Scalar and node.args[1] == 0 and _becomes_number(node):
            _replace(program.graph, node)
            changed.append(node.name)
    return program, changed


def _becomes_number(node: Node) -> bool:
    return all(_is_check(user) or (_is_cast(user) and user.meta["val"].is_floating_point()) for user in node.users)


def _is_cast(node: Node) -> bool:
    return node.target in (aten.to.dtype, aten._to_copy.default)


def _is_check(node: Node) -> bool:
    return node.target is aten._assert_tensor_metadata.default


def _replace(graph: torch.fx.Graph, comparison: Node) -> None:
    logits: Any = comparison.args[0]
    for user in list(comparison.users):
        if _is_cast(user):
            with graph.inserting_before(user):
                steep = graph.call_function(aten.mul.Tensor, (logits, STEEPNESS))
                mask = graph.call_function(aten.clamp.default, (steep, 0.0, 1.0))
            steep.meta, mask.meta = dict(user.meta), dict(user.meta)
            user.replace_all_uses_with(mask)
        graph.erase_node(user)
    graph.erase_node(comparison)
