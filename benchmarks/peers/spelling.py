"""Operators of the peers that XNNPACK does not take, spelled in ones that it does, so that they lose nothing by them.

Each keeps the result; ``export/rewrites/plain_operators`` does the same for what our own graphs hold, and both are
applied to the peers' second form.
"""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

import torch
from torch import Tensor
from torch.export import ExportedProgram
from torch.fx import Node
from torch.nn import functional as F

from rmpsam_mobile.quiet import muted_warnings

aten = torch.ops.aten


def batched_product(left: Tensor, right: Tensor) -> Tensor:
    """A product of matrices over any number of leading axes as one of rank 3."""
    if left.dim() < 3 or left.shape[:-2] != right.shape[:-2]:
        return NotImplemented
    product = torch.bmm(left.reshape(-1, *left.shape[-2:]), right.reshape(-1, *right.shape[-2:]))
    return product.reshape(*left.shape[:-1], right.shape[-1])


def plain_attention(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None, *rest: float, scale: float | None = None
) -> Tensor:
    """Two products and a softmax; without a mask, dropout or causality, which are ``rest``."""
    if mask is not None or any(rest):
        return NotImplemented
    factor = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = batched_product(query * factor, key.transpose(-2, -1))
    return batched_product(scores.softmax(-1), value)


def channel_mean(x: Tensor, axes: Sequence[int] | None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """A mean over a map's channels as a 1x1 convolution with 1 / C."""
    if x.dim() != 4 or axes is None or list(axes) != [1] or not keepdim or dtype is not None:
        return NotImplemented
    return F.conv2d(x, torch.full((1, x.shape[1], 1, 1), 1 / x.shape[1]))


def split(x: Tensor, size: int, axis: int = 0) -> list[Tensor]:
    """Slices."""
    return [aten.slice.Tensor(x, axis, start, start + size) for start in range(0, x.shape[axis], size)]


def repeated(x: Tensor, count: int, axis: int | None = None, *, output_size: int | None = None) -> Tensor:  # noqa: ARG001
    """Copies of the only entry of an axis by a product that broadcasts."""
    if axis is None or x.shape[axis] != 1:
        return NotImplemented
    return x * torch.ones([count if i == axis % x.dim() else 1 for i in range(x.dim())])


SPELLINGS: Final[Mapping[Any, Callable[..., Any]]] = {
    aten.matmul.default: batched_product,
    aten.scaled_dot_product_attention.default: plain_attention,
    aten.mean.dim: channel_mean,
    aten.split.Tensor: split,
    aten.repeat_interleave.self_int: repeated,
}


def spell_peers(program: ExportedProgram) -> ExportedProgram:
    """Spell them; constants that are repeated along an axis are left as they are, because the sums broadcast them."""
    inputs = set(program.graph_signature.user_inputs)
    for node in list(program.graph.nodes):
        if node.target is aten.repeat_interleave.self_int and not _depends(node, inputs):
            node.replace_all_uses_with(node.args[0])
            program.graph.erase_node(node)
    with muted_warnings():  # torch warns of its own tree nodes
        return program.run_decompositions(dict(SPELLINGS))


def _depends(node: Node, inputs: Collection[Any]) -> bool:
    """Whether a node computes with what the graph is given."""
    return node.name in inputs or any(_depends(source, inputs) for source in node.all_input_nodes)
