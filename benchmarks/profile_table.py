"""The stored operator profiles as one table in docs/rewrites.md: the dearest steps of each graph.

python -m benchmarks.profile_table

Reads benchmarks/results/operator_profile_*.json, which ``python -m benchmarks.operator_profile MODEL GRAPH --output``
writes.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.marked_text import replace_marked

ROOT: Final = Path(__file__).parents[1]
RESULTS: Final = ROOT / "benchmarks" / "results"
DOCUMENT: Final = ROOT / "docs" / "rewrites.md"
MARKER: Final = "operator profiles"
DEAREST: Final = 4  # kinds of steps a graph


def main() -> None:
    """Write the table into its place."""
    text = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(replace_marked(text, MARKER, table_of(stored_profiles())), encoding="utf-8")


def stored_profiles() -> list[dict[str, Any]]:
    """All reports, by name."""
    paths = sorted(RESULTS.glob("operator_profile_*.json"))
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths]


def table_of(profiles: Sequence[Mapping[str, Any]]) -> str:
    """A line a graph: time, number of steps, and the dearest kinds of them with their share of the time."""
    lines = []
    for profile in profiles:
        steps, name = settled(profile["steps"]), profile["what"].removeprefix("rmpsam-")
        total, by_label = sum(step["ms"] for step in steps), Counter[str]()
        for step in steps:
            by_label[step["label"]] += step["ms"]
        cells = "; ".join(f"{ms / total:.0%} `{label}`" for label, ms in by_label.most_common(DEAREST))
        lines.append(f"| {name} | {total:.1f} | {len(steps)} | {cells} |")
    return "\n".join(["| graph | ms | steps | the dearest |", "|---|---|---|---|", *lines])


def settled(steps: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Steps that cost less than nothing joined to the one before: that cut handed out what the next one fuses away."""
    joined: list[Mapping[str, Any]] = []
    for step in steps:
        joined.append(step)
        while len(joined) > 1 and joined[-1]["ms"] < 0:
            later, earlier = joined.pop(), joined.pop()
            named = max(earlier, later, key=lambda one: one["multiply_adds"])
            joined.append({**named, "ms": earlier["ms"] + later["ms"]})
    return joined


if __name__ == "__main__":
    main()
