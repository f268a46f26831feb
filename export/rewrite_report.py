"""What each rewrite did to one model: what changed, what error it brought, what it saves; typed, and as JSON."""

import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Final

from rmpsam_mobile.bench import Summary
from rmpsam_mobile.bundle import Delegation, to_json
from rmpsam_mobile.checkpoint import weights_sha256
from rmpsam_mobile.contracts import Graph
from rmpsam_mobile.export.deform_forms import DeformChoice
from rmpsam_mobile.export.graph_cost import Cost
from rmpsam_mobile.export.pipeline import ExportPlan
from rmpsam_mobile.export.rewrites import PROGRAM_REWRITES, REWRITES
from rmpsam_mobile.export.split import left_out

SCHEMA: Final = "rmpsam.rewrites/1"


@dataclass(frozen=True, kw_only=True)
class Errors:
    """Largest difference of any output over that output's largest magnitude, in both precisions; None: not finite."""

    float32: float | None
    float64: float | None


@dataclass(frozen=True, kw_only=True)
class LayerChange:
    """A module that a rewrite named: its class and its cost, with all below it, before and after.

    ``errors`` are those of the output of ``measured_at``, the innermost module around it whose output is meant to stay;
    None and the graph's own errors where there is no such module.
    """

    path: str
    measured_at: str | None
    errors: Errors
    kind_before: str
    kind_after: str
    before: Cost
    after: Cost


@dataclass(frozen=True, kw_only=True)
class GraphChange:
    """What one rewrite did to one graph.

    Attributes:
        graph: the graph.
        places: what the rewrite named: module paths, or operators of the captured program with their number.
        errors: against the graph as it was before this rewrite.
        before: cost of the whole graph.
        after: the same with this rewrite.
        removed: operators that went, by name.
        added: operators that came, by name.
        layers: each module path of ``places``; none for a rewrite of captured programs.
    """

    graph: Graph
    places: Mapping[str, int]
    errors: Errors
    before: Cost
    after: Cost
    removed: Mapping[str, int]
    added: Mapping[str, int]
    layers: tuple[LayerChange, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RewriteEffect:
    """One rewrite, in the list's order; ``graphs`` is empty where there was nothing to do."""

    name: str
    because: str
    on: str  # "modules" or "programs"
    graphs: tuple[GraphChange, ...]

    @property
    def num_places(self) -> int:
        """How many places it changed."""
        return sum(sum(change.places.values()) for change in self.graphs)


@dataclass(frozen=True, kw_only=True)
class LoweredGraph:
    """What an engine made of a graph; ``refused`` holds its reason where it made nothing.

    ``latency_ms`` is of the file on this host, where it was measured.
    """

    delegation: Delegation | None = None
    planned_memory_bytes: int | None = None
    file_bytes: int | None = None
    latency_ms: Summary | None = None
    refused: str = ""


@dataclass(frozen=True, kw_only=True)
class GraphTotal:
    """One graph before the first and after the last rewrite; ``errors`` against the untouched one."""

    graph: Graph
    errors: Errors
    before: Cost
    after: Cost
    operators_before: Mapping[str, int]
    operators_after: Mapping[str, int]
    lowered_before: LoweredGraph | None
    lowered_after: LoweredGraph | None


@dataclass(frozen=True, kw_only=True)
class RewriteReport:
    """The whole report.

    Attributes:
        about: what was measured: tool, command, model, sizes, engine.
        deform: the form of each deformable layer, by path.
        rewrites: those that were applied, in order.
        not_applied: the others, each with the reason.
        graphs: first against last.
        flips: decoders without a probe, whose float32 errors may hold flipped mask pixels.
        left_out: graphs that this model or these sizes do not have, each with the reason.
        machine: where latencies were measured; None where they were not.
    """

    about: Mapping[str, Any]
    deform: Mapping[str, DeformChoice]
    rewrites: tuple[RewriteEffect, ...]
    not_applied: Mapping[str, str]
    graphs: tuple[GraphTotal, ...]
    flips: tuple[Graph, ...]
    left_out: Mapping[str, str]
    machine: Mapping[str, Any] | None

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {"schema": SCHEMA, **to_json(self)}


def describe(plan: ExportPlan) -> dict[str, Any]:
    """The report's ``about``."""
    sizes = plan.sizes
    return {
        "tool": {"name": "rmpsam-mobile", "version": version("rmpsam-mobile"), "command": sys.argv[1:]},
        "finished": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "versions": {name: version(name) for name in ("torch", "executorch")},
        "model": {
            "preset": plan.checkpoint.preset,
            "trained": plan.model.trained,
            "sha256": weights_sha256(plan.checkpoint),
        },
        "size": str(sizes.size),
        "slots": sizes.num_slots,
        "clip_frames": sizes.clip_frames,
        "target": str(plan.target),
    }


def reasons_not_applied(plan: ExportPlan) -> dict[str, str]:
    """Every rewrite that the plan does not hold, with the reason."""
    for_others = {r.name for r in PROGRAM_REWRITES if plan.target not in r.targets}
    return {
        r.name: f"not for {plan.target}" if r.name in for_others else "left out on request"
        for r in (*REWRITES, *PROGRAM_REWRITES)
        if r.name not in plan.rewrites
    }


def reasons_left_out(plan: ExportPlan) -> dict[str, str]:
    """Every graph that the plan does not hold, with the reason."""
    return {str(graph): reason for graph, reason in left_out(plan.model, plan.sizes).items()}


def differences(before: Mapping[str, int], after: Mapping[str, int]) -> tuple[dict[str, int], dict[str, int]]:
    """Operators that went and operators that came, the most frequent first."""
    old, new = Counter(before), Counter(after)
    return dict((old - new).most_common()), dict((new - old).most_common())
