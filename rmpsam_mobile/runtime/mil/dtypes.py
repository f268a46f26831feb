"""Number types of a MIL program, and the tensors that stand for them.

Whatever a program calls fp16 is held in float32 and, in emulation, rounded to float16 after each operator. An operator
computes inside in float32, as Apple's units accumulate wider than they store; sums of other widths are not imitated.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from rmpsam_mobile.errors import UnsupportedError


class Arithmetic(StrEnum):
    """How numbers are kept: as the program's types say, or all real numbers in float32."""

    PROGRAM = "program"
    FLOAT32 = "float32"


# no arithmetic wraps around; unsigned numbers that torch has few operators for are held in the next wider type
_TORCH: Final[Mapping[str, torch.dtype]] = MappingProxyType(
    {
        "fp16": torch.float32,
        "fp32": torch.float32,
        "bool": torch.bool,
        "int8": torch.int8,
        "uint8": torch.uint8,
        "int16": torch.int16,
        "uint16": torch.int32,
        "int32": torch.int32,
        "uint32": torch.int64,
        "int64": torch.int64,
        "int4": torch.int8,
        **{f"uint{bits}": torch.uint8 for bits in (1, 2, 3, 4, 6)},
    }
)


def torch_dtype(name: str) -> torch.dtype:
    """The dtype that stands for a MIL type, such as ``fp16``.

    Raises:
        UnsupportedError: a type that no program of a phone computes with.
    """
    if name not in _TORCH:
        raise UnsupportedError(f"MIL type {name!r}; the reference interpreter knows {', '.join(_TORCH)}")
    return _TORCH[name]


def conform(value: Tensor, name: str, arithmetic: Arithmetic) -> Tensor:
    """``value`` as the program stores it: of MIL type ``name``, rounded to float16 where emulated."""
    value = value.to(torch_dtype(name))
    if name == "fp16" and arithmetic is Arithmetic.PROGRAM:
        return value.half().float()  # beyond 65504 it becomes infinite, as on the device
    return value


def constant(value: Any) -> Any:
    """A constant of a program as a tensor; strings stay what they are."""
    if isinstance(value, str | np.str_):
        return str(value)
    array = np.array(value)
    if array.dtype == np.float16:
        return torch.from_numpy(array.astype(np.float32))
    if array.dtype in (np.uint16, np.uint32, np.uint64):
        array = array.astype(np.int64 if array.dtype != np.uint16 else np.int32)
    return torch.from_numpy(array.astype(np.float32) if array.dtype == np.float64 else array)
