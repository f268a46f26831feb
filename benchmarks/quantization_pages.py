"""The stages of a quantization as a Markdown table and as one HTML page with plots that fetches nothing."""

import io
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

STYLE: Final = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 1100px; margin: 2em auto; padding: 0 1em; }
table { border-collapse: collapse; font-size: 13px; }
td, th { padding: 3px 10px; border-bottom: 1px solid #ddd; text-align: right; }
td:first-child, th:first-child { text-align: left; } svg { max-width: 100%; height: auto; }
"""


def markdown_page(report: Mapping[str, Any]) -> str:
    """Tables for a repository."""
    parts = [f"# {_title(report)}", *_paragraphs(report)]
    for heading, rows in _tables(report):
        lines = [rows[0], [":--", *["--:"] * (len(rows[0]) - 1)], *rows[1:]]
        parts += [f"## {heading}", "\n".join(f"| {' | '.join(line)} |" for line in lines)]
    return "\n\n".join(parts) + "\n"


def html_page(report: Mapping[str, Any]) -> str:
    """The same for a browser, and bars of accuracy, bytes and time."""
    title = escape(_title(report))
    parts = [f"<h1>{title}</h1>", *(f"<p>{escape(text)}</p>" for text in _paragraphs(report)), bars_svg(report)]
    for heading, rows in _tables(report):
        head, *body = ("".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in row) for tag, row in _tagged(rows))
        cells = "\n".join(f"<tr>{row}</tr>" for row in (head, *body))
        parts.append(f"<h2>{escape(heading)}</h2>\n<table>\n{cells}\n</table>")
    body_text = "\n".join(parts)
    head_text = f'<head><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style></head>'
    return f'<!doctype html>\n<html lang="en">{head_text}\n<body>\n{body_text}\n</body></html>\n'


def bars_svg(report: Mapping[str, Any]) -> str:
    """Accuracy of every stage, and its bytes and time against the first one."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    stages = report["stages"]
    figure = Figure(figsize=(11, 3.4), layout="constrained")
    accuracy, cost = figure.subplots(1, 2)
    names = [stage["stage"] for stage in stages]
    for axes, series, title in (
        (accuracy, {key: [stage["metrics"][key] or 0 for stage in stages] for key in ("box", "click", "PQ")}, "%"),
        (cost, {key: [stage[f"{key}_ratio"] for stage in stages] for key in ("bytes", "time")}, "against the first"),
    ):
        width = 0.8 / len(series)
        for place, (key, values) in enumerate(series.items()):
            bars = axes.bar([i + place * width for i in range(len(names))], values, width, label=key)
            axes.bar_label(bars, fmt="%.3g", fontsize=7)
        axes.set_xticks([i + width * (len(series) - 1) / 2 for i in range(len(names))], names, fontsize=8)
        axes.set_title(title, fontsize=9)
        axes.legend(fontsize=8, frameon=False)
    stream = io.StringIO()
    with rc_context({"svg.hashsalt": "quantization", "svg.fonttype": "none"}):
        figure.savefig(stream, format="svg", metadata={"Date": None})
    return stream.getvalue()[stream.getvalue().index("<svg") :]


def _title(report: Mapping[str, Any]) -> str:
    return f"Stages of recipe {report['recipe']}"


def _paragraphs(report: Mapping[str, Any]) -> list[str]:
    limit = report["limit"]
    used = "all pictures" if limit is None else f"the first {limit} pictures: no figures to report"
    kept = ", ".join(report["in_float"]) or "nothing"
    pictures = report["calibration"]["pictures"]
    return [
        f"Measured on {used}. Ranges {report['ranges']} of {pictures} pictures; in float by the recipe: {kept}.",
        f"Times: {report['note']}; encoder, objects and 16 prompt slots. Command: {report['command']}",
    ]


def _tables(report: Mapping[str, Any]) -> list[tuple[str, list[list[str]]]]:
    stages: Sequence[Mapping[str, Any]] = report["stages"]
    keys = list(stages[0]["metrics"])
    cost = [["stage", "bytes", "of the first", "ms", "of the first"]]
    cost += [
        [s["stage"], f"{s['bytes']:,}", f"{s['bytes_ratio']:.3f}", f"{s['ms']:.1f}", f"{s['time_ratio']:.2f}"]
        for s in stages
    ]
    tables = [("Bytes and time", cost)]
    for title, field in (("Accuracy in %", "metrics"), ("Points lost against the first stage", "drop")):
        rows = [["stage", *keys]]
        rows += [[s["stage"], *(_cell(s[field][key]) for key in keys)] for s in stages]
        tables.append((title, rows))
    return tables


def _cell(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.2f}"


def _tagged(rows: Sequence[Sequence[str]]) -> list[tuple[str, Sequence[str]]]:
    return [("th" if i == 0 else "td", row) for i, row in enumerate(rows)]
