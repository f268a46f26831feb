"""The rewrites one by one: apply, capture what changed, compare with what it was, lower the first and the last."""

import copy
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import torch
from torch.export import ExportedProgram

from rmpsam_mobile.bench.machine import describe_machine
from rmpsam_mobile.contracts import Graph
from rmpsam_mobile.export.capture import capture
from rmpsam_mobile.export.graph_cost import Cost, GraphCost, cost_of_program, module_kinds, run_counted
from rmpsam_mobile.export.layer_outputs import LayerOutputs, nearest_holder, watched
from rmpsam_mobile.export.pipeline import ExportPlan
from rmpsam_mobile.export.rewrite_lowering import lower_into, time_files
from rmpsam_mobile.export.rewrite_report import (
    Errors,
    GraphChange,
    GraphTotal,
    LayerChange,
    LoweredGraph,
    RewriteEffect,
    RewriteReport,
    describe,
    differences,
    reasons_left_out,
    reasons_not_applied,
)
from rmpsam_mobile.export.rewrite_trial import PRECISIONS, Outputs, Trial, largest_error
from rmpsam_mobile.export.rewrites import PROGRAM_REWRITES, REWRITES, ProgramRewrite, Rewrite
from rmpsam_mobile.export.split import Part, split

Progress = Callable[[str], None]

WHEN: Final = ("before", "after")


def measuring_steps(plan: ExportPlan, *, lower: bool = True, measure: bool = False) -> list[str]:
    """Every step in order, as ``progress`` gets them."""
    captures = [f"capture {graph}" for graph in plan.graphs]
    first, last = ([f"lower {graph} {when}" for graph in plan.graphs if lower] for when in WHEN)
    modules, programs = ([r.name for r in rs if r.name in plan.rewrites] for rs in (REWRITES, PROGRAM_REWRITES))
    return ["pictures", *captures, *first, *modules, *captures, *programs, *last, *(["time"] if measure else [])]


def measure_rewrites(
    plan: ExportPlan, *, lower: bool = True, measure: bool = False, progress: Progress = lambda _: None
) -> RewriteReport:
    """Carry out a plan's rewrites on copies of its model and report each.

    Args:
        plan: not of a quantized model; its own model is not changed.
        lower: also lower each graph before the first and after the last rewrite; tens of seconds a graph.
        measure: also time those files on this host; needs ``lower`` and XNNPACK.
        progress: gets the names of ``measuring_steps``.

    Raises:
        ExportError: a graph cannot be captured.
    """
    progress("pictures")
    walk = _Walk(plan, progress)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        before = walk.lower(folder, "before") if lower else {}
        effects = [walk.rewrite_modules(rewrite) for rewrite in REWRITES if rewrite.name in plan.rewrites]
        walk.capture_all()
        effects += [walk.rewrite_programs(rewrite) for rewrite in PROGRAM_REWRITES if rewrite.name in plan.rewrites]
        after = walk.lower(folder, "after") if lower else {}
        if measure:
            progress("time")
            before, after = walk.time(folder, before, after)
    return RewriteReport(
        about=describe(plan),
        deform=plan.deform,
        rewrites=tuple(effects),
        not_applied=reasons_not_applied(plan),
        graphs=tuple(walk.total(graph, before.get(graph), after.get(graph)) for graph in plan.graphs),
        flips=tuple(walk.trial.flips),
        left_out=reasons_left_out(plan),
        machine=describe_machine() if measure else None,
    )


@dataclass(frozen=True)
class _Look:
    """A graph as it stands: its cost, its outputs in both precisions, the classes of its modules and their outputs."""

    cost: GraphCost
    outputs: Mapping[torch.dtype, Outputs]
    kinds: Mapping[str, str] = field(default_factory=dict)
    layers: Mapping[torch.dtype, LayerOutputs] = field(default_factory=dict)


class _Walk:
    """The parts in both precisions, and how each graph looked last."""

    def __init__(self, plan: ExportPlan, progress: Progress) -> None:
        self.plan, self.progress = plan, progress
        self.trial = Trial(plan.model, plan.sizes)
        models = {dtype: copy.deepcopy(plan.model).to(dtype) for dtype in PRECISIONS}
        self.parts = {dtype: split(model, plan.sizes, plan.deform) for dtype, model in models.items()}
        self.first_parts = dict(self.parts[torch.float32].parts)
        self.programs: dict[tuple[Graph, torch.dtype], ExportedProgram] = {}
        self.looks: dict[Graph, _Look] = {}
        for graph in plan.graphs:
            progress(f"capture {graph}")
            self.looks[graph] = self._look_at_modules(graph)
        self.first_looks = dict(self.looks)

    def rewrite_modules(self, rewrite: Rewrite) -> RewriteEffect:
        """Apply one to both precisions; look again at the graphs that it changed."""
        self.progress(rewrite.name)
        known = dict(self.parts[torch.float32].parts)
        named = {dtype: rewrite.apply(parts) for dtype, parts in self.parts.items()}[torch.float32]
        changes = []
        for graph in self.plan.graphs:
            paths = [path.removeprefix(f"{graph}.") for path in named if path.startswith(f"{graph}.")]
            if paths or self.parts[torch.float32].parts[graph] is not known[graph]:
                before, after = self.looks[graph], self._look_at_modules(graph)
                changes.append(_change(graph, Counter(paths), before, after))
                self.looks[graph] = after
        return RewriteEffect(name=rewrite.name, because=rewrite.because, on="modules", graphs=tuple(changes))

    def capture_all(self) -> None:
        """Capture every graph in both precisions for the rewrites of programs."""
        for graph in self.plan.graphs:
            self.progress(f"capture {graph}")
            for dtype, parts in self.parts.items():
                self.programs[graph, dtype] = capture(parts.parts[graph])

    def rewrite_programs(self, rewrite: ProgramRewrite) -> RewriteEffect:
        """Apply one to every program in both precisions; look again at those that it changed."""
        self.progress(rewrite.name)
        changes = []
        for graph in self.plan.graphs:
            names: list[str] = []
            for dtype in PRECISIONS:
                self.programs[graph, dtype], names = rewrite.apply(self.programs[graph, dtype])
            if names:
                before, after = self.looks[graph], self._look_at_programs(graph)
                changes.append(_change(graph, Counter(names), before, after))
                self.looks[graph] = after
        return RewriteEffect(name=rewrite.name, because=rewrite.because, on="programs", graphs=tuple(changes))

    def lower(self, folder: Path, when: str) -> dict[Graph, LoweredGraph]:
        """Lower every graph as it stands; files go to ``<folder>/<graph>_<when>``."""
        lowered = {}
        for graph, part in self.parts[torch.float32].parts.items():
            self.progress(f"lower {graph} {when}")
            # captured anew where no rewrite of programs has run yet: an engine may edit what it lowers
            program = self.programs.get((graph, torch.float32)) or capture(part)
            lowered[graph] = lower_into(folder / f"{graph}_{when}", program, part.spec, self.plan.target)
        return lowered

    def time(self, folder: Path, *lowered: dict[Graph, LoweredGraph]) -> list[dict[Graph, LoweredGraph]]:
        """Add to both what their files take on this host, all files in turn."""
        files = {
            (graph, when): (folder / f"{graph}_{when}.pte", self.trial.inputs(parts[graph], torch.float32))
            for when, parts, graphs in zip(
                WHEN, (self.first_parts, self.parts[torch.float32].parts), lowered, strict=True
            )
            for graph, result in graphs.items()
            if not result.refused
        }
        times = time_files(files)
        return [
            {graph: replace(result, latency_ms=times.get((graph, when))) for graph, result in graphs.items()}
            for when, graphs in zip(WHEN, lowered, strict=True)
        ]

    def total(self, graph: Graph, before: LoweredGraph | None, after: LoweredGraph | None) -> GraphTotal:
        """The graph's first look against its last."""
        first, last = self.first_looks[graph], self.looks[graph]
        return GraphTotal(
            graph=graph,
            errors=_errors(first, last),
            before=first.cost.total,
            after=last.cost.total,
            operators_before=first.cost.operators,
            operators_after=last.cost.operators,
            lowered_before=before,
            lowered_after=after,
        )

    def _look_at_modules(self, graph: Graph) -> _Look:
        part = self.parts[torch.float32].parts[graph]
        kinds = module_kinds(part.module)
        modules = {dtype: parts.parts[graph].module for dtype, parts in self.parts.items()}
        with ExitStack() as stack:
            layers = {dtype: stack.enter_context(watched(module)) for dtype, module in modules.items()}
            outputs, multiply_adds = self._run(modules, graph)
        return _Look(cost_of_program(capture(part), multiply_adds, tuple(kinds)), outputs, kinds, layers)

    def _look_at_programs(self, graph: Graph) -> _Look:
        programs = {dtype: self.programs[graph, dtype] for dtype in PRECISIONS}
        outputs, multiply_adds = self._run({dtype: program.module() for dtype, program in programs.items()}, graph)
        return _Look(cost_of_program(programs[torch.float32], multiply_adds), outputs)

    def _run(
        self, modules: Mapping[torch.dtype, torch.nn.Module], graph: Graph
    ) -> tuple[dict[torch.dtype, Outputs], dict[str, int]]:
        outputs: dict[torch.dtype, Outputs] = {}
        multiply_adds: dict[str, int] = {}
        for dtype, module in modules.items():
            found, multiply_adds = run_counted(module, self.trial.inputs(self._part(graph, dtype), dtype))
            outputs[dtype] = self.trial.comparable(graph, found)
        return outputs, multiply_adds

    def _part(self, graph: Graph, dtype: torch.dtype) -> Part:
        return self.parts[dtype].parts[graph]


def _change(graph: Graph, places: Counter[str], before: _Look, after: _Look) -> GraphChange:
    removed, added = differences(before.cost.operators, after.cost.operators)
    paths = [path for path in places if path in before.kinds or path in after.kinds]
    return GraphChange(
        graph=graph,
        places=dict(places.most_common()),
        errors=_errors(before, after),
        before=before.cost.total,
        after=after.cost.total,
        removed=removed,
        added=added,
        layers=tuple(_layer_change(path, before, after) for path in paths),
    )


def _layer_change(path: str, before: _Look, after: _Look) -> LayerChange:
    holder = nearest_holder(path, before.layers[torch.float64], after.layers[torch.float64])
    return LayerChange(
        path=path,
        measured_at=holder,
        errors=_errors(before, after) if holder is None else _layer_errors(holder, before, after),
        kind_before=before.kinds.get(path, "nothing"),
        kind_after=after.kinds.get(path, "nothing"),
        before=before.cost.layers.get(path, Cost()),
        after=after.cost.layers.get(path, Cost()),
    )


def _layer_errors(path: str, before: _Look, after: _Look) -> Errors:
    found = {dtype: largest_error((after.layers[dtype][path],), (before.layers[dtype][path],)) for dtype in PRECISIONS}
    return Errors(float32=found[torch.float32], float64=found[torch.float64])


def _errors(before: _Look, after: _Look) -> Errors:
    return Errors(
        float32=largest_error(after.outputs[torch.float32], before.outputs[torch.float32]),
        float64=largest_error(after.outputs[torch.float64], before.outputs[torch.float64]),
    )
