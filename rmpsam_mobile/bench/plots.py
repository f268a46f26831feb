"""Drawings of a latency report as SVG: every sample in the order of time, heat over the run, one bar a thread count."""

from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise
from statistics import median
from typing import Any, Final

WIDTH: Final = 900
LEFT: Final = 60
RIGHT: Final = 20
_COLOURS: Final = ("#4269d0", "#efb118", "#3ca951", "#97bbf5", "#9c6b4e")
_HEIGHT: Final = 190
_TOP: Final = 26
_FLOOR: Final = _HEIGHT - 28
_ROW: Final = 22


def samples_svg(graph: Mapping[str, Any]) -> str:
    """A dot for each timed run, rounds side by side; the axis starts at 0. Medians only where there is a summary."""
    rounds = [round_["samples_ms"] for round_ in graph["rounds"]]
    total = sum(map(len, rounds))
    finite = [sample for taken in rounds for sample in taken if 0 <= sample < float("inf")]
    if not finite:
        return ""
    top = max(finite) * 1.05 or 1.0
    believed = graph["summary"] is not None
    parts = _grid(top, "ms")
    step, place = (WIDTH - LEFT - RIGHT) / total, 0
    for index, taken in enumerate(rounds):
        colour, begin = _COLOURS[index % len(_COLOURS)], LEFT + place * step
        for i, sample in enumerate(taken):
            if 0 <= sample < float("inf"):
                x = begin + (i + 0.5) * step
                parts.append(f'<circle cx="{x:.1f}" cy="{_level(sample, top):.1f}" r="2.2" fill="{colour}"/>')
        place += len(taken)
        end = LEFT + place * step
        label = f"round {index + 1}"
        if believed:
            y = _level(median(taken), top)
            parts.append(f'<path d="M{begin:.1f} {y:.1f}H{end:.1f}" stroke="#222"/>')
            label += f", median {median(taken):.4g} ms"
        parts.append(_text((begin + end) / 2, _HEIGHT - 10, label, "middle"))
    return _drawing(f"Every timed run of {graph['graph']}", _HEIGHT, parts)


def heat_svg(report: Mapping[str, Any]) -> str:
    """Temperatures over the whole measurement; moments at which the phone throttled are marked."""
    looks = report["conditions"]["thermal"]
    last = max((look["at_ms"] for look in looks), default=0)
    if not last or not any(look[key] for look in looks for key in ("skin_c", "cpu_c", "battery_c")):
        return ""
    top = 1.1 * max(look[key] or 0 for look in looks for key in ("skin_c", "cpu_c", "battery_c"))
    parts = _grid(top, "°C")
    for index, (key, name) in enumerate((("skin_c", "skin"), ("cpu_c", "CPU"), ("battery_c", "battery"))):
        points = [(_moment(look["at_ms"], last), _level(look[key], top)) for look in looks if look[key] is not None]
        colour = _COLOURS[index]
        parts += [
            f'<path d="M{x0:.1f} {y0:.1f}L{x1:.1f} {y1:.1f}" stroke="{colour}" stroke-width="1.5"/>'
            for (x0, y0), (x1, y1) in pairwise(points)
        ]
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.2" fill="{colour}"/>' for x, y in points]
        parts.append(_text(LEFT + 70 * index, 14, name, fill=colour))
    for look in looks:
        if look["status"]:
            parts.append(f'<path d="M{_moment(look["at_ms"], last):.1f} {_TOP}V{_FLOOR}" stroke="#d62728"/>')
    parts.append(_text(WIDTH - RIGHT, _HEIGHT - 10, f"{last / 1000:.0f} s", "end"))
    return _drawing("Temperatures during the measurement; red: the phone throttled", _HEIGHT, parts)


def threads_svg(reports: Sequence[Mapping[str, Any]]) -> str:
    """Median by number of threads, a bar each, for every graph; bars start at 0."""
    bars = [
        (f"{graph['graph']}, {_threads(report)}", graph["summary"]["p50"])
        for name in dict.fromkeys(graph["graph"] for report in reports for graph in report["graphs"])
        for report in reports
        for graph in report["graphs"]
        if graph["graph"] == name and graph["summary"]
    ]
    if not bars:
        return ""
    longest = max(value for _, value in bars)
    parts, left, width = [], 170, WIDTH - 170 - 100
    for row, (label, value) in enumerate(bars):
        y, length = 24 + row * _ROW, width * value / longest
        parts.append(_text(left - 8, y + 13, label, "end"))
        parts.append(f'<rect x="{left}" y="{y}" width="{length:.1f}" height="{_ROW - 6}" fill="{_COLOURS[0]}"/>')
        parts.append(_text(left + length + 6, y + 13, f"{value:.4g} ms"))
    parts.append(_text(left, 14, "median of all rounds"))
    return _drawing("Median by number of threads", 30 + _ROW * len(bars), parts)


def _threads(report: Mapping[str, Any]) -> str:
    count = report["runner"]["threads"]
    return "threads by default" if count is None else f"{count:g} thread{'s' if count != 1 else ''}"


def _grid(top: float, unit: str) -> list[str]:
    """Levels at round numbers from 0 up to ``top``."""
    step = next(size * 10**power for power in range(-4, 9) for size in (1, 2, 5) if top / (size * 10**power) <= 5)
    parts = []
    for i in range(int(top / step) + 1):
        y = _level(i * step, top)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="{"#888" if i == 0 else "#e5e5e5"}"/>')
        parts.append(_text(LEFT - 6, y + 4, f"{i * step:.4g}", "end", fill="#555"))
    parts.append(_text(LEFT - 6, 14, unit, "end", fill="#555"))
    return parts


def _level(value: float, top: float) -> float:
    return _FLOOR - (_FLOOR - _TOP) * value / top


def _moment(at_ms: float, last: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * at_ms / last


def _text(x: float, y: float, text: str, anchor: str = "start", *, fill: str = "#222") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{fill}">{escape(text)}</text>'


def _drawing(title: str, height: float, parts: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" '
        f'font-family="sans-serif" font-size="12" role="img"><title>{escape(title)}</title>'
        f'<rect width="{WIDTH}" height="{height:.0f}" fill="white"/>{"".join(parts)}</svg>'
    )
