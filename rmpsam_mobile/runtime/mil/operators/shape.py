"""Operators that move numbers without changing them: shapes, slices, joints, paddings, and tensors made of shapes."""

from collections.abc import Callable, Mapping
from itertools import zip_longest
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import functional as F

from rmpsam_mobile.errors import UnsupportedError


def _reshape(x: Tensor, shape: list[int]) -> Tensor:
    """A size of 0 is that of the input's same axis."""
    return x.reshape([size or x.shape[i] for i, size in enumerate(shape)] if 0 in shape else shape)


def _transpose(x: Tensor, perm: list[int]) -> Tensor:
    return x.permute(perm)


def _expand_dims(x: Tensor, axes: list[int]) -> Tensor:
    """Axes count in the result."""
    rank = x.ndim + len(axes)
    for axis in sorted(axis % rank for axis in axes):
        x = x.unsqueeze(axis)
    return x


def _squeeze(x: Tensor, axes: list[int] | None = None) -> Tensor:
    return x.squeeze(tuple(axes)) if axes is not None else x.squeeze()


def _flatten2d(x: Tensor, axis: int = 1) -> Tensor:
    before = torch.Size(x.shape[:axis]).numel()
    return x.reshape(before, -1)


def _reverse(x: Tensor, axes: list[int] | None = None) -> Tensor:
    return x.flip(axes if axes is not None else list(range(x.ndim)))


def _slice_by_index(
    x: Tensor,
    begin: list[int],
    end: list[int],
    stride: list[int] | None = None,
    begin_mask: list[bool] | None = None,
    *,
    end_mask: list[bool] | None = None,
    squeeze_mask: list[bool] | None = None,
) -> Tensor:
    """As Python slices; a mask takes the whole way from the start or to the end, squeezing takes one and its axis."""
    columns = (begin_mask or [], end_mask or [], squeeze_mask or [])
    gone = []
    rows = zip_longest(begin, end, stride or [1] * x.ndim, *columns, fillvalue=False)
    for axis, (start, stop, step, from_start, to_end, squeezed) in enumerate(rows):
        if squeezed:
            gone.append(axis)
            x = x.narrow(axis, start % x.shape[axis], 1)
            continue
        taken = range(x.shape[axis])[slice(None if from_start else start, None if to_end else stop, step)]
        x = x[(slice(None),) * axis + (_forward(taken),)]
        x = x.flip(axis) if step < 0 else x
    return x.squeeze(tuple(gone)) if gone else x


def _forward(taken: range) -> slice:
    """The same places from the first to the last, since torch has no steps backwards."""
    ordered = taken if taken.step > 0 else taken[::-1]
    return slice(ordered.start, max(ordered.stop, ordered.start), ordered.step)


def _slice_by_size(x: Tensor, begin: list[int], size: list[int]) -> Tensor:
    """A size of -1 takes all the rest."""
    for axis, (start, length) in enumerate(zip(begin, size, strict=True)):
        first = start % x.shape[axis] if start < 0 else start
        x = x.narrow(axis, first, x.shape[axis] - first if length == -1 else length)
    return x


def _concat(values: list[Tensor], axis: int, interleave: bool = False) -> Tensor:
    if interleave:  # first cell of each, then second of each
        return torch.stack(values, axis % values[0].ndim + 1).flatten(axis % values[0].ndim, axis % values[0].ndim + 1)
    return torch.cat(values, axis)


def _stack(values: list[Tensor], axis: int) -> Tensor:
    return torch.stack(values, axis)


def _split(
    x: Tensor, axis: int, num_splits: int | None = None, split_sizes: list[int] | None = None
) -> tuple[Tensor, ...]:
    sizes = split_sizes if split_sizes is not None else [x.shape[axis] // (num_splits or 1)] * (num_splits or 1)
    return torch.split(x, sizes, axis)


def _tile(x: Tensor, reps: list[int]) -> Tensor:
    return x.repeat(reps)


def _pad(x: Tensor, pad: list[int], mode: str = "constant", constant_val: float = 0.0) -> Tensor:
    """``pad`` holds cells before and after each of the last axes."""
    pairs = list(zip(pad[::2], pad[1::2], strict=True))
    if mode == "constant":
        return F.pad(x, [cells for pair in reversed(pairs) for cells in pair], value=constant_val)
    for axis, (before, after) in enumerate(pairs, start=x.ndim - len(pairs)):
        places = torch.arange(-before, x.shape[axis] + after)
        last = x.shape[axis] - 1
        if mode == "reflect":  # without the edge itself
            places = last - (last - places.abs()).abs()
        elif mode != "replicate":
            raise UnsupportedError(f"pad mode {mode!r}; the reference interpreter knows constant, reflect, replicate")
        x = x.index_select(axis, places.clamp(0, last))
    return x


def _pixel_shuffle(x: Tensor, upscale_factor: int) -> Tensor:
    return F.pixel_shuffle(x, upscale_factor)


def _pixel_unshuffle(x: Tensor, downscale_factor: int) -> Tensor:
    return F.pixel_unshuffle(x, downscale_factor)


def _sliding_windows(x: Tensor, axis: int, size: int, stride: int = 1) -> Tensor:
    """Windows of ``size`` cells along an axis, which becomes (windows, size)."""
    return x.unfold(axis, size, stride).movedim(-1, axis % x.ndim + 1)


def _band_part(x: Tensor, lower: int = -1, upper: int = -1) -> Tensor:
    """So many diagonals below and above the main one, all for -1; zeros elsewhere."""
    x = x.tril(upper) if upper >= 0 else x
    return x.triu(-lower) if lower >= 0 else x


def _shape(x: Tensor) -> Tensor:
    return torch.tensor(x.shape, dtype=torch.int32)


def _fill(shape: list[int], value: Tensor) -> Tensor:
    return value.expand(shape).clone()


def _fill_like(ref_tensor: Tensor, value: Tensor) -> Tensor:
    return value.expand(ref_tensor.shape).clone()


def _range_1d(start: Tensor, end: Tensor, step: Tensor) -> Tensor:
    return torch.arange(start.item(), end.item(), step.item())


def _one_hot(
    indices: Tensor, one_hot_vector_size: int, axis: int = -1, on_value: float = 1, off_value: float = 0
) -> Tensor:
    is_on = F.one_hot(indices.long(), one_hot_vector_size).movedim(-1, axis).bool()
    return torch.where(is_on, on_value, off_value)


SHAPE: Final[Mapping[str, Callable[..., Any]]] = {
    "band_part": _band_part,
    "concat": _concat,
    "expand_dims": _expand_dims,
    "fill": _fill,
    "fill_like": _fill_like,
    "flatten2d": _flatten2d,
    "one_hot": _one_hot,
    "pad": _pad,
    "pixel_shuffle": _pixel_shuffle,
    "pixel_unshuffle": _pixel_unshuffle,
    "range_1d": _range_1d,
    "reshape": _reshape,
    "reverse": _reverse,
    "shape": _shape,
    "slice_by_index": _slice_by_index,
    "slice_by_size": _slice_by_size,
    "sliding_windows": _sliding_windows,
    "split": _split,
    "squeeze": _squeeze,
    "stack": _stack,
    "tile": _tile,
    "transpose": _transpose,
}
