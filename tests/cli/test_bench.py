"""``bench`` on this machine, and what it says of phones without one."""

import json
import sys
from pathlib import Path

import pytest

from rmpsam_mobile.bench.schema import check_report
from rmpsam_mobile.contracts import Graph
from tests.bench.reports import paper_bundle
from tests.bundles import NEEDS_BUNDLE, Made
from tests.cli.calls import Cli

pytestmark = [pytest.mark.usefixtures("folder"), NEEDS_BUNDLE]


def test_a_report_is_shown_and_stored(cli: Cli, made: Made) -> None:
    done = cli("bench", made.bundle, "--runs", "2", "--warmup", "0", "-o", "report.json", "--json")
    assert done.code == 0, done.err
    report = check_report(json.loads(done.out), "report")
    assert json.loads(Path("report.json").read_text(encoding="utf-8")) == report
    assert report["warnings"] == ["host, not a phone", "too-few-samples"]
    assert "host, not a phone: these figures say nothing about a phone" in done.err
    assert str(made.bundle) not in done.out  # no path of this machine
    again = cli("bench", made.bundle, "--runs", "2", "-o", "report.json")
    assert (again.code, again.error) == (
        2,
        "report.json exists already; choose another name, or replace it with --force",
    )


@pytest.mark.usefixtures("quiet_engines")
def test_a_table_and_pages_for_people(cli: Cli, made: Made) -> None:
    done = cli("bench", made.bundle, "--runs", "2", "--warmup", "0", "-o", "report.html")
    for word in ("host, not a phone", "encoder", "prompts", "picture and first click", "peak memory"):
        assert word in done.out
    assert Path("report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    cli("bench", made.bundle, "--runs", "2", "--warmup", "0", "-o", "report.md")
    assert "## Verdict" in Path("report.md").read_text(encoding="utf-8")


@pytest.mark.usefixtures("quiet_engines")
def test_strict_refuses_and_keeps_the_samples(cli: Cli, made: Made) -> None:
    done = cli("bench", made.bundle, "--runs", "2", "--warmup", "0", "--strict", "-o", "report.json")
    assert done.code == 6
    assert "ERROR refused: too-few-samples (a round has fewer than 20 samples; ask for more runs)" in done.err
    report = json.loads(Path("report.json").read_text(encoding="utf-8"))
    assert report["graphs"][0]["summary"] is None
    assert len(report["graphs"][0]["rounds"][0]["samples_ms"]) == 2


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["-o", "new.txt"], 2, "new.txt: reports are written as .json, .md, .html; choose one of them"),
        (["--team", "T"], 2, "--team means nothing with --on host; it is for --on ios"),
        (["--dry-run"], 2, "--dry-run means nothing with --on host; it is for --on android and ios"),
        (
            ["--on", "ios", "--threads", "4"],
            2,
            "--threads means nothing with --on ios; it is for --on android and host",
        ),
        (["--on", "android", "--units", "all"], 2, "--units means nothing with --on android; it is for --on ios"),
        (
            ["--on", "android", "--graph", "tail"],
            2,
            "--graph tail: small.bundle has encoder, objects, prompts, clip; choose one of them",
        ),
        (
            ["--on", "android", "--runner", "gone"],
            2,
            "gone: no such file; give a program built for the phone, or leave --runner away",
        ),
        (
            ["--on", "android", "--threads", "all"],
            2,
            "--threads 'all' is neither a number from 1 on nor sweep; write for example --threads 4",
        ),
        (["--threads", "sweep"], 2, "--threads sweep is for phones; on the host give a number, one process each"),
        (["--runs", "0"], 2, "0 runs after 5 of warm-up; at least 1 run; try --runs 50 --warmup 5"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
@pytest.mark.usefixtures("quiet_engines")
def test_bad_options(cli: Cli, made: Made, options: list[str], code: int, message: str) -> None:
    done = cli("bench", made.bundle, *options)
    assert (done.code, done.error) == (code, message)


def test_a_dry_run_prints_every_command_and_runs_none(cli: Cli, made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")  # nothing could be run
    done = cli("bench", made.bundle, "--on", "android", "--rounds", "2", "--threads", "sweep", "--dry-run")
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[:2] == ["adb devices -l", "adb shell getprop"]
    assert sum("am instrument" in line for line in lines) == 3 * 2 * 3  # threads, rounds, graphs but clip
    assert f"{len(lines)} commands, none was run" in done.err
    planned = json.loads(cli("bench", made.bundle, "--on", "ios", "--dry-run", "--json").out)
    assert planned["status"] == "planned"
    assert planned["commands"][0] == "xcrun --find devicectl"
    app = cli("app", made.bundle, "--on", "ios", "--dry-run")
    assert app.out.splitlines()[-1].endswith(
        "Documents/models --domain-type appDataContainer --domain-identifier org.rmpsam.demo --json-output ANSWER.json"
    )


def test_without_adb_or_a_mac_it_says_what_to_install(cli: Cli, made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    for name in ("ANDROID_HOME", "ANDROID_SDK_ROOT"):
        monkeypatch.delenv(name, raising=False)
    done = cli("bench", made.bundle, "--on", "android")
    assert done.code == 3
    assert done.error.startswith("adb was not found in $ANDROID_HOME/platform-tools or on PATH; install Android's")
    if sys.platform != "darwin":
        done = cli("bench", made.bundle, "--on", "ios")
        assert done.code == 3
        assert done.error.startswith("bench --on ios needs a Mac with Xcode 15 or later")


def test_files_that_a_phone_cannot_run_are_refused_before_it_is_asked(cli: Cli, tmp_path: Path) -> None:
    strange = paper_bundle(tmp_path / "core.bundle", {Graph.ENCODER: "encoder.mlpackage"})
    done = cli("bench", strange.folder, "--on", "android")
    assert (done.code, done.error) == (
        4,
        "--on android runs .pte, and core.bundle has encoder.mlpackage; export it for that",
    )
