"""Programs that the rungs need and nothing else does: fetched once, pinned, kept in the ignored folder ``.tools``.

A rung whose tool cannot be had is skipped with the reason in one line; it never passes.
"""

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Final, NoReturn

import pytest

from rmpsam_mobile.atomic import new_folder
from tests.conftest import REPOSITORY

TOOLS: Final = REPOSITORY / ".tools"
_SECONDS: Final = 600  # for one download
_FAILED: Final[dict[str, str]] = {}  # what could not be had in this run, and why: trying again may take long each time


def npm_package(name: str, version: str) -> Path:
    """Folder of an npm package; its own install scripts never run."""

    def install(folder: Path) -> None:
        npm = debian_program("npm", "npm")
        options = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-save", "--omit=optional"]
        options += ["--fetch-retries=1", "--fetch-timeout=60000"]
        _fetch(f"{name}@{version}", [str(npm), "install", *options, "--prefix", str(folder), f"{name}@{version}"])

    return kept(f"npm/{name.replace('/', '+')}-{version}", install) / "node_modules" / name


def pip_wheel(name: str, version: str) -> Path:
    """Folder with the unpacked wheel of a PyPI package that must not be importable here."""

    def unpack(folder: Path) -> None:
        options = ["--no-deps", "--only-binary=:all:", "--quiet", "--disable-pip-version-check", "--dest", str(folder)]
        _fetch(f"{name}=={version}", [sys.executable, "-m", "pip", "download", *options, f"{name}=={version}"])
        (wheel,) = folder.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)
        wheel.unlink()

    return kept(f"pypi/{name}-{version}", unpack)


def debian_program(name: str, package: str) -> Path:
    """A program on PATH; as root on Debian it is installed from ``package`` first."""
    return _of_debian(package, lambda: shutil.which(name))


def debian_file(path: str, package: str) -> Path:
    """A file, such as a jar, that a Debian package brings."""
    return _of_debian(package, lambda: path if Path(path).exists() else None)


def kept(key: str, fill: Callable[[Path], None]) -> Path:
    """A folder below ``.tools``, filled once; of several workers of a test run one fills it and the others wait."""
    folder = TOOLS / key
    with alone(folder):
        if not folder.exists():
            with new_folder(folder) as temporary:
                fill(temporary)
    return folder


@contextlib.contextmanager
def alone(place: Path) -> Iterator[None]:
    """Other workers of a test run that come for the same place wait until this one is done."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.with_name(f".{place.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def run(command: Sequence[str | Path], **options: str | Path | dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a tool at low priority and keep its two streams; the caller judges the exit code."""
    quiet = ["nice", "-n", "5"] if shutil.which("nice") else []
    arguments = [*quiet, *map(str, command)]
    return subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=_SECONDS, **options)  # type: ignore[call-overload,no-any-return]


def _of_debian(package: str, find: Callable[[], str | None]) -> Path:
    found = find()
    if found is None and shutil.which("apt-get") and os.geteuid() == 0:
        with alone(TOOLS / "apt"):
            _update_lists()
            install = ["apt-get", "install", "--yes", "--no-install-recommends", package]
            _fetch(f"Debian's {package}", ["env", "DEBIAN_FRONTEND=noninteractive", *install])
        found = find()
    if found is None:
        _skip(f"Debian's package {package}", "not installed; run: apt-get install " + package)
    return Path(found)


@cache
def _update_lists() -> None:
    """A new machine knows no package until this ran; where it fails, the install tells why."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        run(["apt-get", "update", "--quiet"])


def _fetch(what: str, command: Sequence[str]) -> None:
    if what not in _FAILED:
        try:
            done = run(command)
        except (OSError, subprocess.TimeoutExpired) as error:
            _FAILED[what] = str(error)
        else:
            if done.returncode == 0:
                return
            _FAILED[what] = (done.stderr or done.stdout).strip() or "no reason given"
    _skip(what, _FAILED[what])


def _skip(what: str, reason: str) -> NoReturn:
    pytest.skip(f"{what} cannot be had: {reason.splitlines()[-1][:160]}")
