"""Compressed weights, which become plain ones when a program is built, and quantization of activations."""

from collections.abc import Callable, Mapping
from math import prod
from typing import Any, Final

import torch
from torch import Tensor

_RANGES: Final = {"int8": (-128, 127), "uint8": (0, 255)}


def _affine(quantized_data: Tensor, zero_point: Tensor, scale: Tensor, axis: int = 0) -> Tensor:
    return _dequantize(quantized_data, scale, zero_point, axis)


def _dequantize(input: Tensor, scale: Tensor, zero_point: Tensor | None = None, axis: int | None = None) -> Tensor:  # noqa: A002
    shifted = input.float() if zero_point is None else input.float() - _along(zero_point.float(), input, axis)
    return shifted * _along(scale, input, axis)


def _quantize(
    input: Tensor,  # noqa: A002 the program's own name
    scale: Tensor,
    output_dtype: str,
    zero_point: Tensor | None = None,
    axis: int | None = None,
) -> Tensor:
    scaled = (input / _along(scale, input, axis)).round()
    shifted = scaled if zero_point is None else scaled + _along(zero_point.float(), input, axis)
    return shifted.clamp(*_RANGES[output_dtype])


def _along(parameter: Tensor, data: Tensor, axis: int | None) -> Tensor:
    """One number for all, or one for each place of ``axis``."""
    if not parameter.ndim or axis is None:
        return parameter
    return parameter.reshape([-1 if i == axis % data.ndim else 1 for i in range(data.ndim)])


def _cast(source_val: Tensor, output_dtype: str) -> Tensor:  # noqa: ARG001 the output's own type says it
    return source_val


def _palette(indices: Tensor, lut: Tensor, shape: list[int] | None = None, vector_axis: int | None = None) -> Tensor:
    """Of iOS 16: packed indices into one palette. Of iOS 18: one palette [P, V] a block of cells, or for all."""
    if shape is not None:
        bits = (lut.numel() - 1).bit_length()
        return lut[_unpacked(indices, bits, prod(shape)).long()].reshape(shape)
    return _looked_up(indices, lut, vector_axis)


def _looked_up(indices: Tensor, lut: Tensor, vector_axis: int | None) -> Tensor:
    """Indices [*D], palettes [*blocks, P, V] whose blocks divide D -> [*D], axis ``vector_axis`` V times as long."""
    palettes, width = lut.shape[-2:]
    spread = lut
    for axis, size in enumerate(indices.shape):
        spread = spread.repeat_interleave(size // lut.shape[axis], axis)
    chosen = indices.long()[..., None, None].expand(*indices.shape, 1, width)
    vectors = spread.reshape(*indices.shape, palettes, width).gather(-2, chosen).squeeze(-2)
    if width == 1 or vector_axis is None:
        return vectors.squeeze(-1)
    axis = vector_axis % indices.ndim
    return vectors.movedim(-1, axis + 1).flatten(axis, axis + 1)


def _blocks(data: Tensor, scale: Tensor, offset: Tensor | None = None) -> Tensor:
    """One scale, and one offset, a block of cells; blocks divide the data evenly."""
    shifted = data.float() if offset is None else data.float() - _spread(offset.float(), data)
    return shifted * _spread(scale, data)


def _spread(parameter: Tensor, data: Tensor) -> Tensor:
    for axis, size in enumerate(data.shape):
        parameter = parameter.repeat_interleave(size // parameter.shape[axis], axis)
    return parameter


def _sparse(nonzero_data: Tensor, mask: Tensor, shape: list[int] | None = None) -> Tensor:
    """Of iOS 16 with a packed mask and a shape, of iOS 18 with a mask of the result's shape."""
    is_set = mask.bool() if shape is None else _unpacked(mask, 1, prod(shape)).reshape(shape).bool()
    dense = torch.zeros(is_set.shape, dtype=nonzero_data.dtype)
    dense[is_set] = nonzero_data
    return dense


def _sparse_palette(
    indices_mask: Tensor, indices_nonzero_data: Tensor, lut: Tensor, vector_axis: int | None = None
) -> tuple[Tensor, Tensor]:
    dense = _looked_up(_sparse(indices_nonzero_data, indices_mask), lut, vector_axis)
    mask = indices_mask if vector_axis is None else indices_mask.repeat_interleave(lut.shape[-1], vector_axis)
    return mask, dense[mask.bool()]


def _sparse_blocks(
    data_mask: Tensor, nonzero_data: Tensor, scale: Tensor, offset: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    dense = _blocks(_sparse(nonzero_data, data_mask), scale, offset)
    return data_mask, dense[data_mask.bool()]


def _unpacked(packed: Tensor, bits: int, count: int) -> Tensor:
    """Numbers of ``bits`` bits out of bytes, lowest bit first."""
    single = (packed.to(torch.uint8)[:, None] >> torch.arange(8, dtype=torch.uint8)) & 1
    digits = single.reshape(-1)[: count * bits].reshape(count, bits).long()
    return (digits << torch.arange(bits)).sum(-1)


COMPRESSION: Final[Mapping[str, Callable[..., Any]]] = {
    "constexpr_affine_dequantize": _affine,
    "constexpr_blockwise_shift_scale": _blocks,
    "constexpr_cast": _cast,
    "constexpr_lut_to_dense": _palette,
    "constexpr_lut_to_sparse": _sparse_palette,
    "constexpr_sparse_blockwise_shift_scale": _sparse_blocks,
    "constexpr_sparse_to_dense": _sparse,
    "dequantize": _dequantize,
    "quantize": _quantize,
}
