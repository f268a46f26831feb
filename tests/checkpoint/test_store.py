"""Our own checkpoint file: round trip, atomic writing, and what is refused on reading."""

import dataclasses
import errno
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from rmpsam_mobile.checkpoint.store import (
    Card,
    Checkpoint,
    halved,
    parse_checkpoint,
    read_checkpoint,
    save_checkpoint,
)
from rmpsam_mobile.contracts import Thresholds
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.model.vocabulary import Vocabulary

CARD = Card(
    source_name="rmpsam_r18.pth",
    source_sha256="0" * 64,
    kind="official",
    licence="unknown",
    trained=False,
    untrained=("neck: 3 of 3 tensors",),
    left_out=(("note", "no tensor but str"),),
    filled=("backbone.bn1.num_batches_tracked",),
)


def small_checkpoint() -> Checkpoint:
    base = torch.arange(8.0)
    return Checkpoint(
        preset="rmpsam-r18",
        tensors={
            "a.weight": base,
            "a.same": base.reshape(2, 4),
            "b.weight": base.reshape(2, 4).t(),
            "c.num_batches_tracked": torch.tensor(7),
        },
        classifier=torch.nn.functional.normalize(torch.ones(2, 1, 768), dim=-1),
        vocabulary=Vocabulary(("Katze", "Himmel über Wien"), 1),
        thresholds=Thresholds(object_mask=0.3, iou=0.6),
        card=CARD,
    )


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_checkpoint(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


def about(**changes: Any) -> dict[str, str]:
    """Metadata of a file of ours, with changes; None takes a field out."""
    card = {**dataclasses.asdict(CARD), **changes.pop("card", {})}
    fields: dict[str, Any] = {"format": 1, "preset": "rmpsam-r18", "vocabulary": None, "num_things": None, "card": card}
    fields |= changes
    return {"rmpsam_mobile": json.dumps({name: value for name, value in fields.items() if value != "absent"})}


def test_what_is_saved_is_read_again(tmp_path: Path) -> None:
    path, saved = tmp_path / "model.safetensors", small_checkpoint()
    save_checkpoint(saved, path)
    found = read_checkpoint(path)
    assert (found.preset, found.vocabulary, found.card) == (saved.preset, saved.vocabulary, CARD)
    assert found.thresholds == saved.thresholds != Thresholds()
    assert found.tensors.keys() == saved.tensors.keys()
    for name, tensor in saved.tensors.items():
        assert torch.equal(found.tensors[name], tensor), name
        assert found.tensors[name].dtype == tensor.dtype
    assert found.classifier is not None
    assert saved.classifier is not None
    assert torch.equal(found.classifier, saved.classifier)
    assert os.listdir(tmp_path) == ["model.safetensors"]  # noqa: PTH208


def test_a_checkpoint_without_classes_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_checkpoint(Checkpoint(preset="rmpsam-r18", tensors={"a": torch.ones(2)}), path)
    found = read_checkpoint(path)
    assert (found.classifier, found.vocabulary, found.card) == (None, None, Card())


def test_files_from_before_there_were_thresholds_have_the_official_ones() -> None:
    assert parse_checkpoint({}, about(), "old").thresholds == Thresholds(object_mask=0.8, iou=0.8)
    for thresholds in ({"object_mask": 1.5}, {"iou": "half"}, {"colour": 0.5}, [0.5]):
        with pytest.raises(InputError, match=r"^new: (its header is broken|threshold object_mask is 1.5; give a)"):
            parse_checkpoint({}, about(thresholds=thresholds), "new")


def test_equal_checkpoints_make_equal_files(tmp_path: Path) -> None:
    for name in ("one", "two"):
        save_checkpoint(small_checkpoint(), tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_are_read_as_float32(tmp_path: Path, dtype: torch.dtype) -> None:
    path = tmp_path / "model.safetensors"
    save_checkpoint(
        Checkpoint(preset="rmpsam-r18", tensors={"a": torch.ones(2, dtype=dtype), "n": torch.tensor(3)}), path
    )
    found = read_checkpoint(path).tensors
    assert (found["a"].dtype, found["n"].dtype) == (torch.float32, torch.int64)


def test_names_and_embeddings_come_together() -> None:
    message = (
        "class embeddings for 0 classes and 1 class names; they must be equally many; "
        "give the vocabulary that the embeddings were made from"
    )
    with pytest.raises(InputError) as caught:
        Checkpoint(preset="rmpsam-r18", tensors={}, vocabulary=Vocabulary(("cat",), 1))
    assert str(caught.value) == message


def test_an_existing_file_is_kept_without_force(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_text("precious")
    with pytest.raises(InputError) as caught:
        save_checkpoint(small_checkpoint(), path)
    assert str(caught.value) == (f"{path} exists already; choose another name, or replace it with --force")
    assert path.read_text() == "precious"
    save_checkpoint(small_checkpoint(), path, force=True)
    assert read_checkpoint(path).card == CARD


def test_folders_and_missing_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is a folder; give a file name in it, for example .*model\.safetensors$"):
        save_checkpoint(small_checkpoint(), tmp_path, force=True)
    with pytest.raises(InputError, match=r"there is no folder .*gone; make it first$"):
        save_checkpoint(small_checkpoint(), tmp_path / "gone" / "model.safetensors")


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.safetensors"
    path.write_text("precious")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(
        InputError, match=r": the disk is full, [\d,]+ bytes needed and [\d,]+ bytes free; free some space$"
    ):
        save_checkpoint(small_checkpoint(), path, force=True)
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.safetensors"]
    assert path.read_text() == "precious"


def test_an_interrupt_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(small_checkpoint(), tmp_path / "model.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_a_really_full_disk_leaves_nothing(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root may mount the small disk that this fills")
    try:
        big = Checkpoint(preset="rmpsam-r18", tensors={"a": torch.zeros(2**16)})
        with pytest.raises(
            InputError, match=r": the disk is full, 26\d,\d{3} bytes needed and 65,536 bytes free; free some space$"
        ):
            save_checkpoint(big, disk / "model.safetensors")
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    safetensors.torch.save_file({"a": torch.ones(1)}, path, metadata=about(format=2))
    assert refusal(path) == "has format version 2, this release reads up to 1; update rmpsam-mobile"


def test_the_same_file_of_this_format_is_read(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    safetensors.torch.save_file({"a": torch.ones(1)}, path, metadata=about())
    assert read_checkpoint(path).card == CARD


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ({"rmpsam_mobile": "{"}, "JSONDecodeError: Expecting property name"),
        ({"rmpsam_mobile": "[]"}, "TypeError"),
        (about(format="one"), "ValueError: format version 'one'"),
        (about(format=True), "ValueError: format version True"),
        (about(preset=3), "TypeError: '3' where text is wanted"),
        (about(preset="absent"), "KeyError: 'preset'"),
        (about(vocabulary=[1], num_things=0), "TypeError: '1' where text is wanted"),
        (about(card={"left_out": [["name"]]}), "ValueError: not enough values to unpack"),
    ],
)
def test_broken_metadata_is_refused(tmp_path: Path, metadata: dict[str, str], reason: str) -> None:
    path = tmp_path / "model.safetensors"
    safetensors.torch.save_file({"a": torch.ones(1)}, path, metadata=metadata)
    message = refusal(path)
    assert message.startswith(f"its header is broken ({reason}")
    assert message.endswith("); import the original file again")


def test_names_without_embeddings_in_a_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    safetensors.torch.save_file({"a": torch.ones(1)}, path, metadata=about(vocabulary=["cat"], num_things=1))
    assert refusal(path).startswith("class embeddings for 0 classes and 1 class names; they must be equally many")


def test_safetensors_of_others_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    safetensors.torch.save_file({"a": torch.ones(1)}, path)
    assert refusal(path) == (
        f"is safetensors without this project's header; import it first: rmpsam-mobile import {path}"
    )


def test_files_that_are_not_whole_are_refused(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    save_checkpoint(small_checkpoint(), whole)
    raw = whole.read_bytes()
    for length in (1, 7, 8, 100, len(raw) // 2, len(raw) - 1):
        cut.write_bytes(raw[:length])
        assert refusal(cut).startswith("is no whole safetensors file ("), length
    cut.write_bytes(b"")
    assert refusal(cut) == "is empty (0 bytes); copy or download the file again"
    assert refusal(tmp_path / "none") == "no such file; check the path"


def test_half_the_bytes_keep_norms_and_counters_exact(tmp_path: Path) -> None:
    whole = small_checkpoint()
    whole.tensors["a.same"].mul_(1 / 3)
    save_checkpoint(halved(whole), tmp_path / "half.safetensors")
    again = read_checkpoint(tmp_path / "half.safetensors")
    assert torch.equal(again.tensors["a.weight"], whole.tensors["a.weight"])
    assert torch.equal(again.tensors["a.same"], whole.tensors["a.same"].half().float())
    assert again.tensors["c.num_batches_tracked"] == 7
    assert again.classifier is not None
    assert whole.classifier is not None
    assert torch.equal(again.classifier, whole.classifier)
