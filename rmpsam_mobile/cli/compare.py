"""``compare``: two latency reports beside each other, where that means something."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from rmpsam_mobile.cli.console import note, print_json, print_table
from rmpsam_mobile.errors import GateError


def compare(
    first: Annotated[Path, typer.Argument(help="Report .json of rmpsam-mobile bench.")],
    second: Annotated[Path, typer.Argument(help="The one that is judged: ratios are second / first.")],
    max_ratio: Annotated[float | None, typer.Option(help="Largest ratio of medians; 1.05 is 5 % slower.")] = None,
    max_p90: Annotated[float | None, typer.Option(help="Largest ratio of nine-tenths.")] = None,
    max_memory: Annotated[float | None, typer.Option(help="Largest ratio of peak memory.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Compare two reports; exit code 6 where they are not comparable or a limit is exceeded."""
    from rmpsam_mobile.bench.compare import Limits, differences, exceeded, left_out, pairs, rows
    from rmpsam_mobile.bench.schema import read_reports
    from rmpsam_mobile.cli.latency_tables import comparison_table, difference_table

    limits = Limits(median=max_ratio, p90=max_p90, memory=max_memory)
    names, refused, over = (first.stem, second.stem), [], []
    documents: list[dict[str, Any]] = []
    for a, b in pairs(read_reports(first), read_reports(second)):
        threads, found = a["runner"]["threads"], differences(a, b)
        refused += found
        document: dict[str, Any] = {"threads": threads, "differences": [asdict(difference) for difference in found]}
        figures = [] if found else rows(a, b)
        above = exceeded(figures, limits)
        over += above
        document["figures"] = [asdict(row) | {"ratio": row.ratio} for row in figures]
        documents.append(document | {"exceeded": above})
        if not as_json:
            print_table(difference_table(found, names) if found else comparison_table(figures, above, names))
        for graph in left_out(a, b):
            note(f"{graph} is in one of the two only")
    if as_json:
        print_json({"comparable": not refused, "exceeded": over, "pairs": documents})
    if refused:
        keys = ", ".join(dict.fromkeys(difference.key for difference in refused))
        raise GateError(f"not comparable: {keys} differ; measure both in the same way on the same phone")
    if over:
        raise GateError(f"{len(over)} above the limit: {'; '.join(over)}")
