"""Operators that XNNPACK does not take, spelled in operators that it does.

before:  layer_norm, a sum or a largest value over the last axis, select, squeeze, unsqueeze, reciprocal, x * 2
after:   products with a constant row of ones, maxima of slices, views, a division, a product of two tensors

Each of them would end a delegate: the runtime leaves XNNPACK, copies the layout, runs a portable kernel and goes back.
Works on the captured program and after quantization, so that a quantizer still sees the norms as what they are. Core
ML has all of these operators and keeps them.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any, Final

import torch
from torch import Tensor
from torch.export import ExportedProgram
from torch.fx import Node
from torch.nn import functional as F

from rmpsam_mobile.quiet import muted_warnings

aten = torch.ops.aten
_ARITHMETIC: Final = (aten.add.Tensor, aten.sub.Tensor, aten.mul.Tensor, aten.div.Tensor)
MOST_SLICES: Final = 64  # of one maximum; longer axes stay as they are


def layer_norm(x: Tensor, shape: Sequence[int], weight: Tensor, bias: Tensor, *more: Any) -> Tensor:
    """Mean and variance as products with a row of 1 / C; over the last axis, as all norms here are."""
    if len(shape) != 1:
        return NotImplemented
    mean = torch.full((1, shape[0]), 1 / shape[0], dtype=x.dtype)
    eps = more[0] if more else 1e-5
    centred = x - F.linear(x, mean)
    variance = F.linear(centred * centred, mean)
    return centred * (variance + eps).rsqrt() * weight + bias


def sum_last(
    x: Tensor, axes: Sequence[int] | None, keepdim: bool = False, *, dtype: torch.dtype | None = None
) -> Tensor:
    """A sum over the last axis as a product with a row of ones."""
    if axes is None or [axis % x.dim() for axis in axes] != [x.dim() - 1] or dtype not in (None, x.dtype):
        return NotImplemented
    total = F.linear(x, torch.ones(1, x.shape[-1], dtype=x.dtype))
    return total if keepdim else total.reshape(x.shape[:-1])


def largest_last(x: Tensor, axes: Sequence[int] = (), keepdim: bool = False) -> Tensor:
    """The largest value over the last axis as maxima of its slices."""
    if [axis % x.dim() for axis in axes] != [x.dim() - 1] or x.shape[-1] > MOST_SLICES:
        return NotImplemented
    largest = reduce(torch.maximum, (x[..., i : i + 1] for i in range(x.shape[-1])))
    return largest if keepdim else largest.reshape(x.shape[:-1])


def unbind(x: Tensor, axis: int = 0) -> list[Tensor]:
    """Slices and views."""
    return [select(x, axis, i) for i in range(x.shape[axis])]


def select(x: Tensor, axis: int, index: int) -> Tensor:
    """A slice of one, and a view without its axis."""
    index, axis = index % x.shape[axis], axis % x.dim()
    part = aten.slice.Tensor(x, axis, index, index + 1)
    return part.reshape([side for i, side in enumerate(x.shape) if i != axis])


def squeeze(x: Tensor, axis: int) -> Tensor:
    """A view."""
    return x.reshape([side for i, side in enumerate(x.shape) if i != axis % x.dim() or side != 1])


def unsqueeze(x: Tensor, axis: int) -> Tensor:
    """A view."""
    shape = list(x.shape)
    shape.insert(axis % (x.dim() + 1), 1)
    return x.reshape(shape)


def stack(tensors: Sequence[Tensor], axis: int = 0) -> Tensor:
    """Views, laid next to one another."""
    return torch.cat([unsqueeze(x, axis) for x in tensors], axis)


def reciprocal(x: Tensor) -> Tensor:
    """A division."""
    return torch.ones(1, dtype=x.dtype) / x


def hardsigmoid(x: Tensor) -> Tensor:
    """min(max(x + 3, 0), 6) / 6; executorch would spell it with whole numbers, cast at each run."""
    return (x + _constant(3.0, x)).clamp(0.0, 6.0) * _constant(1 / 6, x)


def with_constant(operator: Any) -> Callable[..., Any]:
    """An operator of a tensor and a number as one of two tensors; a number is cast to float32 at each run."""

    def spelled(x: Any, y: Any, **more: Any) -> Any:
        if isinstance(x, Tensor) and isinstance(y, Tensor):
            return NotImplemented
        like = x if isinstance(x, Tensor) else y
        return operator(*(_constant(value, like) for value in (x, y)), **more)

    return spelled


def subtracted(x: Tensor, number: float, alpha: float = 1) -> Tensor:
    """``number - x``."""
    return aten.sub.Tensor(_constant(number, x), x, alpha=alpha)


def _constant(value: Any, like: Tensor) -> Tensor:
    return value if isinstance(value, Tensor) else torch.full((1,), value, dtype=like.dtype)


SPELLINGS: Final[Mapping[Any, Callable[..., Any]]] = {
    aten.layer_norm.default: layer_norm,
    aten.sum.dim_IntList: sum_last,
    aten.amax.default: largest_last,
    aten.unbind.int: unbind,
    aten.select.int: select,
    aten.squeeze.dim: squeeze,
    aten.unsqueeze.default: unsqueeze,
    aten.stack.default: stack,
    aten.reciprocal.default: reciprocal,
    aten.rsub.Scalar: subtracted,
    aten.hardsigmoid.default: hardsigmoid,
    **{operator: with_constant(operator) for operator in _ARITHMETIC},
}


def plain_operators(program: ExportedProgram) -> tuple[ExportedProgram, list[str]]:
    """Spell them; return the program and the operators that went, one name for each."""
    present = [str(node.target) for node in program.graph.nodes if node.target in SPELLINGS and _is_foreign(node)]
    if not present:
        return program, []
    with muted_warnings():  # torch warns of its own tree nodes
        spelled = program.run_decompositions(dict(SPELLINGS))
    for node in list(spelled.graph.nodes):  # which a decomposition leaves behind, and a portable kernel would copy
        if node.op == "call_function" and node.target is aten.alias.default:
            node.replace_all_uses_with(node.args[0])
            spelled.graph.erase_node(node)
    return spelled, present


def _is_foreign(node: Node) -> bool:
    """Whether it is no arithmetic of two tensors, which XNNPACK takes as it is."""
    return node.target not in _ARITHMETIC or not all(isinstance(argument, Node) for argument in node.args)
