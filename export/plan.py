"""What an export will do, all of it checked before anything is written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Final

from rmpsam_mobile.checkpoint import Checkpoint, build_model, import_checkpoint
from rmpsam_mobile.contracts import Graph, GraphSizes, Precision, Size, Target
from rmpsam_mobile.errors import InputError, UnsupportedError
from rmpsam_mobile.export.deform_choice import choose_forms
from rmpsam_mobile.export.deform_forms import DeformChoice, DeformForm
from rmpsam_mobile.export.lower import ENGINES, About, Engine, EngineOptions
from rmpsam_mobile.export.offset_audit import audit_offsets
from rmpsam_mobile.export.quantized import QuantizedModel, is_quantized, read_quantized
from rmpsam_mobile.export.rewrites import rewrite_names
from rmpsam_mobile.export.split import exported_graphs
from rmpsam_mobile.model.rmpsam import RmpSam
from rmpsam_mobile.quantization import Calibration
from rmpsam_mobile.runtime.eager import sizes_of

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
    options: EngineOptions = field(default_factory=EngineOptions)
    calibration: Calibration | None = None
    min_delegated: float | None = None  # of the multiply-adds of every graph; None for the engine's own
    flat_names: bool = False  # file names without dashes

    @property
    def engine(self) -> Engine:
        """What the files are made for."""
        return ENGINES[self.target]

    @property
    def graphs(self) -> tuple[Graph, ...]:
        """The graphs that will be written."""
        return exported_graphs(self.model, self.sizes)

    @property
    def is_exact(self) -> bool:
        """Whether the files must answer what the eager model answers: float32, and no other function."""
        return self.precision == Precision.FP32 and all(choice.exact for choice in self.deform.values())

    @property
    def precision(self) -> str:
        """What file names say."""
        return (
            self.quantized.recipe.precision if self.quantized else self.options.precision or self.engine.precisions[0]
        )

    @property
    def golden_source(self) -> str:
        """Who makes the golden outputs: the ``files`` where they run here, else ``eager``.

        Core ML packages in float are held against ``eager``, which no converter touched; a device shall answer what
        compressed ones answer in the reference interpreter.
        """
        is_float_package = self.target is Target.COREML_PACKAGE and self.precision in (Precision.FP16, Precision.FP32)
        return "files" if self.engine.runs_here and not is_float_package else "eager"

    def file_name(self, graph: Graph) -> str:
        """``<model>_<size>_<graph>_<backend>_<precision>`` and the engine's suffix."""
        part, backend = "all" if self.options.single_file else graph, self.target.split("-")[0]
        name = f"{self.checkpoint.preset}_{self.sizes.size}_{part}_{backend}_{self.precision}"
        return (name.replace("-", "_").lower() if self.flat_names else name) + self.engine.suffix

    def steps(self) -> list[str]:
        """Every stage in order, as ``--dry-run`` prints them and ``progress`` gets them."""
        lower = ["lower all graphs"] if self.options.single_file else [f"lower {graph}" for graph in self.graphs]
        capture, calibrate = [f"capture {graph}" for graph in self.graphs], ["calibrate"] if self.calibration else []
        gate = ["gate"] if self.quantized else []
        return ["rewrite", *capture, *calibrate, *lower, *gate, "golden pair", "parity"]


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
    options: EngineOptions = EngineOptions(),  # noqa: B008 it is frozen
    calibration: Calibration | None = None,
    min_delegated: float | None = None,
) -> ExportPlan:
    """Read a checkpoint (.pth, .safetensors) or what ``quantize`` wrote, and fix every number of the export.

    ``deform`` is the form of the deformable convolutions; ``audit_data`` a folder of pictures that show their offsets,
    where the model does not clamp them. ``rewrites`` names those that are applied, all by default; ``skip`` leaves
    some out. ``calibration`` is for Core ML's W8A8 alone. ``min_delegated`` is the share of every graph's multiply-adds
    that the delegate must take; the engine's own where it is None, and none for quantized models.

    Raises:
        InputError: the source or an option is not usable.
        UnsupportedError: a quantized model for another engine than its recipe's.
        MissingExtraError: what the engine needs is not installed.
    """
    engine = ENGINES[target]
    options = engine.checked(options, str(target))
    engine.requires()
    _check(options, calibration, min_delegated)
    if is_quantized(Path(source)):
        return _plan_quantized(Path(source), target, options, min_delegated)
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
        options=replace(options, about=_about(checkpoint)),
        calibration=calibration,
        min_delegated=min_delegated,
    )


def _check(options: EngineOptions, calibration: Calibration | None, min_delegated: float | None) -> None:
    if (options.precision is Precision.W8A8) != (calibration is not None):
        raise InputError("--precision w8a8 and --calib PICTURES belong together; give both or neither")
    if min_delegated is not None and not 0 <= min_delegated <= 1:
        raise InputError(f"--min-delegated {min_delegated}; the limit is 0 to 1; try 0.95")


def _about(checkpoint: Checkpoint) -> About:
    names = () if checkpoint.vocabulary is None else checkpoint.vocabulary.names
    return About(licence=checkpoint.card.licence, version=version("rmpsam-mobile"), class_names=names)


def _plan_quantized(source: Path, target: Target, options: EngineOptions, min_delegated: float | None) -> ExportPlan:
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
        options=options,
        min_delegated=min_delegated or 0.0,  # an 8-bit product and the operators around it count otherwise
    )
