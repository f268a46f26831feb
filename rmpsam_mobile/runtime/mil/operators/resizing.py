"""Resizing the last two axes."""

from collections.abc import Callable, Mapping
from math import floor
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import functional as F

from rmpsam_mobile.errors import UnsupportedError


def _upsample_bilinear(
    x: Tensor,
    scale_factor_height: float = 1,
    scale_factor_width: float = 1,
    align_corners: bool = True,
    half_pixel_centers: bool | None = None,
) -> Tensor:
    """Half pixel centres are the opposite of aligned corners unless they are named."""
    size = floor(scale_factor_height * x.shape[-2]), floor(scale_factor_width * x.shape[-1])
    if half_pixel_centers is not None and half_pixel_centers and align_corners:
        raise UnsupportedError("upsample_bilinear with both align_corners and half_pixel_centers")
    is_half = not align_corners if half_pixel_centers is None else half_pixel_centers
    return _resized(x, size, "STRICT_ALIGN_CORNERS" if align_corners else "UNALIGN_CORNERS" if is_half else "DEFAULT")


def _resize_bilinear(
    x: Tensor, target_size_height: int = 1, target_size_width: int = 1, sampling_mode: str = "DEFAULT"
) -> Tensor:
    return _resized(x, (target_size_height, target_size_width), sampling_mode)


def _resize(
    x: Tensor,
    shape: list[int],
    resized_dims: int,
    interpolation_mode: str = "LINEAR",
    sampling_mode: str = "DEFAULT",
) -> Tensor:
    """The last ``resized_dims`` sizes of ``shape``; 0 keeps the input's."""
    if interpolation_mode != "LINEAR" or resized_dims > 2:
        raise UnsupportedError(f"resize {interpolation_mode} of {resized_dims} axes; LINEAR of one or two is known")
    wanted = [0, 0, *shape[len(shape) - resized_dims :]][-2:]
    return _resized(x, (wanted[0] or x.shape[-2], wanted[1] or x.shape[-1]), sampling_mode)


def _upsample_nearest(x: Tensor, scale_factor_height: float = 1, scale_factor_width: float = 1) -> Tensor:
    if scale_factor_height % 1 or scale_factor_width % 1:
        raise UnsupportedError(f"upsample_nearest_neighbor by {scale_factor_height} x {scale_factor_width}; not whole")
    tall = x.repeat_interleave(int(scale_factor_height), -2)
    return tall.repeat_interleave(int(scale_factor_width), -1)


def _resized(x: Tensor, size: tuple[int, int], mode: str) -> Tensor:
    if mode in ("STRICT_ALIGN_CORNERS", "UNALIGN_CORNERS"):  # torch's own two
        flat = x.reshape(1, -1, *x.shape[-2:])
        aligned = mode == "STRICT_ALIGN_CORNERS"
        return F.interpolate(flat, size, mode="bilinear", align_corners=aligned).reshape(*x.shape[:-2], *size)
    for axis, length in zip((-2, -1), size, strict=True):
        x = _interpolated(x, axis, _grid(mode, x.shape[axis], length))
    return x


def _grid(mode: str, size: int, length: int) -> Tensor:
    """Where each of ``length`` results reads among ``size`` cells, as the MIL specification of resize_bilinear says."""
    steps = torch.arange(length, dtype=torch.float32)
    if mode == "DEFAULT":
        return steps * (size / length)
    if mode == "ALIGN_CORNERS":
        return steps * ((size - 1) / (length - 1)) if length > 1 else torch.full((1,), (size - 1) / 2)
    if mode == "OFFSET_CORNERS":
        return (steps + 0.5) * (max(1, size - 1) / length)
    raise UnsupportedError(f"sampling mode {mode!r} is not known to the reference interpreter")


def _interpolated(x: Tensor, axis: int, grid: Tensor) -> Tensor:
    points = grid.clamp(0, x.shape[axis] - 1)
    low = points.floor().long()
    high = (low + 1).clamp(max=x.shape[axis] - 1)
    share = (points - low).reshape(-1, *[1] * (-1 - axis))
    return x.index_select(axis, low) * (1 - share) + x.index_select(axis, high) * share


RESIZING: Final[Mapping[str, Callable[..., Any]]] = {
    "resize": _resize,
    "resize_bilinear": _resize_bilinear,
    "upsample_bilinear": _upsample_bilinear,
    "upsample_nearest_neighbor": _upsample_nearest,
}
