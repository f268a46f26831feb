"""The app's measuring entry, compiled from its sources, driven on a JVM: what it prints is what ``bench`` reads."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from rmpsam_mobile.bench.android.instrumentation import Instrumentation, parse_instrumentation, report_of
from rmpsam_mobile.bundle import Bundle, Golden, open_bundle, read_golden, write_golden
from rmpsam_mobile.contracts import Graph
from tests.apps.android_program import instrument
from tests.apps.kotlin_compiler import versions
from tests.bench.slim_bundle import slim_bundle
from tests.bundles import NEEDS_BUNDLE, Made
from tests.bundles import made as made

pytestmark = [pytest.mark.apps, NEEDS_BUNDLE]

APP = "org.rmpsam.demo"
SHORT = {"rounds": "2", "runs": "20", "min_round_s": "0", "warmup": "2"}
NOISE = {  # what a busy computer may do to a series; a phone at rest does none of it
    "below-timer-resolution",
    "samples-repeat",
    "rounds-disagree",
    "slows-down",
    "still-warming-up",
}


@pytest.fixture(scope="module")
def bundle(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The small bundle without its two largest graphs."""
    return slim_bundle(made.opened, tmp_path_factory.mktemp("slim") / "slim.bundle", (Graph.ENCODER, Graph.PROMPTS))


def measured(arguments: dict[str, str], **options: Any) -> tuple[Instrumentation, dict[str, Any]]:
    printed = parse_instrumentation(instrument(arguments, **options))
    return printed, report_of(printed, APP, "")


def told(arguments: dict[str, str], **options: Any) -> str:
    """The error in what was printed."""
    printed = parse_instrumentation(instrument(arguments, **options))
    assert printed.code == 0
    assert "report" not in printed.results
    return printed.results["error"]


def test_real_files_give_a_report_that_bench_believes(bundle: Bundle) -> None:
    printed, report = measured({"bundle": str(bundle.folder), "threads": "1", **SHORT}, runtime="pte")
    assert printed.code == -1
    assert [(status["graph"], status["round"]) for status in printed.statuses] == [
        (graph, round_) for graph in ("encoder", "prompts") for round_ in ("0", "1")
    ]
    assert set(report["reasons"]) <= NOISE
    for timed in report["graphs"]:
        assert [len(round_["samples_ms"]) for round_ in timed["rounds"]] == [20, 20]
        assert timed["check"] == timed["check"] | {"passes": True, "repeatable": True}
        assert timed["check"]["golden_max_abs"] < 1e-3  # the same files on the same kind of processor
        assert (timed["summary"] is None) == (report["status"] == "refused")
    assert report["bundle"]["name"] == bundle.manifest.name
    assert {file["sha256"] for file in report["bundle"]["files"]} <= {e.sha256 for e in bundle.manifest.files.values()}
    assert report["runner"]["id"] == APP
    assert report["runner"]["runtime_version"] == versions()["versions"]["executorch"]
    assert all(value > 0 for value in report["pipeline"].values())
    assert report["memory"] == {"baseline_mb": 90.0, "peak_mb": 90.0, "retained_mb": 90.0, "method": "pss"}
    assert report["target"]["api"] == 36
    assert report["conditions"]["power"] == "usb"


def test_one_graph_and_no_round_times_a_cold_start(bundle: Bundle) -> None:
    _, report = measured({"bundle": str(bundle.folder), "graph": "encoder", "rounds": "0"}, runtime="golden")
    assert report["status"] == "ok"
    assert report["graphs"] == []
    assert len(report["load"]["cold_ms"]) == 1
    assert report["load"]["first_run_ms"] > 0
    assert report["pipeline"]["tap_to_mask_ms_p50"] is None


def test_a_wrong_answer_is_no_latency(bundle: Bundle, tmp_path: Path) -> None:
    golden = read_golden(bundle.folder)
    other = slim_bundle(bundle, tmp_path / "other.bundle", (Graph.ENCODER, Graph.PROMPTS))
    spoilt = {key: -values if key == "prompts/mask_logits" else values for key, values in golden.values.items()}
    write_golden(Golden(spoilt), other.folder)
    _resum(other.folder)
    _, report = measured({"bundle": str(other.folder), "graph": "prompts", **SHORT}, runtime="pte")
    assert report["status"] == "refused"
    assert report["reasons"][0] == "output-mismatch"
    assert report["graphs"][0]["summary"] is None
    assert report["graphs"][0]["check"]["sign_agreement"] < 0.98


def test_a_hot_phone_is_not_waited_for_forever(bundle: Bundle) -> None:
    arguments = {"bundle": str(bundle.folder), "graph": "encoder", "cooldown_s": "0.5", **SHORT, "rounds": "1"}
    _, report = measured(arguments, runtime="golden", phone={"thermal": "2"})
    assert "throttled" in report["reasons"]
    assert report["graphs"][0]["rounds"][0]["thermal_status_max"] == 2
    assert report["protocol"]["cooldown_s"][0] >= 0.5
    assert {sample["status"] for sample in report["conditions"]["thermal"]} == {2}


def test_a_debug_build_and_an_emulator_are_named(bundle: Bundle) -> None:
    arguments = {"bundle": str(bundle.folder), "graph": "encoder", "rounds": "0"}
    _, report = measured(arguments, runtime="golden", phone={"flags": "2", "HARDWARE": "ranchu"})
    assert "emulator" in report["reasons"]
    assert "debuggable" in report["warnings"]
    assert report["target"]["emulated"]


def test_what_cannot_be_done_is_said_in_one_line(bundle: Bundle, tmp_path: Path) -> None:
    folder = str(bundle.folder)
    assert told({}) == "bad-argument: no bundle; give -e bundle FOLDER"
    assert told({"bundle": folder, "speed": "9"}).startswith("bad-argument: unknown: speed; known: bundle, graph")
    assert told({"bundle": folder, "runs": "0"}) == "bad-argument: runs 0; wanted 1..10000"
    assert told({"bundle": folder, "graph": "head"}).startswith("bad-argument: graph head; known: all, encoder")
    assert told({"bundle": folder, "graph": "objects"}).startswith("graph-missing: ")
    assert told({"bundle": str(tmp_path)}).startswith("bundle-damaged: manifest.json cannot be read")
    copy = Path(shutil.copytree(bundle.folder, tmp_path / "copy"))
    broken = copy / bundle.manifest.graphs[Graph.ENCODER].path
    broken.write_bytes(broken.read_bytes()[:-1] + b"x")
    assert "its sha256 is not the one in the manifest" in told({"bundle": str(copy)})


def test_files_for_another_engine_are_refused_before_they_are_loaded(bundle: Bundle, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(bundle.folder, tmp_path / "copy"))
    path = copy / "manifest.json"
    document = json.loads(path.read_text("utf-8"))
    document["graphs"]["encoder"]["target"] = "vulkan"
    path.write_text(json.dumps(document), "utf-8")
    _resum(copy, files=False)
    assert told({"bundle": str(copy)}).startswith("engine-missing: ")


def _resum(folder: Path, *, files: bool = True) -> None:
    """Make the sums of a changed bundle fit again, so that only the change itself can be found."""
    import hashlib

    path = folder / "manifest.json"
    document = json.loads(path.read_text("utf-8"))
    if files:
        for name, entry in document["files"].items():
            raw = (folder / name).read_bytes()
            entry |= {"sha256": hashlib.sha256(raw).hexdigest(), "size_bytes": len(raw)}
        path.write_text(json.dumps(document), "utf-8")
    sums = {"manifest.json": hashlib.sha256(path.read_bytes()).hexdigest()}
    sums |= {name: entry["sha256"] for name, entry in document["files"].items()}
    (folder / "SHA256SUMS").write_text("".join(f"{sha}  {name}\n" for name, sha in sums.items()), "utf-8")
    open_bundle(folder)
