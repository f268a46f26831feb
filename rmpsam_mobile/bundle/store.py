"""Bundles on disk: written whole or not at all, opened only if every byte is what the manifest says."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Final

from rmpsam_mobile.atomic import new_folder
from rmpsam_mobile.bundle.manifest import FileEntry, Manifest, manifest_from_json, to_json
from rmpsam_mobile.contracts import Graph
from rmpsam_mobile.errors import InputError, UnsupportedError

MANIFEST: Final = "manifest.json"
SUMS: Final = "SHA256SUMS"  # of the manifest and all files, in the form that `sha256sum -c` reads


@dataclass(frozen=True)
class Bundle:
    """An opened, verified bundle."""

    folder: Path
    manifest: Manifest

    def path(self, graph: Graph) -> Path:
        """File or folder of one graph.

        Raises:
            UnsupportedError: the bundle has no such graph; says why if the manifest does.
        """
        artifact = self.manifest.graphs.get(graph)
        if artifact is None:
            reason = self.manifest.left_out.get(graph, "it was not exported")
            raise UnsupportedError(f"{self.folder.name} has no {graph} graph: {reason}")
        return self.folder / artifact.path

    @property
    def size_bytes(self) -> int:
        """Bytes of all files but the manifest."""
        return sum(entry.size_bytes for entry in self.manifest.files.values())


def write_bundle(folder: Path, fill: Callable[[Path], Manifest], *, force: bool = False) -> Bundle:
    """Make a bundle: ``fill`` writes the files into a temporary folder and returns the manifest without hashes.

    Raises:
        InputError: the folder exists and ``force`` is not set, or the disk is full; nothing is left behind.
    """
    with new_folder(folder, force=force) as temporary:
        manifest = fill(temporary)
        files = {
            path.relative_to(temporary).as_posix(): FileEntry(sha256=_sha256(path), size_bytes=path.stat().st_size)
            for path in sorted(temporary.rglob("*"))
            if path.is_file()
        }
        manifest = replace(manifest, files=files)
        text = json.dumps(to_json(manifest), indent=1, ensure_ascii=False) + "\n"
        (temporary / MANIFEST).write_text(text, encoding="utf-8")
        sums = {MANIFEST: _sha256(temporary / MANIFEST)} | {name: entry.sha256 for name, entry in files.items()}
        (temporary / SUMS).write_text(_sums_text(sums), encoding="utf-8")
    return Bundle(folder, manifest)


def is_bundle(path: Path) -> bool:
    """Tell whether a path looks like a bundle, broken or not."""
    return path.is_dir() and (path / MANIFEST).exists()


def open_bundle(folder: str | Path) -> Bundle:
    """Open a bundle and verify it.

    Raises:
        InputError: no bundle, a missing file, another size or hash, or a path that leaves the folder.
        UnsupportedError: a manifest of a newer schema.
    """
    folder = Path(folder)
    if not folder.is_dir():
        kind = "is a file" if folder.exists() else "does not exist"
        raise InputError(f"{folder} {kind}; wanted a bundle folder, as rmpsam-mobile export writes it")
    manifest = _read_manifest(folder)
    artifact_paths = [artifact.path for artifact in manifest.graphs.values()]
    for name in (*manifest.files, *artifact_paths):
        _inside(folder, name)
    _verify_sums(folder, manifest)
    for name, entry in manifest.files.items():
        _verify(folder / name, entry)
    for path in artifact_paths:
        if not (folder / path).exists():
            raise InputError(f"{folder}: the manifest names {path}, which is missing; export it again")
    return Bundle(folder, manifest)


def _read_manifest(folder: Path) -> Manifest:
    path = folder / MANIFEST
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise InputError(f"{folder} has no {MANIFEST}; it is no bundle, or was copied in part") from None
    except ValueError as error:
        raise InputError(f"{path} is no JSON ({str(error)[:60]}); copy the bundle again") from None
    return manifest_from_json(document, str(path))


def _inside(folder: Path, name: str) -> None:
    """Refuse a name that points out of the folder, by itself or through a link."""
    pure = PurePosixPath(name)
    leaves = not name or pure.is_absolute() or ".." in pure.parts or "\\" in name or ":" in name
    if leaves or not (folder / name).resolve().is_relative_to(folder.resolve()):
        raise InputError(
            f"{folder}: the manifest names {name!r}, which lies outside of the bundle; do not use this bundle"
        )


def _verify_sums(folder: Path, manifest: Manifest) -> None:
    """The list of sums must be exactly the manifest's, and the manifest's own must fit."""
    expected = {MANIFEST: _sha256(folder / MANIFEST)} | {name: e.sha256 for name, e in manifest.files.items()}
    try:
        text = (folder / SUMS).read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        raise InputError(f"{folder} has no readable {SUMS}; copy the bundle again") from None
    if text == _sums_text(expected):
        return
    listed = {name: sha for sha, _, name in (line.partition("  ") for line in text.split("\n"))}
    for name, sha in expected.items():
        if listed.get(name) != sha:
            raise InputError(
                f"{folder / name}: its sha256 is not the one in {SUMS}; it was damaged, copy the bundle again"
            )
    raise InputError(f"{folder / SUMS} is not the list of the manifest's {len(expected)} sums; copy the bundle again")


def _sums_text(sums: Mapping[str, str]) -> str:
    return "".join(f"{sha}  {name}\n" for name, sha in sums.items())


def _verify(path: Path, entry: FileEntry) -> None:
    if not path.is_file():
        raise InputError(f"{path} is missing; copy the bundle again")
    size = path.stat().st_size
    if size != entry.size_bytes:
        raise InputError(f"{path} has {size:,} bytes; wanted {entry.size_bytes:,}; copy the bundle again")
    if _sha256(path) != entry.sha256:
        raise InputError(f"{path}: its sha256 is not the one in the manifest; it was damaged, copy the bundle again")


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
