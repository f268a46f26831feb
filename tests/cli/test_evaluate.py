"""``evaluate``: what it prints and stores for each protocol, and what it refuses."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rmpsam_mobile.checkpoint import save_checkpoint, seeded_checkpoint
from rmpsam_mobile.cli.console import UNTRAINED
from rmpsam_mobile.runtime import Prompt
from tests.bundles import NEEDS_BUNDLE, PRESET, Made, names_below
from tests.cli.calls import Cli
from tests.evaluate.measuring_sets import (
    HEIGHT,
    SQUARE,
    WIDTH,
    write_clips,
    write_objects,
    write_panoptic,
    write_prompted,
)
from tests.evaluate.test_panoptic import SEGMENTS, STREET

pytestmark = pytest.mark.usefixtures("folder")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seeded SeaFormer Tiny with COCO's classes."""
    path = tmp_path_factory.mktemp("checkpoint") / "seeded.safetensors"
    save_checkpoint(seeded_checkpoint(PRESET), path)
    return path


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A measuring set for each protocol."""
    folder = tmp_path_factory.mktemp("sets")
    prompted = write_prompted(folder / "prompted")
    panoptic = write_panoptic(folder / "panoptic", {"coco": (STREET, SEGMENTS), "other": (STREET, SEGMENTS)})
    clips = write_clips(folder / "clips", [SQUARE, SQUARE, None])
    objects = write_objects(folder / "objects")
    return {
        "box": prompted,
        "click": prompted,
        "panoptic": panoptic,
        "instance": objects,
        "video": clips,
        "everything": objects,
    }


def said(cli: Cli, *arguments: object) -> dict[str, Any]:
    done = cli("evaluate", *arguments, "--size", 64, "--json")
    assert (done.code, done.err.splitlines()[-1]) == (0, UNTRAINED)
    report: dict[str, Any] = json.loads(done.out)
    return report


@pytest.mark.parametrize("protocol", ["box", "click"])
def test_prompts(cli: Cli, checkpoint: Path, sets: dict[str, Path], protocol: str) -> None:
    report = said(cli, checkpoint, "--data", sets[protocol], "--protocol", protocol)
    assert report["schema"] == "rmpsam.accuracy/1"
    assert report["protocol"] == protocol
    assert report["model"] == {
        "name": "seeded.safetensors",
        "preset": PRESET,
        "trained": False,
        "sha256": hashlib.sha256(checkpoint.read_bytes()).hexdigest(),
    }
    assert (report["engine"], report["size"]) == ("eager", "64")
    assert report["data"] == {
        "file": "manifest.json",
        "sha256": hashlib.sha256((sets[protocol] / "manifest.json").read_bytes()).hexdigest(),
        "used": 2,
        "available": 2,
    }
    assert (report["objects"], report["pictures"], report["clicks"]) == (3, 2, 1)
    assert 0 <= report["miou"] <= 1
    rows = [*report["by_source"].values(), *report["by_size"].values()]
    noc = {"noc"} if protocol == "click" else set()
    assert all(row.keys() == {"miou", "objects", "miou_by_click"} | noc for row in rows)
    assert list(report["by_source"]) == ["a", "b"]
    assert list(report["by_size"]) == ["<1%", "1-5%", "5-20%", ">20%"]
    weighted = sum(row["miou"] * row["objects"] for row in report["by_source"].values()) / 3
    assert report["miou"] == pytest.approx(weighted)


def test_panoptic(cli: Cli, checkpoint: Path, sets: dict[str, Path]) -> None:
    done = cli("evaluate", checkpoint, "--data", sets["panoptic"], "--protocol", "panoptic", "--size", 64, "--json")
    report = json.loads(done.out)
    assert report["pictures"] == 2
    assert list(report["by_source"]) == ["coco", "other"]
    for row in (report, *report["by_source"].values()):
        assert all(row[kind].keys() == {"pq", "sq", "rq", "categories"} for kind in ("all", "things", "stuff"))
    assert report["unknown_categories"] == [{"id": 91, "name": "spaceship", "segments": 2}]
    assert "category 91 (spaceship) is no class of the model: its 2 segments count as missed" in done.err


def test_video(cli: Cli, checkpoint: Path, sets: dict[str, Path]) -> None:
    report = said(cli, checkpoint, "--data", sets["video"], "--protocol", "video", "--min-score", "0.01")
    assert (report["clips"], report["objects"], report["min_score"]) == (1, 1, 0.01)
    (row,) = report["by_object"]
    figures = ("j", "f", "recall", "identity")
    assert row.keys() == {"clip", "source", "category", "share", "found_as", "tracks", *figures}
    assert all(report[key] == row[key] == report["by_source"]["clips"][key] for key in figures)
    assert report["by_size"]["<1%"]["objects"] == 1
    assert report["video_ap"].keys() == {"by_class", "class_agnostic"}


def test_instance(cli: Cli, checkpoint: Path, sets: dict[str, Path]) -> None:
    done = cli("evaluate", checkpoint, "--data", sets["instance"], "--protocol", "instance", "--size", 64, "--json")
    report = json.loads(done.out)
    assert (report["pictures"], report["data"]["file"]) == (2, "instances_val.json")
    for kind, objects in (("by_class", 1), ("class_agnostic", 2)):
        assert report[kind]["objects"] == objects
        assert report[kind].keys() >= {"ap", "ap50", "ap75", "ar1", "ar10", "ar100", "by_source", "by_size"}
    assert done.err.splitlines()[0] == "1 of the objects have no class of the model; they count without names only"


def test_everything(cli: Cli, checkpoint: Path, sets: dict[str, Path]) -> None:
    report = said(cli, checkpoint, "--data", sets["everything"], "--protocol", "everything", "--limit", 1)
    assert (report["pictures"], report["grid_side"]) == (1, 32)
    for way in ("object_aware", "grid"):
        assert report[way].keys() >= {"ar1", "ar10", "ar100", "ar1000", "decoder_ms", "by_source", "by_size"}
    assert report["grid"]["decoder_calls"] == 64
    assert report["object_aware"]["decoder_calls"] <= 3
    assert report["decoder_time_ratio"] > 1


def test_the_released_comparison(cli: Cli, checkpoint: Path, sets: dict[str, Path]) -> None:
    report = said(cli, checkpoint, "--data", sets["click"], "--protocol", "click", "--as-official")
    assert report["as_official"].keys() == {"miou", "objects", "noc", "by_source", "by_size"}
    assert all(1 <= clicks <= 20 for clicks in report["as_official"]["noc"].values())


def test_processes_and_a_journal_change_nothing(cli: Cli, checkpoint: Path, sets: dict[str, Path]) -> None:
    asked = (checkpoint, "--data", sets["box"], "--protocol", "box", "--threads", 1)
    reports = [
        said(cli, *asked),
        said(cli, *asked, "--processes", 2),
        said(cli, *asked, "--resume", "kept.jsonl", "--limit", 1),
        said(cli, *asked, "--resume", "kept.jsonl"),
        said(cli, *asked, "--resume", "kept.jsonl"),
    ]
    one, two, part, rest, again = ({k: v for k, v in r.items() if k not in ("tool", "finished")} for r in reports)
    assert one == two == rest == again
    assert part["data"]["used"] == 1
    assert len(Path("kept.jsonl").read_text().splitlines()) == 3
    done = cli("evaluate", *asked, "--resume", "kept.jsonl", "--size", 96)
    assert done.code == 2
    assert done.error == "kept.jsonl holds results of another size (64, not 96); choose another file"


WORDS = {
    "box": ("mIoU by box", "<1% of the picture", "eager"),
    "click": ("mIoU by click", "b "),
    "panoptic": ("panoptic quality", "things", "stuff", "PQ %"),
    "instance": ("mask AP", "by class", "AP50 %"),
    "video": ("best track of each object", "camel", "in view %", "F %"),
    "everything": ("decoder time of the grid / object-aware", "AR@1000 %"),
}


@pytest.mark.parametrize("protocol", WORDS)
def test_tables(cli: Cli, checkpoint: Path, sets: dict[str, Path], protocol: str) -> None:
    done = cli("evaluate", checkpoint, "--data", sets[protocol], "--protocol", protocol, "--size", 64)
    assert done.code == 0
    assert all(word in done.out for word in WORDS[protocol])
    assert UNTRAINED in done.err


def test_a_report_is_stored_and_not_replaced(cli: Cli, checkpoint: Path, sets: dict[str, Path]) -> None:
    asked = (checkpoint, "--data", sets["box"], "--protocol", "box", "-o", "report.json")
    report = said(cli, *asked)
    assert json.loads(Path("report.json").read_text(encoding="utf-8")) == report
    assert names_below(Path()) == ["report.json"]
    done = cli("evaluate", *asked)
    assert (done.code, done.error) == (
        2,
        "report.json exists already; choose another name, or replace it with --force",
    )
    again = said(cli, *asked, "--force", "--limit", 1)
    assert json.loads(Path("report.json").read_text(encoding="utf-8")) == again
    assert (again["data"]["used"], again["objects"]) == (1, 2)


def test_a_limit_is_told(cli: Cli, checkpoint: Path, sets: dict[str, Path]) -> None:
    done = cli("evaluate", checkpoint, "--data", sets["box"], "--protocol", "box", "--size", 64, "--limit", 1)
    assert done.err.splitlines()[0] == "only 1 of 2 were measured (--limit): no figure to report"


def test_empty_masks_are_told(
    cli: Cli, checkpoint: Path, sets: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(_: object, prompts: Sequence[Prompt]) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        return np.zeros((len(prompts), HEIGHT, WIDTH), bool), np.ones(len(prompts))

    monkeypatch.setattr("rmpsam_mobile.runtime.Segmenter.predict_many", nothing)
    done = cli("evaluate", checkpoint, "--data", sets["box"], "--protocol", "box", "--size", 64)
    assert done.err.splitlines()[0] == "3 of 3 masks are empty and count as 0"


@NEEDS_BUNDLE
@pytest.mark.usefixtures("quiet_engines")
def test_a_bundle_scores_as_its_checkpoint(cli: Cli, made: Made, sets: dict[str, Path]) -> None:
    reports = []
    for model, more in ((made.bundle, ()), (made.checkpoint, ("--size", "64x96"))):
        done = cli("evaluate", model, "--data", sets["box"], "--protocol", "box", "--json", *more)
        assert done.code == 0, done.err
        reports.append(json.loads(done.out))
    bundle, eager = reports
    assert (bundle["engine"], eager["engine"]) == ("executorch", "eager")
    assert bundle["size"] == eager["size"] == "64x96"
    assert bundle["model"]["sha256"] == hashlib.sha256((made.bundle / "manifest.json").read_bytes()).hexdigest()
    # an untrained model's logits are near zero, where rounding may flip a pixel of 2000
    assert bundle["miou"] == pytest.approx(eager["miou"], abs=0.01)


KNOWN = (
    "box (one ground-truth box an object), click (one click an object, or more with --clicks), "
    "panoptic (every pixel named: PQ, SQ, RQ), instance (countable objects with their names: mask AP), "
    "video (objects followed through clips: J, F, identity, video AP), "
    "everything (masks without a prompt: AR and decoder time against a grid of clicks)"
)
REFUSED = [
    (["--protocol", "boxes"], 2, f"unknown protocol 'boxes'; known: {KNOWN}"),
    (["--protocol", "box", "--clicks", "2"], 2, "--clicks belongs to --protocol click, not to box; leave it away"),
    (["--protocol", "click", "--clicks", "0"], 2, "--clicks 0; the limit is 1 to 8; try --clicks 3"),
    (["--protocol", "click", "--clicks", "9"], 2, "--clicks 9; the limit is 1 to 8; try --clicks 3"),
    (
        ["--protocol", "box", "--split", "val"],
        2,
        "--split belongs to panoptic, instance, video and everything, not to box; leave it away",
    ),
    (["--protocol", "box", "--as-official"], 2, "--as-official belongs to --protocol click, not to box; leave it away"),
    (
        ["--protocol", "box", "--processes", "0"],
        2,
        "--processes 0; the limit is 1 to 64; try --processes 2 --threads 1",
    ),
    (["--protocol", "box", "--threads", "0"], 2, "--threads 0; at least 1; leave it away for all cores"),
    (
        ["--protocol", "instance", "--data", "."],
        2,
        ". holds no annotations/instances_val.json; protocols instance and everything want a manifest.json or COCO's "
        "instances layout; name the part with --split",
    ),
    (
        ["--protocol", "box", "--min-score", "0.1"],
        2,
        "--min-score belongs to --protocol video, not to box; leave it away",
    ),
    (["--protocol", "video", "--min-score", "2"], 2, "--min-score 2; the limit is 0 to 1; try --min-score 0.3"),
    (["--protocol", "box", "--limit", "0"], 2, "--limit 0; at least 1 is needed; leave it away for all"),
    (["--protocol", "box", "-o", "no/new.json"], 2, "no/new.json: there is no folder no; make it first"),
    (["--protocol", "box", "--size", "500"], 2, "size 500: 500 is no multiple of 32 from 32 to 2048; try 512"),
    (
        ["--protocol", "click", "--clicks", "3"],
        4,
        f"--clicks 3: {PRESET} reads 1 click a prompt; use --clicks 1, or a model that reads more",
    ),
    (
        ["--protocol", "panoptic"],
        2,
        "DATA holds no annotations/panoptic_val.json; protocol panoptic wants COCO's panoptic layout; "
        "name the part with --split",
    ),
    (
        ["--protocol", "video", "--split", "test"],
        2,
        "DATA holds no instances_test.json; protocol video wants YouTube-VIS's layout; name the part with --split",
    ),
]


@pytest.mark.parametrize(("options", "code", "message"), REFUSED, ids=lambda value: str(value)[:40])
def test_what_is_refused(
    cli: Cli, checkpoint: Path, sets: dict[str, Path], options: list[str], code: int, message: str
) -> None:
    done = cli("evaluate", checkpoint, "--data", sets["box"], *options)
    assert (done.code, done.error) == (code, message.replace("DATA", str(sets["box"])))


def test_a_missing_model_and_missing_data(cli: Cli, checkpoint: Path, sets: dict[str, Path]) -> None:
    done = cli("evaluate", "gone.pth", "--data", sets["box"], "--protocol", "box")
    assert (done.code, done.error) == (2, "gone.pth: no such file; check the path")
    done = cli("evaluate", checkpoint, "--data", "gone", "--protocol", "box")
    assert (done.code, done.error) == (
        2,
        "gone is no folder; protocols box and click want a measuring set with its manifest",
    )


def test_a_model_without_classes(cli: Cli, official: Path, sets: dict[str, Path]) -> None:
    for protocol in ("panoptic", "instance", "video", "everything"):
        done = cli("evaluate", official, "--data", sets[protocol], "--protocol", protocol)
        assert (done.code, done.error) == (
            4,
            f"{PRESET} has no class embeddings here, so it names and follows nothing; give a checkpoint with "
            "--classifier FILE, or measure --protocol box",
        )
