"""The whole way from a checkpoint to a bundle: plan first, then each stage once, a parity check before it is kept."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Final

import torch
from torch.export import ExportedProgram

from rmpsam_mobile.atomic import refuse_existing
from rmpsam_mobile.bundle import Artifact, Bundle, Manifest, Recipe, record_golden, write_bundle, write_golden
from rmpsam_mobile.checkpoint import Checkpoint, build_model, import_checkpoint, weights_sha256
from rmpsam_mobile.contracts import Graph, GraphSizes, ModelContract, Size, Target
from rmpsam_mobile.errors import UnsupportedError
from rmpsam_mobile.export.capture import capture
from rmpsam_mobile.export.deform_choice import choose_forms
from rmpsam_mobile.export.deform_forms import DeformChoice, DeformForm
from rmpsam_mobile.export.lower import ENGINES
from rmpsam_mobile.export.offset_audit import audit_offsets
from rmpsam_mobile.export.quantized import QuantizedModel, is_quantized, read_quantized
from rmpsam_mobile.export.rewrites import apply_program_rewrites, apply_rewrites, rewrite_names
from rmpsam_mobile.export.rewritten import RewrittenRunner
from rmpsam_mobile.export.split import Part, SplitModel, exported_graphs, left_out, split
from rmpsam_mobile.model.rmpsam import RmpSam
from rmpsam_mobile.quantization import convert, prepare, restore_observers
from rmpsam_mobile.runtime import PteRunner, Runner
from rmpsam_mobile.runtime.eager import contract_of, sizes_of
from rmpsam_mobile.validate import ParityReport, check_parity, parity_inputs

Progress = Callable[[str], None]

DEFAULT_SIZE: Final = Size(512, 512)


@dataclass(frozen=True, kw_only=True)
class ExportPlan:
    """What an export will do, all checked before anything is written."""

    checkpoint: Checkpoint
    model: RmpSam
    target: Target
    sizes: GraphSizes
    rewrites: tuple[str, ...]
    deform: Mapping[str, DeformChoice]
    quantized: QuantizedModel | None

    @property
    def graphs(self) -> tuple[Graph, ...]:
        """The graphs that will be written."""
        return exported_graphs(self.model, self.sizes)

    @property
    def is_exact(self) -> bool:
        """Whether the files must answer what the eager model answers: neither quantized nor another function."""
        return self.quantized is None and all(choice.exact for choice in self.deform.values())

    @property
    def precision(self) -> str:
        """What file names say."""
        return self.quantized.recipe.precision if self.quantized else ENGINES[self.target][0]

    def file_name(self, graph: Graph) -> str:
        """``<model>_<size>_<graph>_<backend>_<precision>`` and the engine's suffix."""
        suffix, backend = ENGINES[self.target][1], self.target.split("-")[0]
        return f"{self.checkpoint.preset}_{self.sizes.size}_{graph}_{backend}_{self.precision}{suffix}"

    def steps(self) -> list[str]:
        """Every stage in order, as ``--dry-run`` prints them and ``progress`` gets them."""
        lowering = [f"{stage} {graph}" for graph in self.graphs for stage in ("capture", "lower")]
        return ["rewrite", *lowering, "golden pair", "parity"]


@dataclass(frozen=True)
class Exported:
    """A finished bundle, and how its float files compare with the eager model (None where they cannot run here)."""

    bundle: Bundle
    parity: ParityReport | None


def plan_export(
    source: str | Path,
    *,
    target: Target = Target.XNNPACK,
    size: Size = DEFAULT_SIZE,
    num_slots: int = 16,
    clip_frames: int = 0,
    classifier: str | Path | None = None,
    rewrites: Sequence[str] | None = None,
    skip: Sequence[str] = (),
    deform: DeformForm = DeformForm.AUTO,
    audit_data: str | Path | None = None,
) -> ExportPlan:
    """Read a checkpoint (.pth, .safetensors) or what ``quantize`` wrote, and fix every number of the export.

    ``deform`` is the form of the deformable convolutions; ``audit_data`` a folder of pictures that show their offsets,
    where the model does not clamp them. ``rewrites`` names those that are applied, all by default; ``skip`` leaves
    some out.

    Raises:
        InputError: the source or an option is not usable.
        UnsupportedError: a quantized model for another engine than its recipe's.
    """
    if is_quantized(Path(source)):
        return _plan_quantized(Path(source), target)
    checkpoint = import_checkpoint(source, classifier=classifier)
    model = build_model(checkpoint)
    sizes = sizes_of(model, GraphSizes(size=size, num_slots=num_slots, clip_frames=clip_frames))
    names = rewrite_names(target, only=rewrites, skip=skip)
    audit = audit_offsets(model, audit_data, sizes.size) if audit_data else None
    return ExportPlan(
        checkpoint=checkpoint,
        model=model,
        target=target,
        sizes=sizes,
        rewrites=names,
        deform=choose_forms(model, deform, audit),
        quantized=None,
    )


def _plan_quantized(source: Path, target: Target) -> ExportPlan:
    """The plan of what ``quantize`` wrote: its recipe has fixed every number."""
    quantized = read_quantized(source)
    if target is not Target.XNNPACK:
        raise UnsupportedError(f"{source} is quantized for XNNPACK; it cannot become {target}; use --target xnnpack")
    model = build_model(quantized.checkpoint)
    sizes = sizes_of(model, quantized.sizes)
    names = rewrite_names(target)  # ranges belong to graphs with all rewrites
    return ExportPlan(
        checkpoint=quantized.checkpoint,
        model=model,
        target=target,
        sizes=sizes,
        rewrites=names,
        deform=choose_forms(model),
        quantized=quantized,
    )


def export_bundle(
    plan: ExportPlan, output: str | Path, *, force: bool = False, progress: Progress = lambda _: None
) -> Exported:
    """Carry out a plan; nothing is left behind unless all of it went well.

    Raises:
        InputError: ``output`` exists and ``force`` is not set, or the disk is full.
        ExportError: a graph cannot be captured or lowered.
        GateError: a float file does not answer what the eager model answers.
    """
    parity: list[ParityReport] = []
    refuse_existing(Path(output), force=force)

    def fill(folder: Path) -> Manifest:
        progress("rewrite")
        parts = split(plan.model, plan.sizes, plan.deform)
        applied = apply_rewrites(parts, plan.rewrites)
        contract = replace(contract_of(plan.model, plan.sizes), sizes=parts.sizes)
        rewrites = {rewrite.name: len(rewrite.changed) for rewrite in applied}
        artifacts = {graph: _lower(plan, part, folder, rewrites, progress) for graph, part in parts.parts.items()}
        runner = _runner(plan, parts, contract, folder)
        progress("golden pair")
        names = {graph: [tensor.name for tensor in artifact.outputs] for graph, artifact in artifacts.items()}
        write_golden(record_golden(runner.contract, names, runner.run), folder)
        progress("parity")
        if plan.target is Target.XNNPACK:
            report = check_parity(plan.model, runner, *parity_inputs(runner))
            parity.append(report.require() if plan.is_exact else report)
        return _manifest(plan, contract, artifacts, rewrites)

    bundle = write_bundle(Path(output), fill, force=force)
    return Exported(bundle, parity[0] if parity else None)


def _lower(plan: ExportPlan, part: Part, folder: Path, rewrites: dict[str, int], progress: Progress) -> Artifact:
    """Capture, quantize where the plan says so, lower and write one graph; adds to what rewrites changed."""
    graph = part.spec.graph
    progress(f"capture {graph}")
    program = capture(part)
    if plan.quantized:
        program = _quantize(plan.quantized, program, graph, part)
    program, applied = apply_program_rewrites(program, plan.rewrites)
    for rewrite in applied:
        rewrites[rewrite.name] = rewrites.get(rewrite.name, 0) + len(rewrite.changed)
    progress(f"lower {graph}")
    lowered = ENGINES[plan.target][2](program, part.spec)
    path = folder / plan.file_name(graph)
    lowered.write(path)
    files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
    return Artifact(
        path=path.name,
        graph=graph,
        target=plan.target,
        precision=plan.precision,
        size_bytes=sum(file.stat().st_size for file in files),
        inputs=part.spec.inputs,
        outputs=part.spec.outputs,
        delegation=lowered.delegation,
        planned_memory_bytes=lowered.planned_memory_bytes,
    )


def _quantize(quantized: QuantizedModel, program: ExportedProgram, graph: Graph, part: Part) -> ExportedProgram:
    prepared = prepare(program, quantized.recipe)
    restore_observers(prepared, quantized.of(graph), f"{graph} graph")
    with torch.no_grad():
        return torch.export.export(convert(prepared), part.example_inputs(), strict=False)


def _runner(plan: ExportPlan, parts: SplitModel, contract: ModelContract, folder: Path) -> Runner:
    """The files themselves where this machine can run them, else the modules that they were made of."""
    if plan.target is Target.XNNPACK:
        return PteRunner({graph: folder / plan.file_name(graph) for graph in plan.graphs}, contract)
    return RewrittenRunner(parts, contract)


def _manifest(
    plan: ExportPlan, contract: ModelContract, artifacts: dict[Graph, Artifact], rewrites: dict[str, int]
) -> Manifest:
    card = plan.checkpoint.card
    packages = ("rmpsam-mobile", "torch", "executorch", "torchao", "coremltools")
    lowest = {"executorch": version("executorch")} if plan.target is Target.XNNPACK else {"ios": "17.0"}
    return Manifest(
        name=contract.label,
        contract=contract,
        checkpoint_sha256=weights_sha256(plan.checkpoint),
        graphs={str(graph): artifact for graph, artifact in artifacts.items()},
        rewrites=rewrites,
        recipe=plan.quantized.record if plan.quantized else Recipe(name=plan.precision),
        left_out={str(graph): reason for graph, reason in left_out(plan.model, plan.sizes).items()},
        versions={name: version(name) for name in packages},
        lowest_runtime=lowest,
        licences={"code": "Apache-2.0", "weights": card.licence, "source": card.source_name},
        golden_source="files" if plan.target is Target.XNNPACK else "eager",
    )
