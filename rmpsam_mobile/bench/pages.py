"""A latency report as a file: JSON for machines, Markdown, and one HTML page that needs nothing else."""

import json
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from rmpsam_mobile.bench.plots import heat_svg, samples_svg, threads_svg
from rmpsam_mobile.bench.report import SWEEP
from rmpsam_mobile.bench.sections import Section, Table, sections, title_of
from rmpsam_mobile.errors import InputError

STYLE: Final = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 960px; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.5em; } h2 { font-size: 1.15em; margin-top: 1.6em; } h3 { font-size: 1em; margin-bottom: 0.2em; }
table { border-collapse: collapse; margin: 0.8em 0; font-size: 13px; }
th, td { padding: 3px 10px; border-bottom: 1px solid #ddd; text-align: right; vertical-align: top; }
th { border-bottom: 2px solid #888; } th.text, td.text { text-align: left; overflow-wrap: anywhere; }
svg { max-width: 100%; height: auto; display: block; margin: 0.3em 0; }
.status { display: inline-block; padding: 0 0.6em; border-radius: 4px; color: white; font-weight: bold; }
.ok { background: #2b7a3d; } .refused, .failed { background: #b3261e; } .planned { background: #666; }
"""


def document_of(reports: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The one report, or a sweep of them with the worst status."""
    if len(reports) == 1:
        return reports[0]
    statuses = {report["status"] for report in reports}
    worst = next(status for status in ("failed", "refused", "planned", "ok") if status in statuses)
    return {"schema": SWEEP, "status": worst, "reports": list(reports)}


def json_text(reports: Sequence[dict[str, Any]]) -> str:
    """The document."""
    return json.dumps(document_of(reports), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def markdown_page(reports: Sequence[dict[str, Any]]) -> str:
    """The report for a repository; tables only."""
    parts = [f"# {title_of(reports)}"]
    for report in reports:
        parts += [f"# {_setting(report)}"] if len(reports) > 1 else []
        for section in sections(report):
            parts += [f"## {section.title}", *map(_marked, section.paragraphs), *map(_markdown_table, section.tables)]
    return "\n\n".join(parts) + "\n"


def html_page(reports: Sequence[dict[str, Any]]) -> str:
    """The report for a browser; everything in one file, nothing is fetched."""
    title = escape(title_of(reports))
    parts = [f"<h1>{title}</h1>"]
    if len(reports) > 1:
        parts += ["<h2>Threads</h2>", threads_svg(reports)]
    for report in reports:
        parts += [f"<h1>{escape(_setting(report))}</h1>"] if len(reports) > 1 else []
        for section in sections(report):
            parts.append(_html_section(section, report))
    head = f'<head><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style></head>'
    return "\n".join(["<!doctype html>", f'<html lang="en">{head}', "<body>", *parts, "</body></html>"]) + "\n"


WRITERS: Final[Mapping[str, Callable[[Sequence[dict[str, Any]]], str]]] = MappingProxyType(
    {".json": json_text, ".md": markdown_page, ".html": html_page}
)


def page_writer(output: Path) -> Callable[[Sequence[dict[str, Any]]], str]:
    """What makes a file of this name.

    Raises:
        InputError: a suffix that is not known.
    """
    writer = WRITERS.get(output.suffix.lower())
    if writer is None:
        raise InputError(f"{output}: reports are written as {', '.join(WRITERS)}; choose one of them")
    return writer


def _setting(report: Mapping[str, Any]) -> str:
    return f"Threads: {report['runner']['threads'] or 'default'}"


def _html_section(section: Section, report: Mapping[str, Any]) -> str:
    parts = [f"<h2>{escape(section.title)}</h2>"]
    if section.title == "Verdict":
        parts.append(f'<p><span class="status {report["status"]}">{report["status"]}</span></p>')
    parts += [f"<p>{escape(text)}</p>" for text in section.paragraphs]
    parts += map(_html_table, section.tables)
    if section.title == "Graphs":
        for graph in report["graphs"]:
            parts += [f"<h3>{escape(graph['graph'])}: every timed run</h3>", samples_svg(graph)]
        heat = heat_svg(report)
        parts += ["<h3>Heat</h3>", heat] if heat else []
    return "\n".join(parts)


def _html_table(table: Table) -> str:
    if not table.rows:
        return "<p>None.</p>"
    kinds = [' class="text"' if i == 0 or table.text else "" for i in range(len(table.columns))]
    rows = [
        f"<tr>{''.join(f'<{tag}{kind}>{escape(cell)}</{tag}>' for cell, kind in zip(cells, kinds, strict=True))}</tr>"
        for tag, cells in (("th", table.columns), *(("td", row) for row in table.rows))
    ]
    return "\n".join(["<table>", *rows, "</table>"])


def _markdown_table(table: Table) -> str:
    if not table.rows:
        return "None."
    rules = tuple(":--" if i == 0 or table.text else "--:" for i in range(len(table.columns)))
    lines = [table.columns, rules, *(tuple(map(_marked, row)) for row in table.rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _marked(text: str) -> str:
    """Text in which Markdown sees no marks of its own."""
    for mark in "\\`*_|<>":
        text = text.replace(mark, f"\\{mark}")
    return text
