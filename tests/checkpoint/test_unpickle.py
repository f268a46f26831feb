"""Reading torch files: everything plain comes back, files that are none are refused."""

import contextlib
import datetime
import pathlib
import pickle
import random
import sys
import types
import zipfile
from argparse import Namespace
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rmpsam_mobile.checkpoint.pickle_machine import Placeholder
from rmpsam_mobile.checkpoint.unpickle import read_tensors
from rmpsam_mobile.errors import InputError
from tests.checkpoint.torch_files import refusal


def plain_values() -> dict[str, Any]:
    base = torch.arange(12.0)
    with_note = torch.ones(3)
    with_note.note = "kept by torch, dropped here"  # type: ignore[attr-defined]
    return {
        "transposed": torch.randn(3, 4, generator=torch.Generator().manual_seed(0)).t(),
        "sliced": base[2:6],
        "shared": base.reshape(3, 4),
        "parameter": torch.nn.Parameter(torch.ones(2)),
        "half": torch.tensor([1.5, -2.0], dtype=torch.float16),
        "brain": torch.tensor([1.5, -2.0], dtype=torch.bfloat16),
        "counter": torch.tensor(5),
        "flags": torch.tensor([True, False]),
        "empty": torch.zeros(0, 3),
        "with_note": with_note,
    }


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("is_zip", [True, False], ids=["zip", "legacy"])
def test_tensors_come_back_equal(tmp_path: Path, is_zip: bool, protocol: int) -> None:
    path, values = tmp_path / "weights.pth", plain_values()
    torch.save(values, path, _use_new_zipfile_serialization=is_zip, pickle_protocol=protocol)
    found = read_tensors(path)
    assert list(found) == list(values)
    for name, value in values.items():
        assert found[name].dtype == value.dtype, name
        assert found[name].shape == value.shape, name
        assert torch.equal(found[name], value.detach()), name
        assert type(found[name]) is torch.Tensor


@pytest.mark.parametrize("is_zip", [True, False], ids=["zip", "legacy"])
def test_plain_containers_and_arrays_come_back(tmp_path: Path, is_zip: bool) -> None:
    values: dict[str, Any] = {
        "ordered": OrderedDict(b=1, a=2),
        "default": defaultdict(list, {1: [2]}),
        "counts": Counter("aab"),
        "nested": [(1, 2.5, None, True), {"x": b"bytes", "y": bytearray(b"more")}, {3, 4}, frozenset({5})],
        "size": torch.Size([1, 2]),
        "scalar": np.float32(2.5),
    }
    arrays = {
        "array": np.arange(6.0).reshape(2, 3),
        "fortran": np.asfortranarray(np.arange(6).reshape(2, 3)),
        "big": np.arange(3, dtype=">i4"),
    }
    path = tmp_path / "weights.pth"
    torch.save({**values, **arrays}, path, _use_new_zipfile_serialization=is_zip)
    found = read_tensors(path)
    expected = {**values, "size": (1, 2), "scalar": 2.5}
    assert {name: found[name] for name in values} == expected
    assert type(found["ordered"]) is dict
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)


def test_what_only_torch_knows_becomes_a_placeholder(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save({"device": torch.device("cpu"), "type": torch.float32, "texts": np.array(["a"])}, path)
    found = read_tensors(path)
    assert repr(found["device"]) == "<torch.device: not loaded>"
    assert repr(found["type"]) == "<torch.float32: not loaded>"
    assert found["texts"].size == 0


class FakeHistory:
    """Like mmengine's HistoryBuffer: arrays, and a table of its own bound methods."""

    def __init__(self) -> None:
        self.log = np.arange(5.0)
        self.counts = np.ones(5, dtype=np.int64)
        self.methods = {"mean": self.mean}

    def mean(self) -> float:
        return float(self.log.mean())


class FakeConfig(dict[str, Any]):
    """Like mmengine's ConfigDict: a dict with attributes."""


@pytest.fixture
def training_stack() -> Iterator[tuple[type[FakeHistory], type[FakeConfig]]]:
    """Both classes under mmengine's names while the file is written; no trace of them afterwards."""
    names = {"mmengine.logging.history_buffer": FakeHistory, "mmengine.config.config": FakeConfig}
    before = {cls: cls.__module__ for cls in names.values()}
    for parent in ("mmengine", "mmengine.logging", "mmengine.config"):
        sys.modules[parent] = types.ModuleType(parent)
    for module_name, cls in names.items():
        module = types.ModuleType(module_name)
        cls.__module__ = module_name
        setattr(module, cls.__name__, cls)
        sys.modules[module_name] = module
    yield FakeHistory, FakeConfig
    forget_mmengine()
    for cls, module_name in before.items():
        cls.__module__ = module_name


def forget_mmengine() -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "mmengine"]:
        del sys.modules[name]


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("is_zip", [True, False], ids=["zip", "legacy"])
def test_objects_of_training_stacks_stay_placeholders(
    tmp_path: Path, training_stack: tuple[type[FakeHistory], type[FakeConfig]], is_zip: bool, protocol: int
) -> None:
    history, config = training_stack
    path = tmp_path / "epoch_12.pth"
    values = {
        "state_dict": {"weight": torch.ones(2)},
        "message_hub": {"log_scalars": OrderedDict(loss=history()), "bound": history().mean},
        "meta": {
            "cfg": config(model=config(type="RapSAM")),
            "time": datetime.datetime(2024, 1, 2),
            "folder": pathlib.PurePosixPath("work_dirs"),
            "options": Namespace(lr=0.1),
            "queue": deque([1, 2], maxlen=3),
        },
    }
    torch.save(values, path, _use_new_zipfile_serialization=is_zip, pickle_protocol=protocol)
    forget_mmengine()
    found = read_tensors(path)
    assert torch.equal(found["state_dict"]["weight"], torch.ones(2))
    loss = found["message_hub"]["log_scalars"]["loss"]
    assert type(loss) is Placeholder
    assert loss.origin == "mmengine.logging.history_buffer.FakeHistory"
    assert found["message_hub"]["bound"].origin == "builtins.getattr"
    assert all(isinstance(value, Placeholder) for value in found["meta"].values())
    assert not any(name.startswith("mmengine") for name in sys.modules)


def test_a_placeholder_has_nothing_to_reach_through() -> None:
    placeholder = Placeholder("mmengine.x")
    assert not hasattr(placeholder, "__dict__")
    assert not callable(placeholder)
    with pytest.raises(AttributeError):
        placeholder.system  # type: ignore[attr-defined]  # noqa: B018


def test_a_whole_model_is_refused_with_the_way_out(tmp_path: Path) -> None:
    for is_zip in (True, False):
        path = tmp_path / f"model{is_zip}.pth"
        torch.save(torch.nn.Linear(2, 2), path, _use_new_zipfile_serialization=is_zip)
        message = refusal(path)
        assert message.startswith("holds a whole pickled model")
        assert message.endswith("limit is tensors; nothing was run; save model.state_dict() to a new file")


def test_torchscript_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "script.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("script/data.pkl", pickle.dumps({}, protocol=2))
        archive.writestr("script/constants.pkl", b"")
        archive.writestr("script/code/__torch__.py", b"")
    expected = "is a TorchScript archive, which holds code; save the model's state_dict() with torch.save"
    assert refusal(path) == expected


def test_other_archives_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", b"")
    assert refusal(path) == (
        "a zip archive with 0 entries data.pkl, 1 makes a torch file; unpack it and give the .pth inside"
    )


@pytest.mark.parametrize("is_zip", [True, False], ids=["zip", "legacy"])
def test_a_file_cut_anywhere_is_refused(tmp_path: Path, is_zip: bool) -> None:
    whole, cut = tmp_path / "whole.pth", tmp_path / "cut.pth"
    torch.save({"a": torch.arange(8.0), "b": torch.ones(2, 2)}, whole, _use_new_zipfile_serialization=is_zip)
    raw = whole.read_bytes()
    for length in {*range(12), *range(12, len(raw), 37), len(raw) - 1}:
        cut.write_bytes(raw[:length])
        message = refusal(cut)
        assert "; " in message, length


@pytest.mark.parametrize("is_zip", [True, False], ids=["zip", "legacy"])
def test_flipped_bytes_give_values_or_one_error(tmp_path: Path, is_zip: bool) -> None:
    whole, bad = tmp_path / "whole.pth", tmp_path / "bad.pth"
    values = {"a": torch.arange(8.0), "n": np.arange(3), "m": datetime.date(2024, 1, 1)}
    torch.save(values, whole, _use_new_zipfile_serialization=is_zip)
    raw, dice = whole.read_bytes(), random.Random(7)
    for _ in range(400):
        changed = bytearray(raw)
        for _ in range(dice.randint(1, 3)):
            changed[dice.randrange(len(raw))] = dice.randrange(256)
        bad.write_bytes(changed)
        with contextlib.suppress(InputError):  # any other exception is a bug
            read_tensors(bad)


def test_files_that_are_no_torch_files_are_refused(tmp_path: Path) -> None:
    empty, text, plain = tmp_path / "empty.pth", tmp_path / "text.pth", tmp_path / "plain.pth"
    empty.touch()
    text.write_text("<html>not found</html>")
    plain.write_bytes(pickle.dumps({"a": 1}, protocol=2))
    assert refusal(empty) == "is empty (0 bytes); copy or download the file again"
    assert refusal(text) == "is no torch file (it starts with b'<htm'); give a .pth that torch.save wrote"
    assert refusal(plain) == "is a pickle, but not one of torch.save; save it again with torch.save"
    assert refusal(tmp_path / "none.pth") == "no such file; check the path"
    assert refusal(tmp_path) == "is a folder; give the checkpoint file inside it"


def test_a_tar_file_is_named_as_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "old.pth"
    path.write_bytes(b"storages".ljust(257, b"\0") + b"ustar".ljust(255, b"\0"))
    assert refusal(path) == "is a tar file as PyTorch before 0.2 wrote; save it again with a newer PyTorch"
