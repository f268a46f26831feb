"""Debian's real ``adb`` to a scripted phone that runs real ``.pte`` files: reports, refusals."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rmpsam_mobile.bench.android import Listener, PhoneWishes, bench_on_android, planned_commands
from rmpsam_mobile.bench.protocol import Protocol
from rmpsam_mobile.bench.schema import check_report
from rmpsam_mobile.bundle import Bundle
from rmpsam_mobile.contracts import Graph
from tests.apps.android_program import instrument
from tests.apps.cable import Cable, app, error_of, heat_after, phone
from tests.apps.cable import adb_port as adb_port
from tests.apps.cable import cable as cable
from tests.apps.cable import cables as cables
from tests.apps.cable import encoder_only as encoder_only
from tests.apps.cable import pair as pair
from tests.bench.phone_texts import BIG_MASK
from tests.bench.scripted_app import MEDIANS
from tests.bundles import NEEDS_BUNDLE
from tests.bundles import made as made
from tests.cli.calls import cli as cli

pytestmark = [pytest.mark.apps, NEEDS_BUNDLE]


def test_a_calm_phone_gives_a_report(cable: Cable, pair: Bundle, tmp_path: Path) -> None:
    stored = tmp_path / "report.json"
    done = cable.bench("-o", str(stored), "--threads", "4", bundle=pair)
    assert done.code == 0, done.err
    report = check_report(json.loads(done.out), "report")
    assert json.loads(stored.read_text()) == report
    assert (report["status"], report["reasons"]) == ("ok", [])
    assert report["warnings"] == ["charging", "clocks-free"]
    assert report["target"]["model"] == "Paper 9"
    assert report["target"]["soc"] == "Foundry F900"
    assert cable.peer.serial not in done.out
    assert all(entry["verified_on_device"] for entry in report["bundle"]["files"])
    assert report["conditions"]["thermal"][0] | {"at_ms": 0} == {
        "at_ms": 0,
        "status": 0,
        "skin_c": 34.0,
        "cpu_c": 40.0,
        "battery_c": 30.1,
    }
    for graph in report["graphs"]:
        samples = [sample for round_ in graph["rounds"] for sample in round_["samples_ms"]]
        assert len(samples) == graph["summary"]["n"] == 100
        assert graph["summary"]["p50"] == pytest.approx(np.median(samples))
        assert graph["summary"]["p50"] == pytest.approx(MEDIANS[graph["graph"]], rel=0.02)
        assert graph["check"]["repeatable"]
        assert graph["check"]["golden_max_abs"] < 1e-5  # the same file on the same machine, but other kernels may run
    medians = {graph["graph"]: graph["summary"]["p50"] for graph in report["graphs"]}
    assert report["pipeline"]["tap_to_mask_ms_p50"] == pytest.approx(medians["prompts"] + 2.2)
    assert len(report["load"]["cold_ms"]) == 2
    cable.assert_untouched()
    assert cable.phone.stopped == ["org.rmpsam.demo"]
    assert ["settings", "put", "global", "stay_on_while_plugged_in", "7"] in cable.phone.calls


def test_a_native_runner_gives_a_report_whose_outputs_are_judged_here(
    cable: Cable, pair: Bundle, tmp_path: Path
) -> None:
    done = cable.bench("--runner", cable.runner(tmp_path), bundle=pair)
    assert done.code == 0, done.err
    report = check_report(json.loads(done.out), "report")
    assert report["runner"]["kind"] == "native"
    assert report["runner"]["cpu_mask"] == BIG_MASK
    assert [graph["check"]["passes"] for graph in report["graphs"]] == [True, True]
    cable.assert_untouched()


def test_a_native_runner_is_placed_like_an_app_where_the_phone_can(cable: Cable, tmp_path: Path) -> None:
    runner = tmp_path / "runner"
    runner.write_text('#!/bin/sh\necho $$ >pid\nexec scripted-runner "$@"\n')
    done = cable.bench("--runner", str(runner), "--rounds", "1", "--keep")
    assert done.code == 0, done.err
    assert json.loads(done.out)["runner"]["task_profile"] == "MaxPerformance"
    (folder,) = (cable.phone.root / "data/local/tmp/rmpsam").iterdir()
    asked = [call for call in cable.phone.calls if call[0] == "settaskprofile"]
    assert asked[-1] == ["settaskprofile", (folder / "pid").read_text().strip(), "MaxPerformance"]


def no_profile(cable: Cable) -> None:
    cable.phone.task_profiles = False


def an_older_phone(cable: Cable) -> None:
    cable.phone.properties["ro.build.version.sdk"] = "32"


@pytest.mark.parametrize(("change", "asked"), [(no_profile, 1), (an_older_phone, 0)])
def test_elsewhere_it_runs_as_the_shell_runs_it(
    cable: Cable, tmp_path: Path, change: Callable[[Cable], None], asked: int
) -> None:
    change(cable)
    done = cable.bench("--runner", cable.runner(tmp_path), "--rounds", "1")
    assert done.code == 0, done.err
    assert json.loads(done.out)["runner"]["task_profile"] is None
    assert [call[0] for call in cable.phone.calls].count("settaskprofile") == asked
    cable.assert_untouched()


def test_a_dry_run_says_what_a_run_does(cable: Cable) -> None:
    said: list[str] = []
    wishes = PhoneWishes(graphs=(Graph.ENCODER,), serial=cable.peer.serial, threads="sweep", fixed_clocks=True)
    protocol = Protocol(rounds=2, runs=20, cooldown_s=1)
    outcome = bench_on_android(cable.bundle, wishes, protocol, Listener(said=said.append))
    assert outcome.error is None
    assert [report["runner"]["threads"] for report in outcome.reports] == [1, 2, 4]
    old = "settings put global stay_on_while_plugged_in 0"
    planned = [
        line.replace(old.replace(" 0", " OLD_VALUE"), old) for line in planned_commands(cable.bundle, wishes, protocol)
    ]
    assert said == planned
    cable.assert_untouched()
    assert ["cmd", "power", "set-fixed-performance-mode-enabled", "false"] in cable.phone.calls


def flip_a_byte(cable: Cable) -> None:
    """Memory that keeps something else than was written."""

    def damage(service: str) -> None:
        if "sha256sum" in service:
            (file,) = (cable.phone.root / "data/local/tmp/rmpsam").glob("*/*.pte")
            raw = bytearray(file.read_bytes())
            raw[1000] ^= 1
            file.write_bytes(raw)

    cable.peer.before = damage


REFUSALS: dict[str, tuple[Callable[[Cable], None], str, int]] = {
    # name: what is wrong, code, rounds that were measured before
    "hot": (phone(heat=lambda _: (0, 40.0)), "too-hot", 0),
    "heating up": (phone(heat=heat_after(3, 0, 36.0)), "too-hot", 1),
    "throttled before": (phone(heat=lambda _: (2, 36.0)), "throttled", 0),
    "throttled meanwhile": (phone(heat=heat_after(3, 1, 34.0)), "throttled", 1),
    "thermal status set by hand": (phone(thermal_override=True), "thermal-override", 0),
    "hot battery": (phone(battery={"temperature": 395}), "too-hot", 0),
    "battery saver": (phone(settings={"low_power": "1"}), "power-saver", 0),
    "low battery": (phone(battery={"level": 19}), "low-battery", 0),
    "asleep": (phone(wakes=False), "screen-off", 0),
    "locked": (phone(locked=True), "screen-off", 0),
    "emulator": (phone(properties={"ro.kernel.qemu": "1"}), "emulator", 0),
    "wrong hash": (flip_a_byte, "wrong-file", 0),
    "wrong output": (app(outputs=lambda values: values + 1), "output-mismatch", 2),
    "output differs": (
        app(outputs=lambda values: values * (1 + 1e-6 * np.random.default_rng().random())),
        "output-mismatch",
        2,
    ),
    "slows down": (app(times=lambda series, _: series * np.linspace(1, 1.3, len(series))), "slows-down", 2),
    "rounds disagree": (app(times=lambda series, call: series * (1.2 if call > 1 else 1)), "rounds-disagree", 2),
    "old runtime": (app(facts={"runtime_version": "1.3.9"}), "runtime-mismatch", 2),
    "no delegate": (app(facts={"delegates": ["VulkanBackend"]}), "runtime-mismatch", 2),
    "delegated less": (app(facts={"delegated_share": 0.5}), "partial-delegation", 2),
}


@pytest.mark.parametrize(("change", "code", "rounds"), REFUSALS.values(), ids=REFUSALS.keys())
def test_refused_with_samples_and_no_figure(
    cable: Cable, change: Callable[[Cable], None], code: str, rounds: int
) -> None:
    change(cable)
    done = cable.bench()
    assert done.code == 6, done.err
    report = check_report(json.loads(done.out), "report")
    assert (report["status"], report["reasons"]) == ("refused", [code])
    assert error_of(done).startswith(f"refused: {code} (")
    taken = [round_ for graph in report["graphs"] for round_ in graph["rounds"]]
    assert [len(round_["samples_ms"]) for round_ in taken] == [50] * rounds
    assert all(graph["summary"] is None for graph in report["graphs"])
    cable.assert_untouched()


def no_thermal_service(cable: Cable) -> None:
    cable.phone.thermal_service, cable.app.thermal_max = False, None


TOLERATED: dict[str, tuple[Callable[[Cable], None], str, str]] = {
    # name: what is wrong, code, option that turns one into the other
    "emulator": (phone(properties={"ro.kernel.qemu": "1"}), "emulator", "--allow-emulator"),
    "no thermal service": (no_thermal_service, "no-thermal-data", "--strict"),
    "debug build": (phone(debuggable=True), "debuggable", "--strict"),
}


@pytest.mark.parametrize(("change", "code", "option"), TOLERATED.values(), ids=TOLERATED.keys())
def test_what_an_option_decides(cable: Cable, change: Callable[[Cable], None], code: str, option: str) -> None:
    change(cable)
    for options in ([], [option]):
        done = cable.bench(*options)
        report = json.loads(done.out)
        tolerant = (option in options) != (option == "--strict")
        assert (done.code, report["status"]) == ((0, "ok") if tolerant else (6, "refused"))
        assert code in report["warnings" if tolerant else "reasons"]
    cable.assert_untouched()


def test_the_apps_own_entry_is_understood(cable: Cable) -> None:
    """The real ``BenchInstrumentation`` on a JVM in the place of the scripted app: writer and reader meet."""
    cable.phone.app = lambda arguments: instrument(
        arguments | {"bundle": str(cable.peer.inside(arguments["bundle"]))}, runtime="golden"
    )
    done = cable.bench("--rounds", "1", "--runs", "25", "--seconds", "0", "--threads", "2")
    report = check_report(json.loads(done.out), "report")
    restless = {"rounds-disagree", "slows-down", "still-warming-up", "samples-repeat"}  # a test's machine is no phone
    assert set(report["reasons"]) <= restless, done.err
    assert (report["runner"]["id"], report["runner"]["runtime"], report["runner"]["threads"]) == (
        "org.rmpsam.demo",
        "executorch",
        2,
    )
    (graph,) = report["graphs"]
    assert [len(round_["samples_ms"]) for round_ in graph["rounds"]] == [25]
    assert graph["check"]["passes"]
    assert report["load"]["first_run_ms"] > 0
    cable.assert_untouched()


def test_a_bundle_is_put_where_the_app_finds_it(cable: Cable) -> None:
    (cable.phone.root / "sdcard/Android/data/org.rmpsam.demo/files").mkdir(parents=True)
    command = ["app", cable.bundle.folder, "--on", "android", "--serial", cable.peer.serial]
    planned = cable.cli(*command, "--dry-run").out.splitlines()
    done = cable.cli(*command)
    assert done.code == 0, done.err
    place = "/sdcard/Android/data/org.rmpsam.demo/files/models/slim"
    assert done.out == f"{place}\n"
    assert [line for line in done.err.splitlines() if line.startswith("adb ")] == planned
    found = {path.name: path.read_bytes() for path in (cable.phone.root / place[1:]).iterdir()}
    assert found == {path.name: path.read_bytes() for path in cable.bundle.folder.iterdir()}
    again = cable.cli(*command)
    assert (again.code, error_of(again)) == (2, f"{place} is on the phone already; replace it with --force")
    assert cable.cli(*command, "--force").code == 0
    cable.peer.room = 1_000_000
    full = cable.cli(*command, "--force")
    assert full.code == 7
    assert error_of(full).endswith("free some space on it")
    assert [path.name for path in (cable.phone.root / place[1:]).parent.iterdir()] == ["slim"]
