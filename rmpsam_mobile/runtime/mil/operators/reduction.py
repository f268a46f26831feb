"""Operators that take axes away, or order and sum up along one."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import torch
from torch import Tensor


def _reduction(function: Callable[[Tensor, list[int], bool], Tensor]) -> Callable[..., Tensor]:
    def run(x: Tensor, axes: list[int] | None = None, keep_dims: bool = False) -> Tensor:
        return function(x, axes if axes is not None else list(range(x.ndim)), keep_dims)

    return run


def _prod(x: Tensor, axes: list[int], keep_dims: bool) -> Tensor:
    for axis in sorted((axis % x.ndim for axis in axes), reverse=True):
        x = x.prod(axis, keepdim=keep_dims)
    return x


def _argmax(x: Tensor, axis: int = -1, keep_dims: bool = False, output_dtype: str = "int32") -> Tensor:  # noqa: ARG001
    return x.argmax(axis, keepdim=keep_dims)


def _argmin(x: Tensor, axis: int = -1, keep_dims: bool = False, output_dtype: str = "int32") -> Tensor:  # noqa: ARG001
    return x.argmin(axis, keepdim=keep_dims)


def _cumsum(x: Tensor, axis: int = 0, exclusive: bool = False, reverse: bool = False) -> Tensor:
    x = x.flip(axis) if reverse else x
    sums = x.cumsum(axis)
    if exclusive:
        sums = torch.cat([torch.zeros_like(x.narrow(axis, 0, 1)), sums.narrow(axis, 0, x.shape[axis] - 1)], axis)
    return sums.flip(axis) if reverse else sums


def _argsort(x: Tensor, axis: int = -1, ascending: bool = False) -> Tensor:
    return x.sort(dim=axis, descending=not ascending, stable=True).indices


def _topk(
    x: Tensor,
    k: int = 1,
    axis: int = -1,
    ascending: bool = False,
    *,
    sort: bool = True,  # noqa: ARG001 sorted is one of the orders that unsorted allows
    return_indices: bool = True,
    output_indices_dtype: str = "int32",  # noqa: ARG001 the output's own type says it
) -> tuple[Tensor, ...]:
    """The largest, or in ascending order the smallest; of equal ones the first."""
    values, indices = x.sort(dim=axis, descending=not ascending, stable=True)
    found = values.narrow(axis, 0, k), indices.narrow(axis, 0, k)
    return found if return_indices else found[:1]


REDUCTION: Final[Mapping[str, Callable[..., Any]]] = {
    "argsort": _argsort,
    "cumsum": _cumsum,
    "reduce_argmax": _argmax,
    "reduce_argmin": _argmin,
    "reduce_l1_norm": _reduction(lambda x, axes, keep: x.abs().sum(axes, keepdim=keep)),
    "reduce_l2_norm": _reduction(lambda x, axes, keep: x.square().sum(axes, keepdim=keep).sqrt()),
    "reduce_log_sum": _reduction(lambda x, axes, keep: x.sum(axes, keepdim=keep).log()),
    "reduce_log_sum_exp": _reduction(lambda x, axes, keep: x.logsumexp(axes, keepdim=keep)),
    "reduce_max": _reduction(lambda x, axes, keep: x.amax(axes, keepdim=keep)),
    "reduce_mean": _reduction(lambda x, axes, keep: x.float().mean(axes, keepdim=keep)),
    "reduce_min": _reduction(lambda x, axes, keep: x.amin(axes, keepdim=keep)),
    "reduce_prod": _reduction(_prod),
    "reduce_sum": _reduction(lambda x, axes, keep: x.sum(axes, keepdim=keep)),
    "reduce_sum_square": _reduction(lambda x, axes, keep: x.square().sum(axes, keepdim=keep)),
    "topk": _topk,
}
