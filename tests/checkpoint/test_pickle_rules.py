"""Hostile and broken pickles: nothing that they ask for is run, no claim of theirs is believed."""

import os
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from rmpsam_mobile.checkpoint.pickle_machine import Placeholder
from rmpsam_mobile.checkpoint.unpickle import read_tensors
from tests.checkpoint.torch_files import Handle, Rebuilt, dump, refusal, storage_pickle, write_legacy, write_zip

WRITERS = pytest.mark.parametrize("write", [write_zip, write_legacy])


class MakesFolder:
    """Unpickled by Python, it makes a folder; the folder is the canary."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder),)


@WRITERS
@pytest.mark.parametrize("protocol", range(6))
def test_a_real_payload_runs_in_python_and_not_here(tmp_path: Path, write: Any, protocol: int) -> None:
    canary = tmp_path / "canary"
    data = pickle.dumps({"state_dict": {"w": MakesFolder(canary)}}, protocol=protocol)
    pickle.loads(data)
    assert canary.is_dir()
    canary.rmdir()
    message = refusal(write(tmp_path / "evil.pth", data))
    assert message == (
        f"asks for {os.mkdir.__module__}.mkdir, which weights never need; nothing was run; "
        "open it with no other tool, and get a file of model.state_dict() from its publisher"
    )
    assert not canary.exists()


FORBIDDEN = [
    ("os", "system"),
    ("posix", "system"),
    ("nt", "system"),
    ("subprocess", "Popen"),
    ("builtins", "eval"),
    ("builtins", "exec"),
    ("builtins", "__import__"),
    ("builtins", "open"),
    ("builtins", "getattr.__self__.eval"),
    ("__builtin__", "eval"),
    ("importlib", "import_module"),
    ("runpy", "run_path"),
    ("functools", "partial"),
    ("operator", "attrgetter"),
    ("types", "FunctionType"),
    ("types", "CodeType"),
    ("pickle", "loads"),
    ("_pickle", "loads"),
    ("copyreg", "__newobj__.__globals__"),
    ("codecs", "decode"),
    ("sys", "modules"),
    ("socket", "create_connection"),
    ("webbrowser", "open"),
    ("some_new_stack.models", "Net"),
    ("mmengine_evil", "run"),
    ("", "os.system"),
    ("torch", "os.system"),
    ("torch", "load"),
    ("torch", "hub.load"),
    ("torch.hub", "load"),
    ("torch.jit", "load"),
    ("torch.serialization", "load"),
    ("torch.storage", "_load_from_bytes"),
    ("torch.storage", "UntypedStorage.from_file"),
    ("torch._utils", "_import_dotted_name"),
    ("torch._utils", "os.system"),
    ("torch.utils.collect_env", "run"),
    ("torch._C", "_jit_pass_inline"),
    ("argparse", "FileType"),
]


def call_with_global(module: str, name: str, argument: str) -> bytes:
    return b"c" + f"{module}\n{name}\n".encode() + b"(X" + struct.pack("<I", len(argument)) + argument.encode() + b"tR."


def call_with_stack_global(module: str, name: str, argument: str) -> bytes:
    def text(value: str) -> bytes:
        return b"\x8c" + bytes([len(value)]) + value.encode()

    return b"\x80\x04" + text(module) + text(name) + b"\x93" + text(argument) + b"\x85R."


def call_with_inst(module: str, name: str, argument: str) -> bytes:
    return b"(X" + struct.pack("<I", len(argument)) + argument.encode() + b"i" + f"{module}\n{name}\n".encode() + b"."


@pytest.mark.parametrize("assemble", [call_with_global, call_with_stack_global, call_with_inst])
@pytest.mark.parametrize(("module", "name"), FORBIDDEN, ids=lambda part: part or "none")
def test_every_other_global_is_refused(tmp_path: Path, module: str, name: str, assemble: Any) -> None:
    canary = tmp_path / "canary"
    message = refusal(write_zip(tmp_path / "evil.pth", assemble(module, name, f"touch {canary}")))
    asked = f"{module.replace('__builtin__', 'builtins')}.{name}"
    assert message.startswith(f"asks for {asked}, which weights never need; nothing was run; ")
    assert not canary.exists()


def test_a_name_with_control_characters_cannot_paint_the_terminal(tmp_path: Path) -> None:
    message = refusal(write_zip(tmp_path / "evil.pth", call_with_stack_global("os", "\x1b[2Jx\ny" + "z" * 100, "")))
    assert message.startswith("asks for os.\\x1b[2Jx\\nyzzz")


def test_inert_names_give_no_way_to_real_objects(tmp_path: Path) -> None:
    """getattr on an inert module, called with a command: three placeholders, no effect."""
    canary = tmp_path / "canary"
    command = f"touch {canary}".encode()
    data = (
        b"\x80\x02cbuiltins\ngetattr\n(cmmengine.os\n__builtins__\nX\x06\x00\x00\x00systemtR"
        b"(X" + struct.pack("<I", len(command)) + command + b"tR."
    )
    found = read_tensors(write_zip(tmp_path / "odd.pth", data))
    assert type(found) is Placeholder
    assert not canary.exists()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x80\x02ccollections\nOrderedDict\n}b.", "TypeError: state for collections.OrderedDict itself"),
        (b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n}b.", "state for torch._utils._rebuild_tensor_v2 itself"),
        (b"\x80\x02\x82\x01.", "KeyError: 'EXT1'"),
        (b"\x80\x05\x97.", "KeyError: 'NEXT_BUFFER'"),
        (b"\x80\x02]K\x01\x85R.", "TypeError: a list is called"),
        (b"\x80\x02K\x01K\x02a.", "TypeError: items appended to a int"),
        (b"\x80\x02}]K\x01s.", "TypeError: a list as a key"),
        (b"\x80\x02.", "not enough values to unpack"),
        (b"\x80\x02NN.", "too many values to unpack"),
        (b"\x80\x020.", "IndexError: pop from empty list"),
        (b"\x80\x02h\x07.", "KeyError: 7"),
        (b"\x80\x02\xff.", "unknown"),
        (b"\x80\x02X\xff\xff\xff\xffab", "expected 4294967295 bytes"),
        (b"Pname\n.", "not enough values to unpack"),
        (b"\x80\x02X\x05\x00\x00\x00otherNNNN(dt0NQ.", ""),
    ],
)
def test_broken_and_odd_pickles_are_refused(tmp_path: Path, data: bytes, reason: str) -> None:
    message = refusal(write_zip(tmp_path / "odd.pth", data))
    assert message.startswith("its pickle is broken or cut short (")
    assert reason in message
    assert message.endswith("); copy or download the file again")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (storage_pickle("storage", 4, (5,), (1,)), "a tensor of shape (5,) reaches element 4 of a storage of 4"),
        (storage_pickle("storage", 4, (2,), (1,), 3), "a tensor of shape (2,) reaches element 4 of a storage of 4"),
        (storage_pickle("storage", 4, (2,), (-1,), 3), "-1 where a size is wanted"),
        (storage_pickle("storage", 4, (2, 2), (1,)), "a stride list of another length"),
        (storage_pickle("storage", 4, (10**6, 10**6), (0, 0)), "a tensor of shape (1000000, 1000000) in a file of"),
        (storage_pickle("storage", 2**40, (2,), (1,)), "storage 0 of 4398046511104 bytes in a file of"),
        (storage_pickle("storage", 5, (5,), (1,)), "storage 0 has 16 bytes, its tensors need 20"),
        (storage_pickle("registry", 4, (4,), (1,)), "a persistent id that is no storage"),
    ],
)
def test_claims_about_storages_are_checked(tmp_path: Path, data: bytes, reason: str) -> None:
    assert reason in refusal(write_zip(tmp_path / "odd.pth", data, {"0": bytes(16)}))


def test_the_hand_made_storage_is_otherwise_good(tmp_path: Path) -> None:
    path = write_zip(
        tmp_path / "good.pth", storage_pickle("storage", 4, (2,), (2,), 1), {"0": struct.pack("4f", *range(4))}
    )
    assert read_tensors(path).tolist() == [1, 3]


def test_entries_that_unpack_to_more_than_the_file_are_refused(tmp_path: Path) -> None:
    data = storage_pickle("storage", 2**22, (2,), (1,))
    path = write_zip(tmp_path / "bomb.pth", data, {"0": bytes(2**24)}, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 2**18
    assert refusal(path) == "its entries unpack to more than the file; save it again with torch.save"


def test_a_legacy_file_cannot_reserve_more_than_itself(tmp_path: Path) -> None:
    """Each of the ten storages would fit into the file, all together would not."""
    tensors = [Rebuilt(Handle("storage", str(key), 256), 0, (2,), (1,)) for key in range(10)]
    path = write_legacy(tmp_path / "odd.pth", dump(tensors, (None,)), [str(key) for key in range(10)], bytes(1024))
    assert f"ValueError: storages of more than the file's {path.stat().st_size} bytes" in refusal(path)


@pytest.mark.parametrize("lazy", [torch._neg_view(torch.ones(2)), torch.ones(2, dtype=torch.complex64).conj()])
def test_tensors_with_a_pending_sign_are_refused(tmp_path: Path, lazy: torch.Tensor) -> None:
    """Their stored numbers are not their values."""
    path = tmp_path / "lazy.pth"
    torch.save({"a": lazy}, path)
    assert "TypeError: a tensor stored conjugated or negated" in refusal(path)


def test_deep_nesting_neither_recurses_nor_crashes(tmp_path: Path) -> None:
    depth = 200_000
    assert isinstance(
        read_tensors(write_zip(tmp_path / "deep.pth", b"\x80\x02" + b"]" * depth + b"a" * (depth - 1) + b".")), list
    )
    keyed = b"\x80\x02})" + b"\x85" * depth + b"Ns."
    assert "a tuple as a key" in refusal(write_zip(tmp_path / "key.pth", keyed))
