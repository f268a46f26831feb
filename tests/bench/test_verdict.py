"""Which reports are believed: one test a rule, for all targets alike."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rmpsam_mobile.bench.reasons import REFUSALS, WARNINGS, meaning
from rmpsam_mobile.bench.schema import check_report
from rmpsam_mobile.bench.verdict import judge
from tests.bench.reports import RIGHT, phone_report, steady
from tests.bundle.manifests import make_manifest


def judged(report: dict[str, Any], **flags: bool) -> dict[str, Any]:
    judge(report, make_manifest(), **flags)
    return check_report(report, "report")


def test_a_calm_phone_is_believed() -> None:
    report = judged(phone_report())
    assert (report["status"], report["reasons"], report["warnings"]) == ("ok", [], [])
    samples = [sample for round_ in steady() for sample in round_]
    summary = report["graphs"][0]["summary"]
    assert summary["n"] == 150
    for name, share in (("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99)):
        assert summary[name] == pytest.approx(np.quantile(samples, share), rel=1e-12)
    assert summary["stdev"] == pytest.approx(np.std(samples, ddof=1), rel=1e-12)
    assert report["finished"] >= report["started"]


def test_p99_needs_a_hundred_samples() -> None:
    report = judged(phone_report(steady(rounds=3, runs=33)))
    assert report["graphs"][0]["summary"]["p99"] is None


BAD: list[tuple[dict[str, dict[str, Any]], str]] = [
    ({"target": {"emulated": True}}, "emulator"),
    ({"conditions": {"power_saver": True}}, "power-saver"),
    ({"conditions": {"battery_percent": 19}}, "low-battery"),
    ({"conditions": {"screen_on": False}}, "screen-off"),
    ({"runner": {"runtime_version": "1.3.9"}}, "runtime-mismatch"),
    ({"runner": {"delegates": ["CoreMLBackend"]}}, "runtime-mismatch"),
    ({"runner": {"delegated_share": 0.89}}, "partial-delegation"),
]


@pytest.mark.parametrize(("parts", "code"), BAD, ids=lambda value: value if isinstance(value, str) else "")
def test_what_the_device_says_refuses(parts: dict[str, Any], code: str) -> None:
    report = judged(phone_report(**parts))
    assert (report["status"], report["reasons"]) == ("refused", [code])
    assert report["graphs"][0]["summary"] is None
    assert set(report["pipeline"].values()) == {None}
    assert len(report["graphs"][0]["rounds"][0]["samples_ms"]) == 50


@pytest.mark.parametrize(
    "changes",
    [
        {"golden_max_abs": 0.02, "passes": None},
        {"golden_max_abs": None, "passes": None},
        {"tolerance": None, "passes": None},
        {"passes": False},
        {"repeatable": False},
    ],
    ids=str,
)
def test_a_wrong_answer_is_no_latency(changes: dict[str, Any]) -> None:
    report = phone_report()
    report["graphs"][0]["check"] = RIGHT | changes
    assert judged(report)["reasons"] == ["output-mismatch"]


def test_an_answer_within_its_tolerance_needs_no_word_of_the_runner() -> None:
    report = phone_report()
    report["graphs"][0]["check"] = {"golden_max_abs": 0.009, "tolerance": 0.01, "repeatable": True}
    assert judged(report)["status"] == "ok"


def test_throttling_counts_wherever_it_was_seen() -> None:
    during, after = phone_report(), phone_report()
    during["graphs"][0]["rounds"][1]["thermal_status_max"] = 1
    after["conditions"]["thermal"][-1]["status"] = 2
    assert judged(during)["reasons"] == judged(after)["reasons"] == ["throttled"]


def without_heat() -> dict[str, Any]:
    report = phone_report(conditions={"thermal": []})
    for round_ in report["graphs"][0]["rounds"]:
        round_["thermal_status_max"] = None
    return report


def debug_build() -> dict[str, Any]:
    return phone_report(runner={"debuggable": True})


@pytest.mark.parametrize(("make", "code"), [(without_heat, "no-thermal-data"), (debug_build, "debuggable")])
def test_strict_turns_warnings_into_refusals(make: Callable[[], dict[str, Any]], code: str) -> None:
    lenient, strict = judged(make()), judged(make(), strict=True)
    assert (lenient["status"], lenient["warnings"]) == ("ok", [code])
    assert (strict["status"], strict["reasons"]) == ("refused", [code])


def test_an_emulator_can_be_allowed() -> None:
    report = judged(phone_report(target={"emulated": True}), allow_emulator=True)
    assert (report["status"], report["warnings"]) == ("ok", ["emulator"])


def test_a_restless_computer_only_warns_but_a_broken_clock_refuses_there_too() -> None:
    ramp = np.linspace(1, 1.3, 50)
    heating = [(np.array(taken) * ramp).tolist() for taken in steady()]
    assert judged(phone_report(heating))["reasons"] == ["slows-down"]
    host = judged(phone_report(heating, target={"kind": "host"}), host=True)
    assert (host["status"], host["warnings"]) == ("ok", ["slows-down"])
    assert judged(phone_report(heating, target={"kind": "host"}), host=True, strict=True)["status"] == "refused"
    broken = [[0.0, *taken[1:]] for taken in steady()]
    assert judged(phone_report(broken, target={"kind": "host"}), host=True)["reasons"] == ["nonpositive-sample"]


def test_warnings_are_about_power_and_clocks() -> None:
    report = judged(phone_report(conditions={"power": "usb", "clocks": "governor"}))
    assert report["warnings"] == ["charging", "clocks-free"]


def test_every_code_has_a_sentence() -> None:
    assert all(meaning(code) != code for code in (*REFUSALS, *WARNINGS))
    assert meaning("the phone is gone; plug it in") == "the phone is gone; plug it in"
