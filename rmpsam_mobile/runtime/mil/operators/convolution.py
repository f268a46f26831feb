"""Convolutions and pools of one to three spatial dimensions."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import functional as F

_CONV: Final = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
_TRANSPOSED: Final = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
_AVERAGE: Final = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}
_MAXIMUM: Final = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}


def _conv(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    strides: list[int] | None = None,
    pad_type: str = "valid",
    pad: list[int] | None = None,
    dilations: list[int] | None = None,
    groups: int = 1,
) -> Tensor:
    rank = x.ndim - 2
    strides, dilations = strides or [1] * rank, dilations or [1] * rank
    reach = [(size - 1) * dilation + 1 for size, dilation in zip(weight.shape[2:], dilations, strict=True)]
    pads = _pads(pad_type, pad, x.shape[2:], reach, strides)
    padding = [before for before, _ in pads]
    if any(before != after for before, after in pads):
        x, padding = F.pad(x, _torch_order(pads)), [0] * rank
    return _CONV[rank](x, weight, bias, strides, padding, dilations, groups)


def _conv_transpose(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    pad: list[int] | None = None,
    output_shape: list[int] | None = None,
    pad_type: str = "valid",
    strides: list[int] | None = None,
    dilations: list[int] | None = None,
    groups: int = 1,
) -> Tensor:
    """All that the input reaches, then cut: ``pad`` from the front, and from the end what the shape does not hold."""
    rank = x.ndim - 2
    strides, dilations = strides or [1] * rank, dilations or [1] * rank
    full = _TRANSPOSED[rank](x, weight, None, strides, 0, 0, groups, dilations)
    for i in range(rank):
        reached, wanted = full.shape[2 + i], x.shape[2 + i] * strides[i]
        before, after = (pad or [0] * 2 * rank)[2 * i : 2 * i + 2] if pad_type == "custom" else (0, 0)
        if pad_type == "same":
            before = max(reached - wanted, 0) // 2
            after = reached - wanted - before
        length = output_shape[2 + i] if output_shape is not None else reached - before - after
        missing = max(before + length - reached, 0)
        grown = F.pad(full.movedim(2 + i, -1), [0, missing]).movedim(-1, 2 + i) if missing else full
        full = grown.narrow(2 + i, before, length)
    return full if bias is None else full + bias.reshape(-1, *[1] * rank)


def _avg_pool(
    x: Tensor,
    kernel_sizes: list[int],
    strides: list[int] | None = None,
    *,
    pad_type: str = "valid",
    pad: list[int] | None = None,
    exclude_padding_from_average: bool = False,
    ceil_mode: bool = False,
) -> Tensor:
    rank = x.ndim - 2
    pool, strides = _AVERAGE[rank], strides or [1] * rank
    pads = _pads(pad_type, pad, x.shape[2:], kernel_sizes, strides)
    if _torch_pads(pads, kernel_sizes):
        padding = [before for before, _ in pads]
        counts_padding = not exclude_padding_from_average
        return pool(x, kernel_sizes, strides, padding, ceil_mode, counts_padding)
    average: Tensor = pool(F.pad(x, _torch_order(pads)), kernel_sizes, strides)
    if not exclude_padding_from_average:
        return average
    inside = F.pad(torch.ones_like(x[:1, :1]), _torch_order(pads))
    return average / pool(inside, kernel_sizes, strides)


def _max_pool(
    x: Tensor,
    kernel_sizes: list[int],
    strides: list[int] | None = None,
    *,
    pad_type: str = "valid",
    pad: list[int] | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    rank = x.ndim - 2
    pool, strides = _MAXIMUM[rank], strides or [1] * rank
    pads = _pads(pad_type, pad, x.shape[2:], kernel_sizes, strides)
    padding = [before for before, _ in pads]
    if not _torch_pads(pads, kernel_sizes):
        x, padding = F.pad(x, _torch_order(pads), value=-torch.inf), [0] * rank
    return pool(x, kernel_sizes, strides, padding, 1, ceil_mode)


def _pads(
    pad_type: str, pad: Sequence[int] | None, sizes: Sequence[int], reach: Sequence[int], strides: Sequence[int]
) -> list[tuple[int, int]]:
    """Cells before and after each spatial dimension; ``reach`` is the size of the dilated kernel."""
    if pad_type == "custom" and pad is not None:
        return list(zip(pad[::2], pad[1::2], strict=True))
    if pad_type not in ("same", "same_lower"):
        return [(0, 0)] * len(sizes)
    pads = []
    for size, kernel, stride in zip(sizes, reach, strides, strict=True):
        total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        less, more = total // 2, total - total // 2
        pads.append((less, more) if pad_type == "same" else (more, less))
    return pads


def _torch_pads(pads: Sequence[tuple[int, int]], kernel: Sequence[int]) -> bool:
    """Whether torch's pools take these themselves: the same on both sides, at most half of the kernel."""
    return all(before == after <= size // 2 for (before, after), size in zip(pads, kernel, strict=True))


def _torch_order(pads: Sequence[tuple[int, int]]) -> list[int]:
    """Last dimension first, as ``F.pad`` takes them."""
    return [cells for pair in reversed(pads) for cells in pair]


CONVOLUTION: Final[Mapping[str, Callable[..., Any]]] = {
    "avg_pool": _avg_pool,
    "conv": _conv,
    "conv_transpose": _conv_transpose,
    "max_pool": _max_pool,
}
