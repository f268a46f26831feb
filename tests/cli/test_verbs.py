"""What the verbs write and print when all goes well."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from rmpsam_mobile.bundle import to_json
from rmpsam_mobile.cli.console import UNTRAINED
from rmpsam_mobile.rle import decode_mask
from tests.bundles import NEEDS_BUNDLE, Made, names_below, photo, photo_path
from tests.cli.calls import Cli

pytestmark = [NEEDS_BUNDLE, pytest.mark.usefixtures("quiet_engines", "folder")]
CLICK, BOX = "205,215", "62,28,374,388"


def test_segment_writes_overlay_and_masks(cli: Cli, made: Made) -> None:
    done = cli(
        "segment", made.bundle, photo_path(), "--point", CLICK, "--box", BOX, "--panoptic", "-o", "out.png", "--json"
    )
    assert done.code == 0
    said = json.loads(done.out)
    assert names_below(Path()) == [
        "out.png",
        "out_masks",
        "out_masks/box_2.png",
        "out_masks/click_1.png",
        "out_masks/panoptic.png",
    ]
    assert said.items() >= {"trained": False, "width": 640, "height": 427, "engine": "executorch"}.items()
    assert [row["kind"] for row in said["prompts"]] == ["click", "box"]
    for row, name in zip(said["prompts"], ("click_1", "box_2"), strict=True):
        mask = np.asarray(Image.open(f"out_masks/{name}.png")) > 0
        np.testing.assert_array_equal(decode_mask(row["mask"]), mask)
        assert row["area"] == mask.sum()
        x1, y1, x2, y2 = row["box"]
        assert mask[y1:y2, x1:x2].sum() == mask.sum()
    assert said["prompts"][0]["points"] == [[205.0, 215.0]]
    assert said["prompts"][1]["prompt_box"] == [62.0, 28.0, 374.0, 388.0]
    ids = np.asarray(Image.open("out_masks/panoptic.png")).astype(np.int64) @ (1, 256, 65536)
    assert ids.shape == (427, 640)
    for segment in said["panoptic"]:
        np.testing.assert_array_equal(decode_mask(segment["mask"]), ids == segment["id"])
        assert segment["area"] == (ids == segment["id"]).sum()
    assert UNTRAINED in done.err
    overlay = np.asarray(Image.open("out.png").convert("RGB"))
    assert overlay.shape == (427, 640, 3)
    assert (overlay != photo()).any(axis=2).mean() > 0.05


def test_segment_prints_a_table_and_writes_nothing_unasked(cli: Cli, made: Made) -> None:
    done = cli("segment", made.bundle, photo_path(), "--point", CLICK)
    assert done.code == 0
    assert "click 1" in done.out
    assert "205,215" in done.out
    assert done.err.splitlines() == [UNTRAINED, "next: add -o overlay.png to see it"]
    assert names_below(Path()) == []


def test_force_replaces_overlay_and_masks(cli: Cli, made: Made) -> None:
    assert cli("segment", made.bundle, photo_path(), "--box", BOX, "-o", "out.jpg").code == 0
    assert cli("segment", made.bundle, photo_path(), "--point", CLICK, "-o", "out.jpg").code == 2
    assert cli("segment", made.bundle, photo_path(), "--point", CLICK, "-o", "out.jpg", "--force").code == 0
    assert names_below(Path()) == ["out.jpg", "out_masks", "out_masks/click_1.png"]
    assert Image.open("out.jpg").format == "JPEG"


def test_a_checkpoint_runs_eagerly(cli: Cli, made: Made) -> None:
    done = cli("segment", made.checkpoint, photo_path(), "--point", CLICK, "--json")
    assert done.code == 0
    assert json.loads(done.out)["engine"] == "eager"


def test_a_video_becomes_tracks_and_an_animation(cli: Cli, made: Made) -> None:
    first, *rest = (Image.fromarray(photo()[60 : 60 + 96, 20 * t : 20 * t + 128]) for t in range(4))
    first.save("in.gif", save_all=True, append_images=rest, duration=40)
    done = cli("segment", made.bundle, "--video", "in.gif", "-o", "out", "--json")
    assert done.code == 0
    said = json.loads(done.out)
    assert (said["frames"], said["trained"]) == (4, False)
    assert names_below(Path("out")) == ["overlay.webp", "tracks.json"]
    tracks: list[dict[str, Any]] = json.loads(Path("out/tracks.json").read_text(encoding="utf-8"))
    assert [row["track_id"] for row in tracks] == [row["id"] for row in said["tracks"]]
    for row in tracks:
        assert [code is None or decode_mask(code).shape for code in row["segmentations"]].count((96, 128)) >= 1
        assert len(row["segmentations"]) == 4
    with Image.open("out/overlay.webp") as animation:
        assert getattr(animation, "n_frames", 1) == 4
    assert "4 of 4 frames in out/overlay.webp, tracks in out/tracks.json" in done.err
    assert UNTRAINED in done.err


def test_inspect(cli: Cli, made: Made) -> None:
    manifest = made.opened.manifest
    assert json.loads(cli("inspect", made.bundle, "--json").out) == to_json(manifest)
    done = cli("inspect", made.bundle)
    for word in (*manifest.graphs, "mask_features", "fp32", "index_select", manifest.checkpoint_sha256):
        assert word in done.out
    assert "6 files, " in done.err
    assert "every hash is right" in done.err
    assert UNTRAINED in done.err


def test_validate_with_and_without_the_checkpoint(cli: Cli, made: Made) -> None:
    done = cli("validate", made.bundle)
    assert done.code == 0
    assert "hashes right, golden pair answered, two runs equal bit by bit" in done.err
    assert "parity with the eager model was not measured: give --checkpoint FILE" in done.err
    said = json.loads(cli("validate", made.bundle, "--checkpoint", made.checkpoint, "--json").out)
    assert said["repeatable"] is True
    assert len(said["golden"]) == len(said["parity"]) == 9
    assert all(row["passes"] for row in said["parity"])


def test_a_bundle_that_answers_otherwise_is_6(cli: Cli, copy: Path) -> None:
    """Files that are whole but swapped: hashes fit, answers do not."""
    from rmpsam_mobile.bundle.golden import Golden, read_golden, write_golden
    from tests.bundle.test_store import edit_manifest

    golden = read_golden(copy)
    write_golden(Golden({key: -value for key, value in golden.values.items()}), copy)
    import hashlib

    raw = (copy / "golden.npz").read_bytes()
    entry = {"sha256": hashlib.sha256(raw).hexdigest(), "size_bytes": len(raw)}
    edit_manifest(copy, lambda document: document["files"].__setitem__("golden.npz", entry))
    done = cli("validate", copy)
    assert done.code == 6
    assert done.err.splitlines()[-1].startswith("ERROR golden pair: encoder/mask_features, ")
    assert " no" in done.out


def test_import_and_what_it_says(cli: Cli, official: Path) -> None:
    done = cli("import", official, "-o", "m.safetensors", "--licence", "MIT", "--json")
    assert done.code == 0
    said = json.loads(done.out)
    assert (
        said.items()
        >= {
            "preset": "rmpsam-seaformer-tiny",
            "kind": "official",
            "trained": True,
            "classes": 0,
            "licence": "MIT",
            "output": "m.safetensors",
        }.items()
    )
    assert "no class embeddings: boxes and clicks will work, classes will not" in done.err
    assert "next: rmpsam-mobile export m.safetensors -o model.bundle" in done.err
    assert cli("import", official, "-o", "m.safetensors").code == 2
    assert cli("import", official, "-o", "m.safetensors", "--force").code == 0


def test_thresholds_are_stored_with_the_weights(cli: Cli, official: Path) -> None:
    first = cli("import", official, "-o", "m.safetensors", "--object-mask", "0.3", "--json")
    assert json.loads(first.out)["thresholds"] == {"object_mask": 0.3, "iou": 0.8}
    again = cli("import", "m.safetensors", "-o", "n.safetensors", "--iou", "0.6", "--json")
    assert json.loads(again.out)["thresholds"] == {"object_mask": 0.3, "iou": 0.6}
    wrong = cli("import", official, "-o", "o.safetensors", "--iou", "1.2")
    assert (wrong.code, wrong.error) == (2, "threshold iou is 1.2; give a share from 0 to 1, as 0.8")


@pytest.mark.parametrize(
    "command",
    [
        ["import", "M", "-o", "new"],
        ["export", "M", "-o", "new", "--size", "64"],
        ["quantize", "M", "--calib", "C", "-o", "new"],
    ],
    ids=lambda command: str(command[0]),
)
def test_a_dry_run_writes_nothing(cli: Cli, made: Made, command: list[str]) -> None:
    places = {"M": made.checkpoint, "C": photo_path().parent}
    done = cli(*(places.get(word, word) for word in command), "--dry-run", "--json")
    assert done.code == 0
    json.loads(done.out)
    assert names_below(Path()) == []


def test_a_dry_run_of_an_export_names_its_files(cli: Cli, made: Made) -> None:
    said = json.loads(cli("export", made.checkpoint, "-o", "new", "--size", "64x96", "--dry-run").out)
    assert said["files"] == [
        f"rmpsam-seaformer-tiny_64x96_{graph}_xnnpack_fp32.pte" for graph in ("encoder", "objects", "prompts")
    ]
    assert said["steps"][0] == "rewrite"
    assert said["steps"][-1] == "parity"
    said = json.loads(cli("export", made.checkpoint, "-o", "new", "--target", "coreml-package", "--dry-run").out)
    assert said["files"][0] == "rmpsam-seaformer-tiny_512_encoder_coreml_fp16.mlpackage"


def test_few_calibration_pictures_are_warned_about(cli: Cli, made: Made) -> None:
    Path("c").mkdir()
    shutil.copy(photo_path(), "c/a.jpg")
    Path("c/b.jpg").write_bytes(b"broken")
    done = cli("quantize", made.checkpoint, "--calib", "c", "-o", "new", "--dry-run")
    assert json.loads(done.out)["pictures"] == 1
    assert "skipped b.jpg: c/b.jpg: no picture" in done.err
    assert "warning: 1 of 1 pictures show anything; ranges may be too narrow; use 32 or more" in done.err
