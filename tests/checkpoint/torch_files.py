"""Hand-made torch files around any pickle, for what torch.save would never write."""

import io
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch

from rmpsam_mobile.checkpoint.unpickle import LEGACY_MAGIC, read_tensors
from rmpsam_mobile.errors import InputError


def write_zip(path: Path, data: bytes, storages: dict[str, bytes] | None = None, compression: int = 0) -> Path:
    """A torch file of the current format around any pickle."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("archive/data.pkl", data)
        archive.writestr("archive/version", b"3\n")
        for key, content in (storages or {}).items():
            archive.writestr(f"archive/data/{key}", content)
    return path


def write_legacy(path: Path, data: bytes, keys: list[str] | None = None, tail: bytes = b"") -> Path:
    """A torch file of the older format around any pickle."""
    head = [LEGACY_MAGIC, 1001, {"protocol_version": 1001, "little_endian": True}]
    start = b"".join(pickle.dumps(part, protocol=2) for part in head)
    path.write_bytes(start + data + pickle.dumps(keys or [], protocol=2) + tail)
    return path


def refusal(path: Path) -> str:
    """The message with which the file is refused: one line that begins with the file's name."""
    with pytest.raises(InputError) as caught:
        read_tensors(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


class Handle:
    """A storage as torch's persistent id names it, with any claims."""

    def __init__(self, kind: str, key: str, count: int) -> None:
        self.id = (kind, torch.FloatStorage, key, "cpu", count)


class Rebuilt:
    """A float tensor as torch pickles it, with any claims."""

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return torch._utils._rebuild_tensor_v2, (*self.arguments, False, OrderedDict())


class Persistent(pickle.Pickler):
    """Writes handles as persistent ids; the older format has one field more."""

    more: tuple[None, ...] = ()

    def persistent_id(self, obj: Any) -> Any:
        return (*obj.id, *self.more) if isinstance(obj, Handle) else None


def dump(values: Any, more: tuple[None, ...] = ()) -> bytes:
    stream = io.BytesIO()
    pickler = Persistent(stream, protocol=2)
    pickler.more = more
    pickler.dump(values)
    return stream.getvalue()


def storage_pickle(kind: str, count: int, size: tuple[int, ...], stride: tuple[int, ...], offset: int = 0) -> bytes:
    return dump(Rebuilt(Handle(kind, "0", count), offset, size, stride))
