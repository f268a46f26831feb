"""The support matrix as Markdown: cells in few words, each with a link to its row in the stored report."""

import json
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from rmpsam_mobile.contracts import Precision, Size, Target

MARKER: Final = "support matrix"
VALIDATED, LOWERS, BLOCKED = "validated here", "lowers, cannot run here", "blocked"
LONGEST: Final = 60  # characters of a reason

Row = Mapping[str, Any]


def text_of(report: Row) -> str:
    """The report as it is stored; ``matrix_of`` counts its lines."""
    return json.dumps(report, indent=1, ensure_ascii=False) + "\n"


def matrix_of(report: Row, name: str, cases: Iterable[tuple[str, str]] = ()) -> str:
    """A row for each engine and precision, a column for each graph, and below it what delegates leave.

    Args:
        report: as stored.
        name: of its file.
        cases: targets and precisions that there are; those without a row are named.
    """
    lines = [n for n, line in enumerate(text_of(report).splitlines(), 1) if line == "  {"]  # where rows begin
    links = [f"../benchmarks/results/{name}#L{line}" for line in lines]
    cells: dict[tuple[str, str], dict[str, str]] = {}
    for row, link in zip(report["rows"], links, strict=True):
        cells.setdefault((row["target"], row["precision"]), {})[row["graph"]] = cell_of(row, link)
    graphs = list(dict.fromkeys(row["graph"] for row in report["rows"]))
    return "\n".join(
        [
            f"`{report['model']}` at {Size(*report['size'])}, by `{report['command']}`.",
            "",
            f"| target | precision | {' | '.join(graphs)} |",
            f"|---|---|{'---|' * len(graphs)}",
            *(f"| `{t}` | {p} | {' | '.join(row[graph] for graph in graphs)} |" for (t, p), row in cells.items()),
            "",
            *_left(report),
            *_untried([case for case in cases if tuple(case) not in cells]),
        ]
    )


def cell_of(row: Row, link: str) -> str:
    """What became of one graph: its status, which links to the evidence, and on a second line the figures."""
    if row["status"] == BLOCKED:
        return f"[{BLOCKED}]({link}): {_few_words(row)}"
    size = f"{row['size_bytes'] / 1e6:.2f} MB"
    if row["status"] == LOWERS:
        return f"[{LOWERS}]({link})<br>{size}, {_percent(row['delegated'])} delegated"
    judged = row["mask_iou"] is not None and row["precision"] != Precision.FP32
    worst = f"mask IoU {row['mask_iou']:.3f}" if judged else f"off by {max(row['errors'].values(), default=0.0):.0e}"
    return f"[{VALIDATED}]({link})<br>{size}, {worst}"


def _few_words(row: Row) -> str:
    first = re.split(r";|, and ", row["message"].removeprefix(f"--target {row['target']} "))[0]
    return textwrap.shorten(first.replace("|", "/"), LONGEST, placeholder=" …")


def _untried(cases: Sequence[tuple[str, str]]) -> list[str]:
    return [f"- Not tried yet: {', '.join(f'`{target}` {precision}' for target, precision in cases)}."] if cases else []


def _percent(share: float) -> str:
    """Never rounded up to all."""
    return "100 %" if share == 1 else f"{min(100 * share, 99.9):.1f} %"


def _left(report: Row) -> list[str]:
    """What each delegate left, in its own words; and what a float16 package will probably lose to other units."""
    left: dict[tuple[str, str], list[str]] = {}
    for row in report["rows"]:
        if row["status"] == BLOCKED or row["target"] in (Target.PORTABLE, Target.ONNX):
            continue
        is_package = row["target"] == Target.COREML_PACKAGE
        if is_package and row["precision"] != Precision.FP16:
            continue
        who = "Off the Neural Engine by forecast" if is_package else f"Left by {row['delegate']}"
        found = left.setdefault((who, row["precision"]), [])
        listed = [(one, one["because"]) for one in row["placement"]] if is_package else _reasons(row)
        named = [f"`{_short(one['operator'])}` x{one['count']} ({why})" for one, why in listed]
        found += [f"of {row['graph']} {', '.join(named)}"] if named else []
    merged: dict[tuple[str, str], list[str]] = {}
    for (who, precision), found in left.items():
        merged.setdefault((who, "; ".join(found) or "nothing"), []).append(precision)
    return [f"- {who}, {', '.join(precisions)}: {what}." for (who, what), precisions in merged.items()]


def _reasons(row: Row) -> list[tuple[Row, str]]:
    return [(one, one["reason"]) for one in row["leftovers"]]


def _short(operator: str) -> str:
    """``index_select`` for ``aten.index_select.default``."""
    parts = operator.split(".")
    return parts[1].removesuffix("_copy") if len(parts) > 1 else operator
