"""``lowering.json``: what a bundle's manifest has no room for, beside it and hashed as every file.

Which options the engine got, why its partitioner left operators, where Core ML is likely to run which operator, and how
near float16 values come to overflowing.
"""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rmpsam_mobile.contracts import Graph
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.export.lower import EngineOptions, Lowered, Placement
from rmpsam_mobile.runtime.mil.ranges import HalfRange

FILE: Final = "lowering.json"
SCHEMA: Final = 1
FORECAST: Final = "forecast, not measured"
PLAN: Final = "MLComputePlan of this Mac"


@dataclass(frozen=True)
class Planned:
    """Placement that a Mac's own compute plan gave, by graph; None where there was no Mac."""

    by_graph: Mapping[Graph, tuple[Placement, ...]] | None = None


def write_record(
    folder: Path,
    options: EngineOptions,
    lowered: Mapping[Graph, Lowered],
    ranges: Mapping[Graph, HalfRange | None],
    planned: Planned = Planned(),
) -> None:
    """Write the record into a bundle's folder."""
    (folder / FILE).write_text(
        json.dumps(
            {
                "schema": SCHEMA,
                "options": {
                    field.name: getattr(options, field.name)
                    for field in dataclasses.fields(options)
                    if field.name != "about"
                },
                "placement": FORECAST if planned.by_graph is None else PLAN,  # of Core ML packages alone
                "graphs": {str(graph): _graph(graph, found, ranges, planned) for graph, found in lowered.items()},
            },
            indent=1,
            ensure_ascii=False,
        )
        + "\n",
        encoding="utf-8",
    )


def read_record(folder: Path) -> dict[str, Any] | None:
    """Read the record of a verified bundle; None for a bundle without one.

    Raises:
        InputError: it is no JSON object of this schema.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        schema = document["schema"]
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{path} cannot be read; export the bundle again") from None
    if schema != SCHEMA:
        raise InputError(f"{path} has schema {schema!r}; this version reads {SCHEMA}; export the bundle again")
    return dict(document)


def _graph(
    graph: Graph, lowered: Lowered, ranges: Mapping[Graph, HalfRange | None], planned: Planned
) -> dict[str, Any]:
    placement = lowered.placement if planned.by_graph is None else planned.by_graph[graph]
    half = ranges.get(graph)
    return {
        "leftovers": [dataclasses.asdict(reason) for reason in lowered.reasons],
        "placement": [dataclasses.asdict(place) for place in placement],
        "largest_float16": None if half is None else dataclasses.asdict(half),
    }
