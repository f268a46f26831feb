"""Operators that read at places which other tensors name: whole numbers, or points between cells."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import functional as F

from rmpsam_mobile.errors import UnsupportedError

# torch reflects about cell centres or about cell edges, by what its corners mean
_REFLECTIONS: Final = {("reflection", True), ("symmetric", False)}


def _gather(
    x: Tensor, indices: Tensor, axis: int = 0, batch_dims: int = 0, *, validate_indices: bool = False
) -> Tensor:
    """Result: x[:axis] + indices[batch_dims:] + x[axis + 1:]."""
    axis = axis % x.ndim
    places = _places(indices, x.shape[axis], validate_indices)
    if not batch_dims:
        found = x.index_select(axis, places.reshape(-1))
        return found.reshape(*x.shape[:axis], *places.shape, *x.shape[axis + 1 :])
    batch = x.shape[:batch_dims]
    rows = x.movedim(axis, batch_dims).flatten(0, batch_dims - 1)
    own = places.reshape(rows.shape[0], -1)
    found = rows[torch.arange(rows.shape[0])[:, None], own]
    found = found.reshape(*batch, *places.shape[batch_dims:], *rows.shape[2:])
    middle = places.ndim - batch_dims  # axes of places stand before those between the batch and the axis
    moved = range(batch_dims, batch_dims + middle)
    return found.movedim(list(moved), [i + axis - batch_dims for i in moved])


def _gather_along_axis(x: Tensor, indices: Tensor, axis: int = 0, validate_indices: bool = False) -> Tensor:
    return torch.take_along_dim(x, _places(indices, x.shape[axis], validate_indices), axis)


def _gather_nd(x: Tensor, indices: Tensor, batch_dims: int = 0, validate_indices: bool = False) -> Tensor:
    """The last axis of ``indices`` names a place in as many axes of ``x`` after the batch."""
    batch = [
        torch.arange(size).reshape(*[1] * i, -1, *[1] * (indices.ndim - 2 - i))
        for i, size in enumerate(x.shape[:batch_dims])
    ]
    places = [
        _places(part, x.shape[batch_dims + i], validate_indices) for i, part in enumerate(indices.long().unbind(-1))
    ]
    return x[(*batch, *places)]


def _places(indices: Tensor, size: int, validate: bool) -> Tensor:
    """Whole numbers from 0; negative ones count from the end unless the program forbids them."""
    places = indices.long()
    least = 0 if validate else -size
    if places.numel() and not (least <= int(places.min()) and int(places.max()) < size):
        raise IndexError(f"index {int(places.min())} to {int(places.max())} where {least} to {size - 1} are")
    return torch.where(places < 0, places + size, places)


def _resample(
    x: Tensor,
    coordinates: Tensor,
    sampling_mode: str,
    padding_mode: str,
    padding_value: float,
    *,
    coordinates_mode: str,
    align_corners: bool,
) -> Tensor:
    """Read ``x`` [B, C, H, W] at ``coordinates`` [B, h, w, 2], xy; see ``_normalised`` for their frames."""
    mode = {"constant": "zeros", "border": "border"}.get(padding_mode, "reflection")
    if mode == "reflection" and (padding_mode, align_corners) not in _REFLECTIONS:
        raise UnsupportedError(f"resample with padding {padding_mode} and align_corners {align_corners}")
    level = padding_value if padding_mode == "constant" else 0.0
    points = _normalised(coordinates.to(x.dtype), x.shape, coordinates_mode, align_corners)
    found = F.grid_sample(x - level, points, mode=sampling_mode, padding_mode=mode, align_corners=align_corners)
    return found + level


def _normalised(points: Tensor, shape: torch.Size, mode: str, align_corners: bool) -> Tensor:
    """Points in torch's frame: -1 and 1 at the centres of the corner cells, or at their outer edges."""
    if mode == "normalized_minus_one_to_one":
        return points
    if mode == "normalized_zero_to_one":
        return 2 * points - 1
    size = torch.tensor([shape[3], shape[2]], dtype=points.dtype)
    return 2 * points / (size - 1).clamp(min=1) - 1 if align_corners else (2 * points + 1) / size - 1


GATHERING: Final[Mapping[str, Callable[..., Any]]] = {
    "gather": _gather,
    "gather_along_axis": _gather_along_axis,
    "gather_nd": _gather_nd,
    "resample": _resample,
}
