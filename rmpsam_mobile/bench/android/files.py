"""A bundle's files on a phone: copied, then hashed there."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from rmpsam_mobile.bench.android import commands
from rmpsam_mobile.bench.android.adb import Adb
from rmpsam_mobile.bundle import Bundle
from rmpsam_mobile.bundle.signature import SIGNATURE
from rmpsam_mobile.bundle.store import MANIFEST, SUMS
from rmpsam_mobile.errors import DeviceError


def folder_of(manifest_sha256: str) -> str:
    """Where a bundle lies on the phone; another bundle lies elsewhere."""
    return f"{commands.FOLDER}/{manifest_sha256[:16]}"


def copies(bundle: Bundle, extra: Mapping[str, Path]) -> list[tuple[Path, str]]:
    """What is copied, and its name below the folder: the whole bundle, then ``extra``."""
    signed = [SIGNATURE] if (bundle.folder / SIGNATURE).is_file() else []
    names = [MANIFEST, SUMS, *signed, *bundle.manifest.files]
    return [(bundle.folder / name, name) for name in names] + [(path, name) for name, path in extra.items()]


def make_folders(folder: str, names: Sequence[str], top: str = commands.FOLDER) -> str:
    """One command that makes the folder anew, below ``top``, with those inside it."""
    inner = sorted({str(PurePosixPath(name).parent) for name in names} - {"."})
    more = "".join(f"; mkdir -p {folder}/{name}" for name in inner)
    return commands.make_folder(folder, top) + more


def push_all(adb: Adb, files: Sequence[tuple[Path, str]], folder: str, top: str = commands.FOLDER) -> None:
    """Make the folder and copy into it.

    Raises:
        DeviceError: full storage, or the connection was lost.
    """
    done = adb.shell(make_folders(folder, [name for _, name in files], top), doing="making a folder on the phone")
    if done.code:
        raise DeviceError(f"{folder} cannot be made on the phone: {done.err.strip()[:120]}; restart the phone")
    for path, name in files:
        adb.push(path, f"{folder}/{name}")
    adb.shell(commands.open_up(folder), doing="opening the copies for apps")


def hashes(adb: Adb, folder: str) -> dict[str, str]:
    """SHA-256 by name of what lies on the phone."""
    said = adb.shell(commands.sums(folder), doing="hashing the copies on the phone", seconds=120.0).out
    return {name: sha for sha, name in re.findall(r"^([0-9a-f]{64})\s+\*?(?:\./)?(.+?)\r?$", said, re.MULTILINE)}


def wrong_files(bundle: Bundle, found: Mapping[str, str]) -> list[str]:
    """Names whose hash on the phone is not the manifest's."""
    return [name for name, entry in bundle.manifest.files.items() if found.get(name) != entry.sha256]
