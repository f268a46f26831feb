"""Files and folders that appear whole or not at all."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from rmpsam_mobile.atomic import new_folder, refuse_existing, write_file
from rmpsam_mobile.errors import InputError
from tests.bundles import names_below, small_disk

__all__ = ["small_disk"]


def fail_with(code: int) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    return fail


def test_write_file_replaces_and_leaves_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    for raw in (b"first", b"", b"third"):
        write_file(target, raw)
        assert target.read_bytes() == raw
    assert names_below(tmp_path) == ["a.bin"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    target = tmp_path / "a.bin"
    write_file(target, b"old")
    monkeypatch.setattr(os, "fsync", fail_with(code))
    with pytest.raises(InputError) as caught:
        write_file(target, b"x" * 1234)
    assert str(caught.value).startswith(f"{target}: the disk is full, 1,234 bytes needed and ")
    assert str(caught.value).endswith(" bytes free; free some space")
    assert target.read_bytes() == b"old"
    assert names_below(tmp_path) == ["a.bin"]


def test_another_error_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", fail_with(errno.EROFS))
    with pytest.raises(InputError) as caught:
        write_file(tmp_path / "a.bin", b"x")
    assert str(caught.value) == (
        f"{tmp_path / 'a.bin'}: cannot be written (Read-only file system); choose another folder"
    )
    assert names_below(tmp_path) == []


def test_an_interrupt_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_file(tmp_path / "a.bin", b"x")
    assert names_below(tmp_path) == []


def test_a_really_full_disk(small_disk: Callable[[int], Path]) -> None:
    disk = small_disk(64)
    write_file(disk / "fits", bytes(20_000))
    with pytest.raises(InputError, match=r"the disk is full, 100,000 bytes needed and .* bytes free; free some space"):
        write_file(disk / "large", bytes(100_000))
    assert names_below(disk) == ["fits"]


def test_a_folder_appears_when_the_block_ends(tmp_path: Path) -> None:
    target = tmp_path / "f"
    with new_folder(target) as folder:
        (folder / "a").write_bytes(b"1")
        assert not target.exists()
        assert folder.parent == tmp_path  # a rename cannot cross file systems
    assert names_below(tmp_path) == ["f", "f/a"]


@pytest.mark.parametrize("old_kind", ["folder", "file", "link"])
def test_force_replaces_whatever_was_there(tmp_path: Path, old_kind: str) -> None:
    target, kept = tmp_path / "f", tmp_path / "kept"
    kept.mkdir()
    (kept / "precious").write_bytes(b"1")
    if old_kind == "folder":
        target.mkdir()
        (target / "old").write_bytes(b"1")
    elif old_kind == "file":
        target.write_bytes(b"1")
    else:
        target.symlink_to(kept)
    with new_folder(target, force=True) as folder:
        (folder / "new").write_bytes(b"2")
    assert names_below(tmp_path) == ["f", "f/new", "kept", "kept/precious"]


def test_nothing_is_made_without_a_parent(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught, new_folder(tmp_path / "no" / "f"):
        pass
    assert str(caught.value) == (f"{tmp_path / 'no' / 'f'}: there is no folder {tmp_path / 'no'}; make it first")
    assert names_below(tmp_path) == []


def test_refusal_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="exists already; choose another name, or replace it with --force"):
        refuse_existing(tmp_path, force=False)
    refuse_existing(tmp_path, force=True)
    refuse_existing(tmp_path / "new", force=False)
