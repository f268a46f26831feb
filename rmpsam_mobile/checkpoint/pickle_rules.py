"""What a torch checkpoint's pickle may ask for: tensors, plain containers and arrays are made, training stacks are not.

Three answers to a global: a row in `_BUILDERS` makes a plain value from it; the names of training stacks become
placeholders that do nothing; everything else is refused, because weights never need it.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from rmpsam_mobile.checkpoint.pickle_machine import GlobalName, Placeholder, Value, checked_key
from rmpsam_mobile.errors import InputError

_OLD_MODULES: Final = {"__builtin__": "builtins", "copy_reg": "copyreg", "torch.tensor": "torch._tensor"}

STORAGE_TYPES: Final[Mapping[str, torch.dtype]] = MappingProxyType(
    {
        "torch.DoubleStorage": torch.float64,
        "torch.FloatStorage": torch.float32,
        "torch.HalfStorage": torch.float16,
        "torch.BFloat16Storage": torch.bfloat16,
        "torch.LongStorage": torch.int64,
        "torch.IntStorage": torch.int32,
        "torch.ShortStorage": torch.int16,
        "torch.CharStorage": torch.int8,
        "torch.ByteStorage": torch.uint8,
        "torch.BoolStorage": torch.bool,
        "torch.ComplexFloatStorage": torch.complex64,
        "torch.ComplexDoubleStorage": torch.complex128,
        "torch.storage.UntypedStorage": torch.uint8,
    }
)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Every name below these stays a name: nothing of them is imported, whatever stands behind the dot.
_INERT_ROOTS: Final = _words(
    """mmengine mmcv mmdet mmseg mmpretrain mmcls addict yapf yacs omegaconf easydict detectron2 fvcore timm
    lightning lightning_fabric pytorch_lightning numpy pathlib datetime zoneinfo dateutil pytz collections decimal
    fractions uuid"""
)
_INERT_NAMES: Final = _words(
    """argparse.Namespace types.SimpleNamespace copyreg._reconstructor
    builtins.getattr builtins.object builtins.slice builtins.range builtins.complex builtins.int builtins.float
    builtins.str builtins.bytes builtins.bool builtins.list builtins.dict builtins.tuple
    torch.Tensor torch.nn.Parameter torch.nn.parameter.Parameter torch.device torch.serialization._get_layout
    torch._utils._rebuild_tensor_v3 torch._utils._rebuild_qtensor torch._utils._rebuild_sparse_tensor
    torch._utils._rebuild_meta_tensor_no_storage torch._utils._rebuild_device_tensor_from_numpy
    torch._utils._rebuild_device_tensor_from_cpu_tensor
    torch.float64 torch.float32 torch.float16 torch.bfloat16 torch.int64 torch.int32 torch.int16 torch.int8
    torch.uint8 torch.bool torch.complex64 torch.complex128 torch.strided torch.preserve_format
    torch.contiguous_format torch.channels_last torch.per_tensor_affine torch.per_channel_affine"""
)


@dataclass(frozen=True)
class Storage:
    """Raw numbers of one or more tensors; ``data`` may be filled after the pickle was read."""

    dtype: torch.dtype
    data: bytearray


class ArrayType(Placeholder):
    """The element type of a stored numpy array: its code, for example ``f4``, then its byte order."""

    __slots__ = ("code", "order")

    def __init__(self, code: str) -> None:
        super().__init__(f"numpy.dtype({code!r})")
        self.code = code
        self.order = "="

    def resolved(self) -> np.dtype[Any] | None:
        """Return numpy's type for numbers and truth values, None for all others (objects, text, records)."""
        known = re.fullmatch(r"[biufc]\d{1,2}", self.code) and self.order in ("<", ">", "=", "|")
        return np.dtype(self.order.replace("|", "=") + self.code) if known else None


class TorchRules:
    """The rules for one file.

    Args:
        source: the file's name, for messages.
        limit_bytes: size of the file; no tensor of it can honestly be larger.
        read_storage: gives the bytes of a storage by (key, number of bytes).
    """

    def __init__(self, source: str, limit_bytes: int, read_storage: Callable[[str, int], bytearray]) -> None:
        self.source = source
        self.limit_bytes = limit_bytes
        self._read_storage = read_storage
        self._storages: dict[str, bytearray] = {}
        self.item_bytes: dict[str, int] = {}

    def admit(self, module: str, name: str) -> GlobalName:
        """Return the name where it is a known or an inert one.

        Raises:
            InputError: any other.
        """
        module = _OLD_MODULES.get(module, module)
        asked = f"{module}.{name}"
        if asked in _BUILDERS or asked in STORAGE_TYPES or asked in _INERT_NAMES or _root(module) in _INERT_ROOTS:
            return GlobalName(module, name)
        # One printable line, whatever the file put there.
        shown = ascii(asked)[1:-1][:120]
        if module.startswith(("torch.nn.modules", "torch.fx", "torchvision.models")):
            raise InputError(
                f"{self.source}: holds a whole pickled model ({shown}), limit is tensors; nothing was run; "
                "save model.state_dict() to a new file"
            )
        raise InputError(
            f"{self.source}: asks for {shown}, which weights never need; nothing was run; open it with no other tool, "
            "and get a file of model.state_dict() from its publisher"
        )

    def build(self, what: GlobalName, arguments: tuple[Value, ...]) -> Value:
        """Return the plain value for a call of ``what``."""
        builder = _BUILDERS.get(what.origin)
        return builder(self, arguments) if builder else Placeholder(what.origin)

    def set_state(self, target: Value, state: Value) -> None:
        """Fill an array, note an array type's byte order, forget the state of a placeholder or of a dict subclass."""
        if isinstance(target, ArrayType):
            target.order = state[1] if isinstance(state, tuple) and len(state) > 1 else ""
        elif isinstance(target, np.ndarray):
            _fill_array(target, state)
        elif not isinstance(target, Placeholder | dict):
            raise TypeError(f"state for a {type(target).__name__}")

    def persistent(self, key: Value) -> Storage:
        """Return the storage that torch's persistent id ``("storage", type, key, location, count[, view])`` names."""
        if isinstance(key, tuple) and key and key[0] == "module":
            raise InputError(
                f"{self.source}: holds a whole pickled model, limit is tensors; nothing was run; "
                "save model.state_dict() to a new file"
            )
        kind, storage_type, name, _, count, *view = key
        if kind not in ("storage", b"storage") or not isinstance(storage_type, GlobalName):
            raise TypeError("a persistent id that is no storage")
        if any(part is not None for part in view):
            raise TypeError("a view of a storage, as only PyTorch before 0.4 wrote")
        dtype = STORAGE_TYPES[storage_type.origin]
        count_bytes = _natural(count) * dtype.itemsize
        if count_bytes > self.limit_bytes:
            raise ValueError(f"storage {name} of {count_bytes} bytes in a file of {self.limit_bytes}")
        name = str(name)
        if name not in self._storages:
            self._storages[name] = self._read_storage(name, count_bytes)
            self.item_bytes[name] = dtype.itemsize
        return Storage(dtype, self._storages[name])


def _root(module: str) -> str:
    return module.partition(".")[0]


def _natural(number: Value) -> int:
    if type(number) is not int or not 0 <= number < 2**62:
        raise ValueError(f"{str(number)[:40]} where a size is wanted")
    return number


def _build_tensor(rules: TorchRules, arguments: tuple[Value, ...]) -> Tensor:
    """``torch._utils._rebuild_tensor[_v2]``: storage, offset, size, stride, then what inference does not read."""
    storage, first, size, stride, *rest = arguments
    if not isinstance(storage, Storage) or len(size) != len(stride) or len(size) > 8:
        raise TypeError("a tensor without storage, or with a stride list of another length")
    if len(rest) > 2 and rest[2]:
        raise TypeError("a tensor stored conjugated or negated")
    first, size, stride = _natural(first), tuple(map(_natural, size)), tuple(map(_natural, stride))
    flat = torch.frombuffer(storage.data, dtype=storage.dtype) if storage.data else torch.empty(0, dtype=storage.dtype)
    count = math.prod(size)
    last = first + sum((length - 1) * step for length, step in zip(size, stride, strict=True))
    if count and last >= flat.numel():
        raise ValueError(f"a tensor of shape {size} reaches element {last} of a storage of {flat.numel()}")
    # Strides of 0 make a huge tensor from one number; whoever copies it would run out of memory.
    if count * storage.dtype.itemsize > rules.limit_bytes:
        raise ValueError(f"a tensor of shape {size} in a file of {rules.limit_bytes} bytes")
    return flat.as_strided(size, stride, first) if count else flat.new_empty(size)


def _build_from_type(rules: TorchRules, arguments: tuple[Value, ...]) -> Value:
    """``torch._tensor._rebuild_from_type_v2``: a tensor with Python attributes, which are dropped."""
    function, _, inner, _ = arguments
    if not isinstance(function, GlobalName) or not isinstance(inner, tuple):
        raise TypeError("a tensor whose builder is no name")
    return rules.build(function, inner)


def _build_encoded(_: TorchRules, arguments: tuple[Value, ...]) -> bytes:
    text, *codec = arguments
    if not isinstance(text, str) or codec not in (["latin1"], ["latin-1"]):
        raise TypeError("bytes written with an unusual codec")
    return text.encode("latin-1")


def _build_bytearray(_: TorchRules, arguments: tuple[Value, ...]) -> bytearray:
    (data,) = arguments or (b"",)
    if not isinstance(data, bytes | bytearray):
        raise TypeError("a bytearray from something else than bytes")
    return bytearray(data)


def _build_dict(_: TorchRules, arguments: tuple[Value, ...]) -> dict[Value, Value]:
    """An ordered, counting or default dict as a plain one; a default factory is dropped."""
    made: dict[Value, Value] = {}
    for part in arguments:
        pairs = part.items() if isinstance(part, dict) else () if isinstance(part, Placeholder) else part
        made.update({checked_key(key): value for key, value in pairs})
    return made


def _build_set(_: TorchRules, arguments: tuple[Value, ...]) -> set[Value]:
    (items,) = arguments or ((),)
    return {checked_key(item) for item in items}


def _build_frozenset(rules: TorchRules, arguments: tuple[Value, ...]) -> frozenset[Value]:
    return frozenset(_build_set(rules, arguments))


def _build_size(_: TorchRules, arguments: tuple[Value, ...]) -> tuple[int, ...]:
    (lengths,) = arguments
    return tuple(_natural(length) for length in lengths)


def _build_array_type(_: TorchRules, arguments: tuple[Value, ...]) -> ArrayType:
    return ArrayType(str(arguments[0])[:40])


def _build_empty_array(_: TorchRules, __: tuple[Value, ...]) -> np.ndarray[Any, Any]:
    return np.zeros(0, np.int8)


def _fill_array(array: np.ndarray[Any, Any], state: Value) -> None:
    """Give an array its stored shape, type and bytes; one that holds objects or text stays empty."""
    _, shape, kind, is_fortran, raw = state
    dtype = kind.resolved() if isinstance(kind, ArrayType) else None
    if dtype is None:
        return
    raw = raw.encode("latin-1") if isinstance(raw, str) else raw
    shape = tuple(map(_natural, shape))
    if not isinstance(raw, bytes) or len(raw) != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"an array of shape {shape} with other than {math.prod(shape) * dtype.itemsize} bytes")
    # Numpy's stubs ask for its own truth value here, numpy itself takes Python's only.
    fill: Callable[[Any], None] = array.__setstate__
    fill((1, shape, dtype, bool(is_fortran), raw))


def _build_scalar(_: TorchRules, arguments: tuple[Value, ...]) -> Value:
    kind, raw = arguments
    dtype = kind.resolved() if isinstance(kind, ArrayType) else None
    if dtype is None or not isinstance(raw, bytes | str):
        return Placeholder("numpy scalar")
    raw = raw.encode("latin-1") if isinstance(raw, str) else raw
    return np.frombuffer(raw, dtype, count=1)[0].item()


def _build_first(_: TorchRules, arguments: tuple[Value, ...]) -> Value:
    """A parameter is its tensor."""
    return arguments[0]


_Builder = Callable[[TorchRules, tuple[Value, ...]], Value]
_BUILDERS: Final[Mapping[str, _Builder]] = MappingProxyType(
    {
        "torch._utils._rebuild_tensor": _build_tensor,
        "torch._utils._rebuild_tensor_v2": _build_tensor,
        "torch._utils._rebuild_parameter": _build_first,
        "torch._utils._rebuild_parameter_with_state": _build_first,
        "torch._tensor._rebuild_from_type_v2": _build_from_type,
        "torch.Size": _build_size,
        "collections.OrderedDict": _build_dict,
        "collections.defaultdict": _build_dict,
        "collections.Counter": _build_dict,
        "builtins.set": _build_set,
        "builtins.frozenset": _build_frozenset,
        "builtins.bytearray": _build_bytearray,
        "_codecs.encode": _build_encoded,
        "numpy.dtype": _build_array_type,
        "numpy.core.multiarray._reconstruct": _build_empty_array,
        "numpy._core.multiarray._reconstruct": _build_empty_array,
        "numpy.core.multiarray.scalar": _build_scalar,
        "numpy._core.multiarray.scalar": _build_scalar,
    }
)
