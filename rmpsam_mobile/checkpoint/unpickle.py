"""Reads the values of a torch file, both formats, without executing anything that its pickle asks for.

Formats: a zip archive with ``data.pkl`` and raw storages beside it (torch 1.6 and later), and the older stream of
pickles followed by raw storages, which files of torchvision's first years have. ``torch.load`` is not used: its older
reader unpacks tar files and may write patch files at the wish of the file.
"""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from rmpsam_mobile.checkpoint.pickle_machine import PickleMachine, Value
from rmpsam_mobile.checkpoint.pickle_rules import TorchRules
from rmpsam_mobile.errors import InputError

LEGACY_MAGIC: Final = 0x1950A86A20F9469CFC6C  # torch's own constant, first pickle of the older format
_ZIP_START: Final = b"PK\x03\x04"
_PICKLE_START: Final = b"\x80"
_NEXT: Final = "copy or download the file again"


def read_tensors(path: str | Path) -> Value:
    """Return what a torch file holds as plain values.

    Containers become dict, list, tuple and set; tensors are on the CPU in their stored type and may share memory
    as they did when saved; numpy arrays of numbers stay arrays; objects of training stacks become `Placeholder`.

    Args:
        path: a file that ``torch.save`` wrote, of any suffix.

    Raises:
        InputError: missing, a folder, empty, cut short, no torch file, a TorchScript archive, a whole pickled model, or
            a pickle that asks for anything a checkpoint does not need; in no case was anything run.
    """
    source = str(path)
    raw = read_bytes(path)
    if raw.startswith(_ZIP_START):
        return _read_zip(raw, source)
    if raw.startswith(_PICKLE_START):
        return _read_legacy(raw, source)
    if raw[257:262] == b"ustar":
        raise InputError(f"{source}: is a tar file as PyTorch before 0.2 wrote; save it again with a newer PyTorch")
    raise InputError(f"{source}: is no torch file (it starts with {raw[:4]!r}); give a .pth that torch.save wrote")


def read_bytes(path: str | Path) -> bytes:
    """Return the content of a file that must not be empty.

    Raises:
        InputError: missing, a folder, empty or unreadable.
    """
    try:
        raw = Path(path).read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; check the path") from None
    except IsADirectoryError:
        raise InputError(f"{path}: is a folder; give the checkpoint file inside it") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check its permissions") from None
    except ValueError:
        raise InputError(f"{str(path)!r}: is no file name; check the path") from None
    if not raw:
        raise InputError(f"{path}: is empty (0 bytes); {_NEXT}")
    return raw


def _read_zip(raw: bytes, source: str) -> Value:
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            return _read_archive(archive, source, len(raw))
    except (zipfile.BadZipFile, EOFError, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        raise InputError(f"{source}: its zip archive is broken or cut short ({error}); {_NEXT}") from None


def _read_archive(archive: zipfile.ZipFile, source: str, size: int) -> Value:
    names = archive.namelist()
    pickles = [name for name in names if name == "data.pkl" or name.endswith("/data.pkl")]
    if len(pickles) != 1:
        raise InputError(
            f"{source}: a zip archive with {len(pickles)} entries data.pkl, 1 makes a torch file; "
            "unpack it and give the .pth inside"
        )
    root = pickles[0].removesuffix("data.pkl")
    if f"{root}constants.pkl" in names or any(name.startswith(f"{root}code/") for name in names):
        raise InputError(
            f"{source}: is a TorchScript archive, which holds code; save the model's state_dict() with torch.save"
        )
    # torch.save never compresses, so an honest archive is larger than its entries together.
    if sum(info.file_size for info in archive.infolist()) > size:
        raise InputError(f"{source}: its entries unpack to more than the file; save it again with torch.save")
    if f"{root}byteorder" in names and archive.read(f"{root}byteorder") != b"little":
        raise InputError(f"{source}: was written on a big-endian machine; save it again on a common one")

    def read_storage(key: str, count_bytes: int) -> bytearray:
        data = bytearray(archive.read(f"{root}data/{key}"))
        if len(data) != count_bytes:
            raise ValueError(f"storage {key} has {len(data)} bytes, its tensors need {count_bytes}")
        return data

    return _machine(source, size, read_storage)[0].run(io.BytesIO(archive.read(pickles[0])))


def _machine(source: str, size: int, read_storage: Callable[[str, int], bytearray]) -> tuple[PickleMachine, TorchRules]:
    rules = TorchRules(source, size, read_storage)
    return PickleMachine(rules, source), rules


def _read_legacy(raw: bytes, source: str) -> Value:
    """Older format: pickles of magic, version, machine, values and keys; then each storage's count and bytes."""
    storages: dict[str, bytearray] = {}

    def reserve(key: str, count_bytes: int) -> bytearray:
        # The numbers follow the pickle, so the tensors are made over memory that is filled afterwards.
        if sum(map(len, storages.values())) + count_bytes > len(raw):
            raise ValueError(f"storages of more than the file's {len(raw)} bytes")
        return storages.setdefault(key, bytearray(count_bytes))

    machine, rules = _machine(source, len(raw), reserve)
    stream = io.BytesIO(raw)
    if machine.run(stream) != LEGACY_MAGIC:
        raise InputError(f"{source}: is a pickle, but not one of torch.save; save it again with torch.save")
    version, system = machine.run(stream), machine.run(stream)
    if version != 1001 or not isinstance(system, dict) or not system.get("little_endian", True):
        raise InputError(
            f"{source}: has torch's format {version!r} or big-endian numbers, limit is 1001, little-endian"
        )
    values, keys = machine.run(stream), machine.run(stream)
    if not isinstance(keys, list) or sorted(map(str, keys)) != sorted(storages):
        raise InputError(f"{source}: its list of storages does not match its tensors; {_NEXT}")
    for key in map(str, keys):
        data = storages[key]
        count = int.from_bytes(stream.read(8), "little")
        if count * rules.item_bytes[key] != len(data) or stream.readinto(memoryview(data)) != len(data):
            raise InputError(f"{source}: is cut short in storage {key} of {len(data)} bytes; {_NEXT}")
    return values
