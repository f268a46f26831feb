"""The rewrite report as files: JSON for machines, Markdown, and one HTML page that needs nothing else."""

import json
from html import escape
from pathlib import Path
from typing import Final

from rmpsam_mobile.export.report_bars import cost_svg, error_svg
from rmpsam_mobile.export.report_sections import Section, Table, report_sections, report_title
from rmpsam_mobile.export.rewrite_report import RewriteReport

STYLE: Final = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 1180px; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.5em; } h2 { font-size: 1.15em; margin-top: 2em; } h3 { font-size: 1em; }
table { border-collapse: collapse; margin: 0.8em 0; font-size: 13px; }
th, td { padding: 3px 10px; border-bottom: 1px solid #ddd; text-align: right; vertical-align: top; }
th { border-bottom: 2px solid #888; } th.text, td.text { text-align: left; overflow-wrap: anywhere; }
summary { cursor: pointer; } svg { max-width: 100%; height: auto; display: block; margin: 0.5em 0; }
"""


def write_report(report: RewriteReport, folder: Path, *, pages: bool = True) -> None:
    """Write ``report.json`` and, with ``pages``, ``report.md`` and ``report.html``.

    Args:
        report: what was measured.
        folder: an existing one, as ``atomic.new_folder`` yields it.
        pages: also what people read.
    """
    document = json.dumps(report.to_json(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    files = {"report.json": document}
    if pages:
        files |= {"report.md": markdown_page(report), "report.html": html_page(report)}
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


def markdown_page(report: RewriteReport) -> str:
    """The report for a repository; tables only."""
    parts = [f"# {report_title(report)}"]
    for section in report_sections(report):
        parts += [f"## {section.title}", *map(_marked, section.paragraphs), *map(_markdown_table, section.tables)]
    return "\n\n".join(parts) + "\n"


def html_page(report: RewriteReport) -> str:
    """The report for a browser; everything in one file, nothing is fetched."""
    title = escape(report_title(report))
    parts = [f"<h1>{title}</h1>"]
    for section in report_sections(report):
        parts.append(_html_section(section))
        if section.title == "Graphs":
            parts.append(_drawings(report))
    head = f'<head><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style></head>'
    lines = ["<!doctype html>", f'<html lang="en">{head}', "<body>", *parts, "</body></html>"]
    return "\n".join(lines) + "\n"


def _drawings(report: RewriteReport) -> str:
    return "\n".join(
        f"<h3>{total.graph}: what each rewrite left of it, and the error that it brought</h3>\n"
        f"{cost_svg(report, total.graph)}\n{error_svg(report, total.graph)}"
        for total in report.graphs
    )


def _markdown_table(table: Table) -> str:
    if not table.rows:
        return "Nothing."
    rules = [":--" if is_text else "--:" for is_text in _text_columns(table)]
    lines = [
        [column.removeprefix("<") for column in table.columns],
        rules,
        *([_marked(c) for c in row] for row in table.rows),
    ]
    text = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    return f"<details><summary>{table.folded}</summary>\n\n{text}\n\n</details>" if table.folded else text


def _marked(text: str) -> str:
    """Text in which Markdown sees no marks of its own."""
    for mark in "\\`*_|<>":
        text = text.replace(mark, f"\\{mark}")
    return text


def _html_section(section: Section) -> str:
    paragraphs = [f"<p>{escape(text)}</p>" for text in section.paragraphs]
    return "\n".join([f"<h2>{escape(section.title)}</h2>", *paragraphs, *map(_html_table, section.tables)])


def _html_table(table: Table) -> str:
    if not table.rows:
        return "<p>Nothing.</p>"
    kinds = [' class="text"' if is_text else "" for is_text in _text_columns(table)]
    rows = [
        f"<tr>{''.join(f'<{tag}{kind}>{escape(cell)}</{tag}>' for cell, kind in zip(cells, kinds, strict=True))}</tr>"
        for tag, cells in (
            ("th", [column.removeprefix("<") for column in table.columns]),
            *(("td", row) for row in table.rows),
        )
    ]
    text = "\n".join(["<table>", *rows, "</table>"])
    return f"<details><summary>{escape(table.folded)}</summary>\n{text}\n</details>" if table.folded else text


def _text_columns(table: Table) -> list[bool]:
    return [i == 0 or column.startswith("<") for i, column in enumerate(table.columns)]
