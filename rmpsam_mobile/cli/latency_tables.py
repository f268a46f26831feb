"""Tables of latency reports: one report, and two beside each other."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rmpsam_mobile.cli.console import red, table

if TYPE_CHECKING:
    from rich.table import Table

    from rmpsam_mobile.bench.compare import Difference, Row


def latency_table(report: Mapping[str, Any]) -> "Table":
    """Graphs and the steps around them; figures only where the report was not refused."""
    device = report["target"]["model"] or report["target"]["kind"]
    threads = report["runner"]["threads"] or "default"
    host = "host, not a phone, " if report["target"]["kind"] == "host" else ""
    title = f"{report['bundle']['name']} on {device}\n{host}{report['status']}, threads: {threads}"
    shown = table(title, "step", "median ms", "p90 ms", "load ms", "runs")
    for row in report["graphs"]:
        summary, loads = row["summary"] or {}, sorted(row.get("load_ms") or ())
        count = sum(len(round_["samples_ms"]) for round_ in row["rounds"])
        load = f"{loads[len(loads) // 2]:.0f}" if loads else "-"
        shown.add_row(row["graph"], _ms(summary.get("p50")), _ms(summary.get("p90")), load, str(count))
    pipeline = report["pipeline"]
    of_size = f" of {pipeline['picture']}" if pipeline.get("picture") else ""
    labels = {
        "preprocess_ms_p50": f"picture{of_size} to pixel values",
        "postprocess_ms_p50": "mask logits to one mask",
        "tap_to_mask_ms_p50": "a further click, all steps",
        "picture_to_mask_ms_p50": "picture and first click, all steps",
    }
    for key, label in labels.items():
        if pipeline.get(key) is not None:
            shown.add_row(label, _ms(pipeline[key]), "", "", "")
    memory = report["memory"]
    if memory["peak_mb"] is not None:
        before = "" if memory["baseline_mb"] is None else f"{memory['baseline_mb']:.0f} MB before"
        shown.add_row("peak memory", f"{memory['peak_mb']:.0f} MB", "", before, "")
    return shown


def comparison_table(rows: "Sequence[Row]", over: Sequence[str], names: tuple[str, str]) -> "Table":
    """Figures of both reports and their ratio; what is above its limit stands out."""
    shown = table("Two reports", "figure", *names, "ratio")
    for row in rows:
        ratio = f"{row.ratio:.3f}"
        is_over = any(sentence.startswith(f"{row.name}:") for sentence in over)
        shown.add_row(row.name, f"{row.a:.4g}", f"{row.b:.4g}", red(ratio) if is_over else ratio)
    return shown


def difference_table(found: "Sequence[Difference]", names: tuple[str, str]) -> "Table":
    """What forbids a comparison."""
    shown = table("Not comparable", "key", *(f"<{name}" for name in names))
    for difference in found:
        shown.add_row(difference.key, str(difference.a), str(difference.b))
    return shown


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
