"""The stored operator profiles as one table in docs/rewrites.md: shares of each graph's time by kind of operator.

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
KINDS: Final = ("1x1", "depthwise", "other convolutions", "products", "resizes", "copies", "gathers", "the rest")
_OPERATORS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("bmm", "mm", "addmm", "linear", "matmul"), "products"),
    **dict.fromkeys(("upsample_bilinear2d", "upsample_nearest2d"), "resizes"),
    **dict.fromkeys(("cat", "permute", "transpose", "clone", "expand", "slice", "constant_pad_nd", "pad"), "copies"),
    **dict.fromkeys(("index", "gather", "index_select", "embedding"), "gathers"),
}


def main() -> None:
    """Write the table into its place."""
    text = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(replace_marked(text, MARKER, table_of(stored_profiles())), encoding="utf-8")


def stored_profiles() -> list[dict[str, Any]]:
    """All reports, by name."""
    paths = sorted(RESULTS.glob("operator_profile_*.json"))
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths]


def kind_of(label: str) -> str:
    """The column of a step, from the name and the shapes in its label."""
    operator, *shapes = label.partition(" -> ")[0].split(" ")
    operator = operator.removesuffix("_copy")
    if operator.startswith("conv"):
        weight = [int(extent) for extent in shapes[1].split("x")]
        if weight[2:] == [1, 1]:
            return "1x1"
        return "depthwise" if weight[1] == 1 else "other convolutions"
    return _OPERATORS.get(operator, "the rest")


def shares(steps: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Share of the time by kind, in the order of ``KINDS``."""
    total, spent = sum(step["ms"] for step in steps), Counter[str]()
    for step in steps:
        spent[kind_of(step["label"])] += step["ms"]
    return {kind: spent[kind] / total for kind in KINDS}


def table_of(profiles: Sequence[Mapping[str, Any]]) -> str:
    """A line a graph: time, shares by kind in %, and the dearest step."""
    lines = []
    for profile in profiles:
        steps = profile["steps"]
        name = profile["what"].partition(" at ")[0].removeprefix("rmpsam-")
        cells = " | ".join(f"{100 * share:.0f}" for share in shares(steps).values())
        dearest = max(steps, key=lambda step: step["ms"])
        total = sum(step["ms"] for step in steps)
        lines.append(f"| {name} | {total:.1f} | {cells} | `{dearest['label']}`, {dearest['ms'] / total:.0%} |")
    head = f"| graph | ms | {' | '.join(KINDS)} | the dearest step |"
    return "\n".join([head, f"|---|{'---|' * (len(KINDS) + 2)}", *lines])


if __name__ == "__main__":
    main()
