"""The whole way from a checkpoint to a bundle: plan first, then each stage once, a parity check before it is kept."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

from rmpsam_mobile.atomic import refuse_existing
from rmpsam_mobile.bundle import Artifact, Bundle, Golden, Manifest, Recipe, record_golden, write_bundle, write_golden
from rmpsam_mobile.checkpoint import weights_sha256
from rmpsam_mobile.contracts import Graph, ModelContract, Precision, Target
from rmpsam_mobile.export.file_gate import FileCheck, check_files
from rmpsam_mobile.export.files import Files, capture_programs, lower_programs
from rmpsam_mobile.export.graph_runner import GraphRunner
from rmpsam_mobile.export.licences import licence_chain
from rmpsam_mobile.export.lower.base import Programs
from rmpsam_mobile.export.lower.onnx import OPSET
from rmpsam_mobile.export.lowering_record import write_record
from rmpsam_mobile.export.plan import DEFAULT_SIZE, ExportPlan, plan_export
from rmpsam_mobile.export.prove import require_half_ranges, runner_of_files
from rmpsam_mobile.export.rewrites import apply_rewrites
from rmpsam_mobile.export.split import SplitModel, left_out, split
from rmpsam_mobile.runtime import Runner
from rmpsam_mobile.runtime.eager import contract_of
from rmpsam_mobile.runtime.mil.ranges import HalfRange
from rmpsam_mobile.validate import ParityReport, check_parity, parity_inputs

__all__ = ["DEFAULT_SIZE", "ExportPlan", "Exported", "export_bundle", "plan_export"]

Progress = Callable[[str], None]
Beside = Callable[[Path, Manifest], None]  # writes further files into a bundle's folder


@dataclass(frozen=True)
class Exported:
    """A finished bundle.

    Attributes:
        bundle: its files.
        parity: how they compare with the eager model; None where they cannot run here.
        checks: how quantized files compare with the graphs that they were lowered from.
    """

    bundle: Bundle
    parity: ParityReport | None
    checks: tuple[FileCheck, ...] = ()


def export_bundle(
    plan: ExportPlan,
    output: str | Path,
    *,
    force: bool = False,
    progress: Progress = lambda _: None,
    beside: Beside = lambda *_: None,
) -> Exported:
    """Carry out a plan; nothing is left behind unless all of it went well.

    Args:
        plan: what to do.
        output: the folder to make.
        force: replace an existing folder.
        progress: called with each of ``plan.steps()``.
        beside: adds files of its own to the bundle, which are hashed as all others.

    Raises:
        InputError: ``output`` exists and ``force`` is not set, or the disk is full.
        ExportError: a graph cannot be captured or lowered.
        GateError: the delegate takes too little, a float32 file does not answer what the eager model answers, a
            quantized one not what its graph answers, or a value does not fit into float16.
    """
    parity: list[ParityReport] = []
    checks: list[FileCheck] = []
    refuse_existing(Path(output), force=force)

    def fill(folder: Path) -> Manifest:
        progress("rewrite")
        parts = split(plan.model, plan.sizes, plan.deform)
        rewrites = {rewrite.name: len(rewrite.changed) for rewrite in apply_rewrites(parts, plan.rewrites)}
        contract = replace(contract_of(plan.model, plan.sizes), sizes=parts.sizes)
        programs = capture_programs(plan, parts, contract, rewrites, progress)
        # before lowering, which changes the programs
        modules = {graph: program.module() for graph, (program, _) in programs.items()} if plan.quantized else {}
        files = lower_programs(plan, programs, folder, progress)
        if modules:
            progress("gate")
            checks.extend(check_files(modules, parts.modules, files.paths, contract))
        runner = runner_of_files(plan.target, files.paths, contract)
        progress("golden pair")
        write_golden(_golden(plan, programs, parts, runner), folder)
        progress("parity")
        if runner:
            report = check_parity(plan.model, runner, *parity_inputs(runner))
            parity.append(report.require() if plan.is_exact else report)
        write_record(folder, plan.options, files.lowered, _half_ranges(plan, files, contract), files.planned)
        manifest = _manifest(plan, contract, files.artifacts, rewrites)
        beside(folder, manifest)
        return manifest

    bundle = write_bundle(Path(output), fill, force=force)
    return Exported(bundle, parity[0] if parity else None, tuple(checks))


def _golden(plan: ExportPlan, programs: Programs, parts: SplitModel, runner: Runner | None) -> Golden:
    """What the files answer where they run and are asked, else what the rewritten parts do."""
    contract = replace(contract_of(plan.model, plan.sizes), sizes=parts.sizes)
    names = {graph: [tensor.name for tensor in spec.outputs] for graph, (_, spec) in programs.items()}
    files_answer = runner is not None and plan.golden_source == "files"
    answering = runner if runner and files_answer else GraphRunner(parts.modules, contract, "rewritten")
    return record_golden(contract, names, answering.run)


def _half_ranges(plan: ExportPlan, files: Files, contract: ModelContract) -> dict[Graph, HalfRange | None]:
    """How large float16 values get, where a package has any and is no quantized one, whose ranges are recorded."""
    if plan.target is not Target.COREML_PACKAGE or plan.precision in (Precision.FP32, Precision.W8A8):
        return {}
    return require_half_ranges(files.paths, contract)


def _manifest(
    plan: ExportPlan, contract: ModelContract, artifacts: Mapping[Graph, Artifact], rewrites: dict[str, int]
) -> Manifest:
    packages = ["rmpsam-mobile", "torch", "executorch", "torchao", "coremltools"]
    packages += ["onnx", "onnxruntime"] if plan.target is Target.ONNX else []
    return Manifest(
        name=contract.label,
        contract=contract,
        checkpoint_sha256=weights_sha256(plan.checkpoint),
        graphs={str(graph): artifact for graph, artifact in artifacts.items()},
        rewrites=rewrites,
        recipe=plan.quantized.record if plan.quantized else _recipe(plan),
        left_out={str(graph): reason for graph, reason in left_out(plan.model, plan.sizes).items()},
        versions={name: version(name) for name in packages},
        lowest_runtime=_lowest_runtime(plan),
        licences=licence_chain(plan.checkpoint),
        golden_source=plan.golden_source,
    )


def _recipe(plan: ExportPlan) -> Recipe:
    if plan.calibration is None:
        return Recipe(name=plan.precision)
    pictures = plan.calibration
    return Recipe(name=plan.precision, calibration_sha256=pictures.sha256, calibration_pictures=len(pictures.records))


def _lowest_runtime(plan: ExportPlan) -> dict[str, str]:
    if plan.target is Target.ONNX:
        return {"onnx opset": str(OPSET)}
    ios = {"ios": f"{plan.options.ios}.0"} if plan.target in (Target.COREML, Target.COREML_PACKAGE) else {}
    return ios if plan.target is Target.COREML_PACKAGE else {"executorch": version("executorch")} | ios
