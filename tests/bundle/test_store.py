"""Bundles on disk: whole or not at all, and opened only if every byte is right."""

import errno
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rmpsam_mobile.bundle import Bundle, Manifest, is_bundle, open_bundle, write_bundle
from rmpsam_mobile.contracts import Graph
from rmpsam_mobile.errors import InputError, UnsupportedError
from tests.bundle.manifests import make_manifest
from tests.bundles import names_below

FILES = ["SHA256SUMS", "deep/table.bin", "encoder.pte", "golden.npz", "manifest.json", "prompts.pte"]


def fill(folder: Path) -> Manifest:
    """Small files of several kinds, one of them in a folder below."""
    (folder / "encoder.pte").write_bytes(bytes(range(200)))
    (folder / "prompts.pte").write_bytes(b"prompts")
    (folder / "golden.npz").write_bytes(b"golden" * 40)
    (folder / "deep").mkdir()
    (folder / "deep" / "table.bin").write_bytes(b"\0" * 50)
    return make_manifest()


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return write_bundle(tmp_path / "b.bundle", fill)


def edit_manifest(folder: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    """Change the manifest and make its hash fit again: what a malicious sender can do."""
    path, sums = folder / "manifest.json", folder / "SHA256SUMS"
    document = json.loads(path.read_text(encoding="utf-8"))
    edit(document)
    path.write_text(json.dumps(document), encoding="utf-8")
    own = hashlib.sha256(path.read_bytes()).hexdigest()
    lines = [f"{sha}  {name}" for name, sha in ((n, e["sha256"]) for n, e in document["files"].items())]
    sums.write_text("\n".join([f"{own}  manifest.json", *lines]) + "\n", encoding="utf-8")


def refusal(folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        open_bundle(folder)
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(str(folder), "B")


def test_what_is_written_opens_again(bundle: Bundle) -> None:
    opened = open_bundle(bundle.folder)
    assert opened == bundle
    assert sorted(opened.manifest.files) == ["deep/table.bin", "encoder.pte", "golden.npz", "prompts.pte"]
    assert opened.size_bytes == 200 + 7 + 240 + 50
    assert opened.path(Graph.ENCODER) == bundle.folder / "encoder.pte"
    assert is_bundle(bundle.folder)
    assert not is_bundle(bundle.folder / "deep")


def test_sums_are_those_of_sha256sum(bundle: Bundle) -> None:
    lines = (bundle.folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    listed = {name: sha for sha, _, name in (line.partition("  ") for line in lines)}
    assert sorted([*listed, "SHA256SUMS"]) == FILES
    for name, sha in listed.items():
        assert hashlib.sha256((bundle.folder / name).read_bytes()).hexdigest() == sha


def test_a_graph_that_is_not_there_says_why(bundle: Bundle) -> None:
    with pytest.raises(UnsupportedError) as caught:
        bundle.path(Graph.OBJECTS)
    assert str(caught.value) == "b.bundle has no objects graph: the checkpoint has no class embeddings"
    with pytest.raises(UnsupportedError, match="has no clip graph: it was not exported"):
        bundle.path(Graph.CLIP)


@pytest.mark.parametrize("name", FILES)
def test_every_flipped_byte_is_caught(bundle: Bundle, name: str) -> None:
    path = bundle.folder / name
    whole = path.read_bytes()
    for place in {0, len(whole) // 3, len(whole) // 2, len(whole) - 1}:
        raw = bytearray(whole)
        raw[place] ^= 1
        path.write_bytes(raw)
        with pytest.raises((InputError, UnsupportedError)):
            open_bundle(bundle.folder)
    path.write_bytes(whole)
    open_bundle(bundle.folder)


@pytest.mark.parametrize("name", ["encoder.pte", "golden.npz", "prompts.pte", "deep/table.bin"])
def test_a_flipped_byte_is_named(bundle: Bundle, name: str) -> None:
    path = bundle.folder / name
    raw = bytearray(path.read_bytes())
    raw[3] ^= 128
    path.write_bytes(raw)
    assert refusal(bundle.folder) == (
        f"B/{name}: its sha256 is not the one in the manifest; it was damaged, copy the bundle again"
    )


def test_a_flipped_byte_of_the_manifest_is_named(bundle: Bundle) -> None:
    path = bundle.folder / "manifest.json"
    path.write_bytes(path.read_bytes().replace(b"small_64x96", b"small_64x97"))
    assert refusal(bundle.folder) == (
        "B/manifest.json: its sha256 is not the one in SHA256SUMS; it was damaged, copy the bundle again"
    )


@pytest.mark.parametrize("name", FILES)
def test_every_missing_file_is_caught(bundle: Bundle, name: str) -> None:
    (bundle.folder / name).unlink()
    expected = {
        "manifest.json": "B has no manifest.json; it is no bundle, or was copied in part",
        "SHA256SUMS": "B has no readable SHA256SUMS; copy the bundle again",
    }
    assert refusal(bundle.folder) == expected.get(name, f"B/{name} is missing; copy the bundle again")


def test_another_size_is_told_with_both(bundle: Bundle) -> None:
    (bundle.folder / "encoder.pte").write_bytes(b"short")
    assert refusal(bundle.folder) == "B/encoder.pte has 5 bytes; wanted 200; copy the bundle again"


def test_a_folder_in_the_place_of_a_file(bundle: Bundle) -> None:
    (bundle.folder / "encoder.pte").unlink()
    (bundle.folder / "encoder.pte").mkdir()
    assert refusal(bundle.folder) == "B/encoder.pte is missing; copy the bundle again"


def test_a_sum_too_many_or_too_few(bundle: Bundle) -> None:
    sums = bundle.folder / "SHA256SUMS"
    text = sums.read_text(encoding="utf-8")
    sums.write_text(text + "00  more.bin\n", encoding="utf-8")
    assert refusal(bundle.folder) == "B/SHA256SUMS is not the list of the manifest's 5 sums; copy the bundle again"
    sums.write_text("".join(text.splitlines(keepends=True)[:-1]), encoding="utf-8")
    assert "its sha256 is not the one in SHA256SUMS" in refusal(bundle.folder)


def test_an_extra_file_does_no_harm(bundle: Bundle) -> None:
    (bundle.folder / ".DS_Store").write_bytes(b"left by a file manager")
    assert open_bundle(bundle.folder).manifest == bundle.manifest


OUTSIDE = ["/etc/passwd", "../secret", "deep/../../secret", "..", "", "a\\..\\b", "C:/x", "link/secret"]


@pytest.mark.parametrize("where", ["files", "graph"])
@pytest.mark.parametrize("name", OUTSIDE)
def test_a_path_that_leaves_the_bundle_is_refused(bundle: Bundle, name: str, where: str) -> None:
    outside = bundle.folder.parent / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"x")
    (bundle.folder.parent / "secret").write_bytes(b"x")
    (bundle.folder / "link").symlink_to(outside)

    def edit(document: dict[str, Any]) -> None:
        if where == "files":
            document["files"][name] = {"sha256": hashlib.sha256(b"x").hexdigest(), "size_bytes": 1}
        else:
            document["graphs"]["encoder"]["path"] = name

    edit_manifest(bundle.folder, edit)
    assert refusal(bundle.folder) == (
        f"B: the manifest names {name!r}, which lies outside of the bundle; do not use this bundle"
    )


def test_a_file_that_is_a_link_to_outside_is_refused(bundle: Bundle) -> None:
    inside, outside = bundle.folder / "encoder.pte", bundle.folder.parent / "elsewhere.pte"
    inside.rename(outside)
    inside.symlink_to(outside)
    assert "names 'encoder.pte', which lies outside of the bundle" in refusal(bundle.folder)


def test_a_graph_without_its_file(bundle: Bundle) -> None:
    edit_manifest(bundle.folder, lambda document: document["graphs"]["encoder"].update(path="gone.pte"))
    assert refusal(bundle.folder) == "B: the manifest names gone.pte, which is missing; export it again"


def test_what_is_no_bundle(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x")
    wanted = "wanted a bundle folder, as rmpsam-mobile export writes it"
    assert refusal(tmp_path / "gone") == f"B does not exist; {wanted}"
    assert refusal(file) == f"B is a file; {wanted}"
    assert refusal(tmp_path) == "B has no manifest.json; it is no bundle, or was copied in part"
    (tmp_path / "manifest.json").write_text("{", encoding="utf-8")
    assert refusal(tmp_path).startswith("B/manifest.json is no JSON (Expecting property name")
    (tmp_path / "manifest.json").write_bytes(b"\xff\xfe")
    assert refusal(tmp_path).startswith("B/manifest.json is no JSON (")


def test_an_existing_folder_stays_unless_forced(bundle: Bundle) -> None:
    before = (bundle.folder / "manifest.json").read_bytes()
    with pytest.raises(InputError) as caught:
        write_bundle(bundle.folder, fill)
    assert str(caught.value) == (f"{bundle.folder} exists already; choose another name, or replace it with --force")
    assert (bundle.folder / "manifest.json").read_bytes() == before
    (bundle.folder / "old").write_bytes(b"")
    write_bundle(bundle.folder, fill, force=True)
    assert not (bundle.folder / "old").exists()
    assert names_below(bundle.folder.parent) == ["b.bundle", *sorted(f"b.bundle/{n}" for n in [*FILES, "deep"])]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("bad"), OSError(errno.EIO, "Input/output error")])
def test_what_stops_half_way_leaves_nothing_and_the_old_one_alone(bundle: Bundle, error: BaseException) -> None:
    def broken(folder: Path) -> Manifest:
        fill(folder)
        raise error

    before = names_below(bundle.folder.parent)
    for folder, force in ((bundle.folder, True), (bundle.folder.parent / "new.bundle", False)):
        with pytest.raises((KeyboardInterrupt, ValueError, InputError)):
            write_bundle(folder, broken, force=force)
    assert names_below(bundle.folder.parent) == before
    assert open_bundle(bundle.folder) == bundle


def test_a_full_disk_leaves_nothing(small_disk: Callable[[int], Path]) -> None:
    disk = small_disk(64)

    def large(folder: Path) -> Manifest:
        (folder / "large.bin").write_bytes(bytes(200_000))
        return fill(folder)

    with pytest.raises(InputError, match=r"x\.bundle: the disk is full, more room needed and .* bytes free"):
        write_bundle(disk / "x.bundle", large)
    assert names_below(disk) == []
