"""Files and folders that appear whole or not at all."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rmpsam_mobile.errors import InputError


def write_file(target: Path, raw: bytes) -> None:
    """Write ``raw`` under a temporary name beside ``target``, then rename; an existing file is replaced.

    Raises:
        InputError: the disk is full or the folder cannot be written; nothing is left behind.
    """
    temporary = _temporary_name(target)
    try:
        with temporary.open("wb") as stream:
            stream.write(raw)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise _explained(error, target, f"{len(raw):,} bytes") from None
    except BaseException:  # an interrupt must not leave half a file either
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def new_folder(target: Path, *, force: bool = False) -> Iterator[Path]:
    """Yield a temporary folder that becomes ``target`` when the block ends well, and vanishes when it does not.

    Args:
        target: the folder to make; its parent must exist.
        force: replace an existing folder, once the new one is whole.

    Raises:
        InputError: ``target`` exists and ``force`` is not set, or it cannot be written.
    """
    refuse_existing(target, force=force)
    temporary = _temporary_name(target)
    try:
        temporary.mkdir()
        yield temporary
        _swap(temporary, target)
    except OSError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise _explained(error, target, "more room") from None
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def refuse_existing(target: Path, *, force: bool) -> None:
    """Refuse to write where something is, or where no parent folder is, before any work is done.

    Raises:
        InputError: says what to do.
    """
    if target.exists() and not force:
        raise InputError(f"{target} exists already; choose another name, or replace it with --force")
    if not target.parent.is_dir():
        raise InputError(f"{target}: there is no folder {target.parent}; make it first")


def _swap(temporary: Path, target: Path) -> None:
    """Put ``temporary`` in the place of ``target``; what was there goes only once the new one stands."""
    if not target.exists():
        temporary.rename(target)
        return
    old = target.with_name(f".{target.name}.{os.getpid()}.old")
    target.rename(old)
    temporary.rename(target)
    shutil.rmtree(old) if old.is_dir() and not old.is_symlink() else old.unlink()


def _temporary_name(target: Path) -> Path:
    return target.with_name(f".{target.name}.{os.getpid()}.part")


def _explained(error: OSError, target: Path, needed: str) -> InputError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        free = shutil.disk_usage(target.parent).free
        return InputError(f"{target}: the disk is full, {needed} needed and {free:,} bytes free; free some space")
    return InputError(f"{target}: cannot be written ({error.strerror or error}); choose another folder")
