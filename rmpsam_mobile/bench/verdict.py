"""Whether a report's figures can be believed: the same rules for every target. Summaries only where they can."""

from collections.abc import Mapping
from typing import Any, Final

from rmpsam_mobile.bench import series
from rmpsam_mobile.bench.reasons import REFUSALS, WARNINGS
from rmpsam_mobile.bench.report import now, samples_of, summary
from rmpsam_mobile.bundle import Manifest

LOW_BATTERY: Final = 20  # percent
_UNTIMED: Final = {"nonpositive-sample", "too-few-samples"}  # nothing more can be said of such a series
_RESTLESS: Final = {
    "too-few-samples",
    "below-timer-resolution",
    "samples-repeat",
    "rounds-disagree",
    "slows-down",
    "still-warming-up",
}


def judge(
    report: dict[str, Any],
    manifest: Manifest,
    *,
    strict: bool = False,
    allow_emulator: bool = False,
    host: bool = False,
) -> None:
    """Set ``status``, ``reasons``, ``warnings``, ``finished`` and the summaries; what stands there is kept.

    Args:
        report: complete but for these.
        manifest: of the bundle that was measured.
        strict: refuse what otherwise only warns: missing thermal data, a debug build, and on a host a restless series.
        allow_emulator: an emulator only warns.
        host: a computer with other work to do; there the series only warns.
    """
    found = {*report["reasons"], *_of_the_device(report), *_of_the_runner(report, manifest), *_of_the_answers(report)}
    lenient = set() if strict else {"no-thermal-data", "debuggable"} | (_RESTLESS if host else set())
    lenient |= {"emulator"} if allow_emulator else set()
    step_ms = (report["protocol"]["clock_step_ns"] or 0) / 1e6
    warned = {*report["warnings"], *_warnings(report)}
    for graph in report["graphs"]:
        of_series = series.refusals(samples_of(graph), step_ms)
        found.update(of_series)
        if not _UNTIMED & set(of_series):
            warned.update(series.warnings(samples_of(graph)))
    report["reasons"] = _in_order(found - lenient, REFUSALS)
    report["warnings"] = _in_order(warned | (found & lenient), WARNINGS | REFUSALS)
    report["status"] = "refused" if report["reasons"] else "ok"
    report["finished"] = now()
    for graph in report["graphs"]:
        taken = [sample for round_ in samples_of(graph) for sample in round_]
        graph["summary"] = summary(taken) if report["status"] == "ok" and taken else None
    if report["status"] != "ok":
        report["pipeline"] = dict.fromkeys(report["pipeline"])


def _of_the_device(report: Mapping[str, Any]) -> set[str]:
    conditions, target = report["conditions"], report["target"]
    battery = conditions["battery_percent"]
    statuses = [sample["status"] for sample in conditions["thermal"] if sample["status"] is not None]
    of_rounds = [round_["thermal_status_max"] for graph in report["graphs"] for round_ in graph["rounds"]]
    statuses += [status for status in of_rounds if status is not None]
    found = {
        "emulator": target["emulated"],
        "power-saver": conditions["power_saver"],
        "low-battery": battery is not None and battery < LOW_BATTERY,
        "screen-off": conditions["screen_on"] is False,
        "no-thermal-data": target["kind"] != "host" and not statuses,
        "throttled": max(statuses, default=0) > 0,
    }
    return {code for code, holds in found.items() if holds}


def _of_the_runner(report: Mapping[str, Any], manifest: Manifest) -> set[str]:
    runner, found = report["runner"], set()
    if runner["debuggable"]:
        found.add("debuggable")
    lowest = manifest.lowest_runtime.get(runner["runtime"] or "")
    if lowest and runner["runtime_version"] and _version(runner["runtime_version"]) < _version(lowest):
        found.add("runtime-mismatch")
    measured = {graph["graph"] for graph in report["graphs"]}
    delegations = [a.delegation for name, a in manifest.graphs.items() if name in measured and a.delegation.subgraphs]
    registered = {name.lower().removesuffix("backend") for name in runner["delegates"] or ()}
    if registered and any(d.delegate.lower().replace(" ", "") not in registered for d in delegations):
        found.add("runtime-mismatch")
    share, stated = runner["delegated_share"], [d.mac_share for d in delegations]
    if share is not None and stated and share < min(stated) - 1e-6:
        found.add("partial-delegation")
    return found


def _of_the_answers(report: Mapping[str, Any]) -> set[str]:
    checks = [graph["check"] for graph in report["graphs"] if graph["check"] is not None]
    return {"output-mismatch"} if any(not passes(check) for check in checks) else set()


def passes(check: Mapping[str, Any]) -> bool:
    """Whether a graph's answers were the golden ones and the same each time; unknown is no."""
    if not check["repeatable"]:
        return False
    if check.get("passes") is not None:
        return bool(check["passes"])
    error, tolerance = check["golden_max_abs"], check["tolerance"]
    return error is not None and tolerance is not None and error <= tolerance


def _warnings(report: Mapping[str, Any]) -> set[str]:
    conditions = report["conditions"]
    found = {
        "charging": conditions["power"] not in (None, "battery"),
        "clocks-free": conditions["clocks"] == "governor",
    }
    return {code for code, holds in found.items() if holds}


def _version(text: str) -> tuple[int, ...]:
    """``1.4.1`` for ``1.4.1+cpu``; parts that are no numbers end it."""
    parts = []
    for part in text.split("+")[0].split("."):
        if not part.isdigit():
            break
        parts.append(int(part))
    return tuple(parts)


def _in_order(codes: set[str], known: Mapping[str, str]) -> list[str]:
    return [code for code in known if code in codes] + sorted(codes - known.keys())
