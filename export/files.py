"""From rewritten parts to files: capture, quantize where the plan says so, lower, write."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.export import ExportedProgram

from rmpsam_mobile.bundle import Artifact
from rmpsam_mobile.contracts import Graph, GraphSpec, ModelContract, Target
from rmpsam_mobile.export.capture import capture
from rmpsam_mobile.export.coreml_quantized import quantize_for_coreml
from rmpsam_mobile.export.lower import Lowered
from rmpsam_mobile.export.lower.base import Programs
from rmpsam_mobile.export.lower.coreml_placement import planned
from rmpsam_mobile.export.lowering_record import Planned
from rmpsam_mobile.export.picture_input import with_picture_input
from rmpsam_mobile.export.plan import ExportPlan
from rmpsam_mobile.export.prove import require_delegated
from rmpsam_mobile.export.quantized import QuantizedModel
from rmpsam_mobile.export.rewrites import apply_program_rewrites
from rmpsam_mobile.export.split import Part, SplitModel
from rmpsam_mobile.quantization import convert, prepare, restore_observers

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Files:
    """What was written, graph by graph."""

    paths: Mapping[Graph, Path]
    lowered: Mapping[Graph, Lowered]
    artifacts: Mapping[Graph, Artifact]
    planned: Planned


def capture_programs(
    plan: ExportPlan, parts: SplitModel, contract: ModelContract, rewrites: dict[str, int], progress: Progress
) -> Programs:
    """Capture every part and apply the rewrites of captured programs, whose counts are added to ``rewrites``."""
    programs: dict[Graph, tuple[ExportedProgram, GraphSpec]] = {}
    for graph, part in parts.parts.items():
        progress(f"capture {graph}")
        program = capture(part)
        if plan.quantized:
            program = _quantize(plan.quantized, program, graph, part)
        program, applied = apply_program_rewrites(program, plan.rewrites)
        for rewrite in applied:
            rewrites[rewrite.name] = rewrites.get(rewrite.name, 0) + len(rewrite.changed)
        programs[graph] = program, part.spec
    if plan.calibration:
        progress("calibrate")
        captured = {graph: program for graph, (program, _) in programs.items()}
        found = quantize_for_coreml(captured, parts, plan.calibration, contract)
        programs = {graph: (found[graph], spec) for graph, (_, spec) in programs.items()}
    if plan.options.picture_input:
        programs[Graph.ENCODER] = with_picture_input(*programs[Graph.ENCODER], contract)
    return programs


def lower_programs(plan: ExportPlan, programs: Programs, folder: Path, progress: Progress) -> Files:
    """Lower each graph to its file, or all to one, and write them into ``folder``.

    Raises:
        ExportError: a graph cannot be lowered.
        GateError: the delegate takes less than it must.
    """
    paths = {graph: folder / plan.file_name(graph) for graph in programs}
    least = plan.engine.min_delegated if plan.min_delegated is None else plan.min_delegated
    if plan.options.single_file and plan.engine.join:
        progress("lower all graphs")
        lowered = plan.engine.join(programs, plan.options)
        require_delegated(lowered, least)
        first = next(iter(programs))
        lowered[first].write(paths[first])
    else:
        lowered = {}
        for graph, (program, spec) in programs.items():
            progress(f"lower {graph}")
            lowered[graph] = plan.engine.lower(program, spec, plan.options)
            require_delegated({graph: lowered[graph]}, least)
            lowered[graph].write(paths[graph])
    artifacts = {graph: _artifact(plan, lowered[graph], spec, paths[graph]) for graph, (_, spec) in programs.items()}
    return Files(paths, lowered, artifacts, _planned(plan, paths))


def _artifact(plan: ExportPlan, lowered: Lowered, spec: GraphSpec, path: Path) -> Artifact:
    files = [path] if path.is_file() else [below for below in path.rglob("*") if below.is_file()]
    weights = path.with_suffix(".ptd")
    return Artifact(
        path=path.name,
        graph=spec.graph,
        target=plan.target,
        precision=plan.precision,
        size_bytes=sum(file.stat().st_size for file in (*files, *([weights] if weights.is_file() else []))),
        inputs=spec.inputs,
        outputs=spec.outputs,
        delegation=lowered.delegation,
        planned_memory_bytes=lowered.planned_memory_bytes,
    )


def _planned(plan: ExportPlan, paths: Mapping[Graph, Path]) -> Planned:
    """Apple's own plan, where this is a Mac."""
    if plan.target is not Target.COREML_PACKAGE or plan.options.single_file:
        return Planned()
    found = {graph: planned(path) for graph, path in paths.items()}
    whole = {graph: places for graph, places in found.items() if places is not None}
    return Planned(whole if len(whole) == len(found) else None)


def _quantize(quantized: QuantizedModel, program: ExportedProgram, graph: Graph, part: Part) -> ExportedProgram:
    prepared = prepare(program, quantized.recipe)
    restore_observers(prepared, quantized.of(graph), f"{graph} graph")
    with torch.no_grad():
        return torch.export.export(convert(prepared), part.example_inputs(), strict=False)
