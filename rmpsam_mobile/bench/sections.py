"""What a latency report says to a person: sentences and tables, from which both pages are made."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from rmpsam_mobile.bench.reasons import meaning

_LEVELS: Final = ("p50", "p90", "p95", "p99", "min", "max")
_STEPS: Final = (
    ("preprocess_ms_p50", "picture to pixel values"),
    ("encoder_ms_p50", "encoder"),
    ("prompt_ms_p50", "prompts"),
    ("postprocess_ms_p50", "mask logits to one mask"),
    ("tap_to_mask_ms_p50", "a further tap, all steps"),
)


class Table(NamedTuple):
    """Columns, and rows of texts; the first column is text, the others are figures unless ``text`` says otherwise."""

    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    text: bool = False


class Section(NamedTuple):
    """A heading, sentences and tables."""

    title: str
    paragraphs: list[str]
    tables: list[Table]


def title_of(reports: Sequence[Mapping[str, Any]]) -> str:
    """What was measured, on what."""
    report = reports[0]
    place = report["target"]["model"] or report["target"]["kind"]
    return f"Latency of {report['bundle']['name']} on {place}"


def verdict(report: Mapping[str, Any]) -> str:
    """The report's status in a sentence."""
    return {
        "ok": "These figures can be believed: every check passed.",
        "refused": "Refused: these samples are no measurement. Samples are kept, figures are not shown.",
        "failed": "The measurement broke off.",
        "planned": "Nothing was run yet.",
    }[report["status"]]


def sections(report: Mapping[str, Any]) -> list[Section]:
    """All but the drawings, in the order of reading."""
    said = [f"{code}: {meaning(code)}" if meaning(code) != code else code for code in report["reasons"]]
    notes = [f"{code}: {meaning(code)}." for code in report["warnings"]]
    told = [f"{line}." if not line.endswith(".") else line for line in said]
    return [
        Section("Verdict", [verdict(report), *told, *notes], []),
        Section("Graphs", [], [_graphs(report)]),
        Section("From picture to mask", *_pipeline(report)),
        Section("On what", [], [_facts(report)]),
        Section("Files", [], [_files(report)]),
    ]


def _graphs(report: Mapping[str, Any]) -> Table:
    rows = []
    for graph in report["graphs"]:
        summary = graph["summary"] or {}
        count = sum(len(round_["samples_ms"]) for round_ in graph["rounds"])
        levels = [_ms(summary.get(level)) for level in _LEVELS]
        rows.append((graph["graph"], *levels, str(count), _check(graph["check"])))
    return Table(("graph", "median ms", "p90", "p95", "p99", "least", "most", "runs", "golden output"), rows)


def _check(check: Mapping[str, Any] | None) -> str:
    from rmpsam_mobile.bench.verdict import passes

    if check is None:
        return "not checked"
    return "right, the same each time" if passes(check) else "WRONG" if check["repeatable"] else "differs run to run"


def _pipeline(report: Mapping[str, Any]) -> tuple[list[str], list[Table]]:
    known = [(label, _ms(report["pipeline"].get(key))) for key, label in _STEPS if report["pipeline"].get(key)]
    return ([], [Table(("step", "median ms"), known)]) if known else (["Not known."], [])


def _facts(report: Mapping[str, Any]) -> Table:
    target, runner, conditions, protocol = (report[key] for key in ("target", "runner", "conditions", "protocol"))
    load, memory = report["load"], report["memory"]
    system = {"android": "Android", "ios": "iOS"}.get(target["kind"], "")
    cold = ", ".join(f"{value:.0f}" for value in load["cold_ms"])
    rests = ", ".join(f"{value:g}" for value in protocol["cooldown_s"])
    facts = {
        "device": _join(target["model"], target["soc"]),
        "system": _join(system, target["os"], f"API {target['api']:g}" if target["api"] else None),
        "runner": _join(runner["kind"], runner["id"], runner["version"]),
        "runtime": _join(runner["runtime"], runner["runtime_version"], *(runner["delegates"] or ())),
        "threads, cores": _join(_number(runner["threads"]), runner["cpu_mask"] and f"mask {runner['cpu_mask']}"),
        **_placement(report),
        "clocks": conditions["clocks"],
        "power": _join(conditions["power"], _number(conditions["battery_percent"], " %")),
        "protocol": f"{protocol['rounds']} rounds of {protocol['runs']} runs after {protocol['warmup']} of warm-up",
        "rests before rounds, s": rests,
        "cold loads, ms": cold,
        "first run, ms": _ms(load["first_run_ms"]),
        "peak memory, MB": _join(_number(memory["peak_mb"]), memory["method"] and f"({memory['method']})"),
        "measured": _join(report["started"], "to", report["finished"]),
    }
    rows = [(name, value or "not known") for name, value in facts.items()]
    return Table(("what", "value"), rows, text=True)


def _placement(report: Mapping[str, Any]) -> dict[str, str]:
    """What few reports know: on which processors it ran, or was meant to."""
    runner, plan = report["runner"], report.get("plan") or {}
    shares = ", ".join(f"{unit.upper()} {100 * share:.0f} %" for unit, share in plan.items())
    known = {
        "task profile": runner.get("task_profile"),
        "compute units": runner["compute_units"],
        "Core ML's plan, by cost": shares,
    }
    return {name: value for name, value in known.items() if value}


def _files(report: Mapping[str, Any]) -> Table:
    rows = [
        (
            entry["path"],
            f"{entry['bytes']:,}",
            (entry["sha256"] or "not known")[:16],
            "yes" if entry["verified_on_device"] else "no",
        )
        for entry in report["bundle"]["files"]
    ]
    return Table(("file", "bytes", "sha256 begins", "verified on the device"), rows)


def _join(*parts: str | None) -> str:
    return " ".join(part for part in parts if part)


def _number(value: float | None, unit: str = "") -> str:
    return "" if value is None else f"{value:g}{unit}"


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
