"""Drawings of a rewrite report as SVG: what each rewrite left of a graph, as bars, and its errors, as dots."""

from collections.abc import Callable, Iterable, Sequence
from html import escape
from math import log10
from typing import Final, NamedTuple

from rmpsam_mobile.contracts import Graph
from rmpsam_mobile.export.graph_cost import Cost
from rmpsam_mobile.export.report_sections import bytes_text, count_text, error_text
from rmpsam_mobile.export.rewrite_report import RewriteReport

ROW: Final = 20
LABELS: Final = 190
PANEL: Final = 230
GAP: Final = 80  # for the figure behind a bar
SMALLEST_ERROR: Final = 1e-17  # where the error axis starts

_FIGURES: Final[tuple[tuple[str, Callable[[Cost], int], Callable[[int], str]], ...]] = (
    ("operators", lambda cost: cost.operators, str),
    ("multiply-adds", lambda cost: cost.multiply_adds, count_text),
    ("weights", lambda cost: cost.weight_bytes, bytes_text),
)
_COLOURS: Final = ("#9aa5b1", "#4269d0")  # untouched, rewritten
_ERROR_COLOURS: Final = (("float32", "#efb118"), ("float64", "#4269d0"))


class _Step(NamedTuple):
    label: str
    cost: Cost
    float32: float | None = 0.0
    float64: float | None = 0.0


def cost_svg(report: RewriteReport, graph: Graph) -> str:
    """One row for the untouched graph and one for each rewrite that changed it; bars start at 0."""
    steps = _steps(report, graph)
    height = ROW * (len(steps) + 1) + 6
    parts = [_text(LABELS - 8, _middle(i + 1), step.label, anchor="end") for i, step in enumerate(steps)]
    for column, (title, figure, written) in enumerate(_FIGURES):
        left = LABELS + column * (PANEL + GAP)
        parts.append(_text(left, _middle(0), title, weight="bold"))
        largest = max(figure(step.cost) for step in steps) or 1
        for i, step in enumerate(steps):
            width = PANEL * figure(step.cost) / largest
            parts.append(_bar(left, i + 1, width, _COLOURS[i > 0]))
            parts.append(_text(left + width + 5, _middle(i + 1), written(figure(step.cost))))
    return _drawing(f"Cost of {graph} after each rewrite", LABELS + 3 * (PANEL + GAP), height, parts)


def error_svg(report: RewriteReport, graph: Graph) -> str:
    """A dot for each precision and rewrite on a logarithmic axis; equal outputs stand at its left end."""
    steps = _steps(report, graph)[1:]
    width, height = 2 * PANEL, ROW * (len(steps) + 1) + 6
    parts = [_text(LABELS, _middle(0), "0", anchor="middle")]
    for power in range(-16, 1, 4):
        x = _place(10.0**power, width)
        parts.append(f'<path d="M{x:.1f} {ROW}V{height - 4}" stroke="#ddd"/>')
        parts.append(_text(x, _middle(0), f"1e{power}" if power else "1", anchor="middle"))
    for i, step in enumerate(steps):
        parts.append(_text(LABELS - 12, _middle(i + 1), step.label, anchor="end"))
        values = (step.float32, step.float64)
        for (name, colour), value in zip(_ERROR_COLOURS, values, strict=True):
            title = f"<title>{name}: {error_text(value)}</title>"
            x = _place(1.0 if value is None else value, width)
            parts.append(f'<circle cx="{x:.1f}" cy="{(i + 1.5) * ROW:.1f}" r="5" fill="{colour}">{title}</circle>')
        written = " and ".join(error_text(value) for value in values)
        parts.append(_text(LABELS + width + 14, _middle(i + 1), written))
    legend = LABELS + width + 14
    parts += [
        _text(legend + 60 * i, _middle(0), name, fill=colour, weight="bold")
        for i, (name, colour) in enumerate(_ERROR_COLOURS)
    ]
    return _drawing(f"Error that each rewrite brought to {graph}", LABELS + width + 170, height, parts)


def _steps(report: RewriteReport, graph: Graph) -> list[_Step]:
    first = next(total.before for total in report.graphs if total.graph == graph)
    steps = [_Step("untouched", first)]
    for effect in report.rewrites:
        steps += [
            _Step(effect.name, change.after, change.errors.float32, change.errors.float64)
            for change in effect.graphs
            if change.graph == graph
        ]
    return steps


def _place(error: float, width: float) -> float:
    """Where an error stands: 1e-17 and below at the left end, 1 and above at the right."""
    share = 1 - log10(min(max(error, SMALLEST_ERROR), 1.0)) / log10(SMALLEST_ERROR)
    return LABELS + width * share


def _middle(row: int) -> float:
    """The base line of a row's text."""
    return row * ROW + 14


def _bar(left: float, row: int, width: float, colour: str) -> str:
    return f'<rect x="{left:.1f}" y="{row * ROW + 3}" width="{width:.1f}" height="{ROW - 6}" fill="{colour}"/>'


def _text(x: float, y: float, text: str, *, anchor: str = "start", fill: str = "#222", weight: str = "normal") -> str:
    style = f'text-anchor="{anchor}" fill="{fill}" font-weight="{weight}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(text)}</text>'


def _drawing(title: str, width: float, height: float, parts: Sequence[str] | Iterable[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'font-family="sans-serif" font-size="12" role="img"><title>{escape(title)}</title>'
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="white"/>{"".join(parts)}</svg>'
    )
