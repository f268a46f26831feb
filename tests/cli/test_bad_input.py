"""Bad input: one line with the value and the next step, the right exit code, nothing on stdout, nothing written."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from rmpsam_mobile.model.presets import PRESETS
from tests.bundle.test_store import edit_manifest
from tests.bundles import NEEDS_BUNDLE, PRESET, Made, names_below, photo_path
from tests.cli.calls import Cli
from tests.seeded_weights import seeded_state_dict, spec_of_preset, write_official_checkpoint

pytestmark = pytest.mark.usefixtures("folder")


class Evil:
    """What a pickle can do to whoever opens it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch new_OWNED",)


def test_a_missing_file(cli: Cli) -> None:
    for command in (["import", "gone.pth", "-o", "new.safetensors"], ["export", "gone.pth", "-o", "new.bundle"]):
        done = cli(*command)
        assert (done.code, done.error) == (2, "gone.pth: no such file; check the path")
    done = cli("segment", "gone.bundle", "x.jpg", "--point", "1,2", "-o", "new.png")
    assert (done.code, done.error) == (2, "gone.bundle: no such file; check the path")
    for verb in ("inspect", "validate", "bench"):
        done = cli(verb, "gone.bundle")
        assert (done.code, done.error) == (
            2,
            "gone.bundle does not exist; wanted a bundle folder, as rmpsam-mobile export writes it",
        )


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.999])
def test_a_truncated_checkpoint(cli: Cli, official: Path, share: float) -> None:
    raw = official.read_bytes()
    Path("cut.pth").write_bytes(raw[: int(share * len(raw))])
    for command in (["import", "cut.pth", "-o", "new.safetensors"], ["export", "cut.pth", "-o", "new.bundle"]):
        done = cli(*command)
        assert done.code == 2
        if share:
            assert done.error == (
                "cut.pth: its zip archive is broken or cut short (File is not a zip file); "
                "copy or download the file again"
            )
        else:
            assert done.error == "cut.pth: is empty (0 bytes); copy or download the file again"


def test_a_pickle_with_code_in_it(cli: Cli) -> None:
    torch.save({"state_dict": {"a": torch.zeros(3)}, "extra": Evil()}, "evil.pth")
    done = cli("import", "evil.pth", "-o", "new.safetensors")
    assert done.code == 2
    assert done.error == (
        "evil.pth: asks for posix.system, which weights never need; nothing was run; "
        "open it with no other tool, and get a file of model.state_dict() from its publisher"
    )


def test_a_checkpoint_of_another_network(cli: Cli) -> None:
    torch.save({"state_dict": {"layer.weight": torch.zeros(3, 4), "layer.bias": torch.zeros(3)}}, "other.pth")
    done = cli("import", "other.pth", "-o", "new.safetensors")
    assert done.code == 2
    assert done.error.startswith("other.pth: belongs to another network; best match ")
    assert "unexpected: " in done.error
    assert done.error.endswith("give an official RMP-SAM checkpoint, or an ImageNet ResNet-18, ResNet-50 or SeaFormer")


def test_an_incomplete_checkpoint_names_the_option(cli: Cli) -> None:
    state = seeded_state_dict(spec_of_preset(PRESET))
    state.pop("neck.loc_conv.weight")
    write_official_checkpoint(Path("part.pth"), state)
    done = cli("import", "part.pth", "-o", "new.safetensors")
    assert done.code == 2
    assert "missing 1: neck.loc_conv.weight" in done.error
    assert "(--allow-partial)" in done.error


def test_a_classifier_of_the_wrong_width(cli: Cli, official: Path) -> None:
    torch.save(torch.zeros(133, 1, 512), "wide.pth")
    for command in (["import", official, "-o", "new.safetensors"], ["export", official, "-o", "new.bundle"]):
        done = cli(*command, "--classifier", "wide.pth")
        assert done.code == 2
        assert done.error == (
            "wide.pth: has width 512, this model reads 768; make the embeddings with the text encoder that the "
            "checkpoint was trained with (official: CLIP ConvNeXt-L at 320 px)"
        )


def test_another_preset_than_the_files(cli: Cli, official: Path) -> None:
    done = cli("import", official, "--preset", "rmpsam-seaformer-tny", "-o", "new.safetensors")
    assert done.code == 2
    assert done.error == (
        f"unknown preset 'rmpsam-seaformer-tny'; did you mean {PRESET!r}? known: {', '.join(PRESETS)}; "
        "see rmpsam-mobile list"
    )


PICTURES = {
    "text.jpg": "is no picture in a known format; save it as JPEG, PNG or WebP (HEIC has to be converted)",
    "one.png": "is 1 x 1 px; the shortest side needs 8; take a larger picture",
    "wide.png": "is 20000 x 10 px; the longest side may have 16384; shrink or crop it first",
    "gone.png": "does not exist; check the path to the picture",
    "empty.png": "is empty (0 bytes); copy or download the picture again",
}


@NEEDS_BUNDLE
@pytest.mark.usefixtures("quiet_engines")
@pytest.mark.parametrize("name", PICTURES)
def test_pictures_that_are_none(cli: Cli, made: Made, name: str) -> None:
    Path("text.jpg").write_text("hello", encoding="utf-8")
    Path("empty.png").write_bytes(b"")
    Image.new("RGB", (1, 1)).save("one.png")
    Image.new("RGB", (20_000, 10)).save("wide.png")
    done = cli("segment", made.bundle, name, "--point", "1,2", "-o", "new.png")
    assert (done.code, done.error) == (2, f"{name} {PICTURES[name]}")


@NEEDS_BUNDLE
@pytest.mark.parametrize("verb", ["inspect", "validate", "bench", "segment"])
def test_a_bundle_with_one_flipped_byte(cli: Cli, copy: Path, verb: str) -> None:
    more = ["x.jpg", "--point", "1,2", "-o", "new.png"] if verb == "segment" else []
    for path in sorted(copy.glob("*.pte"))[:2]:
        with path.open("r+b") as file:
            file.seek(path.stat().st_size // 2)
            byte = file.read(1)[0]
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte ^ 1]))
        done = cli(verb, copy, *more)
        assert (done.code, done.error) == (
            2,
            f"{path}: its sha256 is not the one in the manifest; it was damaged, copy the bundle again",
        )
        with path.open("r+b") as file:
            file.seek(path.stat().st_size // 2)
            file.write(bytes([byte]))


def set_schema(document: dict[str, Any]) -> None:
    document["schema"] = 3


def leave_by_files(document: dict[str, Any]) -> None:
    document["files"]["../new_outside"] = document["files"].pop("golden.npz")


def leave_by_graph(document: dict[str, Any]) -> None:
    document["graphs"]["encoder"]["path"] = "/etc/passwd"


@NEEDS_BUNDLE
@pytest.mark.parametrize("verb", ["inspect", "validate", "segment"])
@pytest.mark.parametrize(
    ("edit", "code", "message"),
    [
        (
            set_schema,
            4,
            "{0}/manifest.json has schema 3; this version reads up to 2; update rmpsam-mobile, or export it again",
        ),
        (
            leave_by_files,
            2,
            "{0}: the manifest names '../new_outside', which lies outside of the bundle; do not use this bundle",
        ),
        (
            leave_by_graph,
            2,
            "{0}: the manifest names '/etc/passwd', which lies outside of the bundle; do not use this bundle",
        ),
    ],
)
def test_manifests_that_are_not_followed(
    cli: Cli, folder: Path, made: Made, verb: str, edit: Callable[[dict[str, Any]], None], code: int, message: str
) -> None:
    shutil.copytree(made.bundle, folder / "b", copy_function=os.link)
    for name in ("manifest.json", "SHA256SUMS"):  # own copies, the rest are links
        raw = (folder / "b" / name).read_bytes()
        (folder / "b" / name).unlink()
        (folder / "b" / name).write_bytes(raw)
    edit_manifest(folder / "b", edit)
    more = [photo_path(), "--point", "1,2", "-o", "new.png"] if verb == "segment" else []
    done = cli(verb, "b", *more)
    assert (done.code, done.error) == (code, message.format("b"))


@NEEDS_BUNDLE
@pytest.mark.usefixtures("quiet_engines")
def test_what_exists_is_not_replaced(cli: Cli, folder: Path, made: Made) -> None:
    taken = folder / "taken"
    taken.mkdir()
    (taken / "precious").write_text("mine", encoding="utf-8")
    commands: list[list[object]] = [
        ["import", made.checkpoint],
        ["export", made.checkpoint],
        ["quantize", made.checkpoint, "--calib", photo_path().parent],
        ["segment", made.bundle, photo_path(), "--point", "9,9"],
        ["segment", made.bundle, "--video", photo_path().parent],
        ["demo"],
    ]
    for command in commands:
        done = cli(*command, "-o", "taken")
        assert (done.code, done.error) == (
            2,
            "taken exists already; choose another name, or replace it with --force",
        )
    assert (taken / "precious").read_text(encoding="utf-8") == "mine"
    Path("out_masks").mkdir()
    done = cli("segment", made.bundle, photo_path(), "--point", "9,9", "-o", "out.png")
    assert done.error.startswith("out_masks exists already")
    assert not Path("out.png").exists()


@NEEDS_BUNDLE
def test_a_full_disk(cli: Cli, made: Made, small_disk: Callable[[int], Path]) -> None:
    disk = small_disk(1024)
    done = cli("import", made.checkpoint, "-o", disk / "m.safetensors")
    assert done.code == 2
    assert done.error.startswith(f"{disk / 'm.safetensors'}: the disk is full, ")
    assert done.error.endswith(" bytes free; free some space")
    assert names_below(disk) == []


@NEEDS_BUNDLE
@pytest.mark.usefixtures("quiet_engines")
def test_a_disk_that_fills_up_between_masks_and_overlay(
    cli: Cli, made: Made, small_disk: Callable[[int], Path]
) -> None:
    disk = small_disk(64)  # the mask fits, the overlay of 600 KB does not
    done = cli("segment", made.bundle, photo_path(), "--point", "200,200", "-o", disk / "o.png")
    assert done.code == 2
    assert f"{disk / 'o.png'}: the disk is full, " in done.error
    assert names_below(disk) == []
