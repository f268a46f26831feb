"""Core ML packages: converted on any machine, predicting only on Apple's."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.export import ExportedProgram

from rmpsam_mobile.bundle import Delegation
from rmpsam_mobile.contracts import Graph, GraphSpec, Precision
from rmpsam_mobile.errors import ExportError, MissingExtraError
from rmpsam_mobile.export.coverage import multiply_adds
from rmpsam_mobile.export.lower.base import EngineOptions, Lowered, Programs, Reason, first_line
from rmpsam_mobile.export.lower.coreml_description import describe, save, settle
from rmpsam_mobile.export.lower.coreml_placement import forecast
from rmpsam_mobile.export.lower.coreml_precision import precision_of
from rmpsam_mobile.export.lower.coreml_weights import compressed, kept_in_float
from rmpsam_mobile.quiet import muted_start, muted_warnings

PICTURE = "uint8"  # dtype of an input that is a picture


def require_coremltools() -> None:
    """Raise MissingExtraError where coremltools is not installed."""
    try:
        with muted_start():
            import coremltools  # noqa: F401
    except ImportError:
        raise MissingExtraError(
            "Core ML export needs coremltools; install it with: pip install coremltools==9.0"
        ) from None


def lower_to_coreml_package(
    program: ExportedProgram,
    spec: GraphSpec,
    options: EngineOptions = EngineOptions(),  # noqa: B008 it is frozen
) -> Lowered:
    """Convert to an ML program with the border's tensor names and float32 outputs.

    In float16 what names places, and sums over a picture, stay in float32; weights are compressed after that.

    Raises:
        MissingExtraError: coremltools is not installed.
        ExportError: the conversion failed.
    """
    require_coremltools()
    try:
        with muted_warnings():  # deprecated calls of its own, clamps whose open end overflows float16, a late clean-up
            macs = _multiply_adds(program)
            model = compressed(_converted(program, spec, options), options.precision or Precision.FP16)
            describe(model, spec, options.about)
    except Exception as error:
        raise ExportError(f"converting the {spec.graph} graph to Core ML failed: {first_line(error)}") from error
    return _lowered(model, macs, options.precision)


def join_for_coreml_package(programs: Programs, options: EngineOptions) -> dict[Graph, Lowered]:
    """All graphs as functions of one package, each named as its graph; equal weights are stored once.

    Raises:
        MissingExtraError: coremltools is not installed.
        ExportError: a conversion failed.
    """
    made = {graph: lower_to_coreml_package(*pair, options) for graph, pair in programs.items()}

    def write(path: Path) -> None:
        _write_joined({graph: lowered.write for graph, lowered in made.items()}, path)

    return {
        graph: Lowered(write, lowered.delegation, None, lowered.reasons, lowered.placement)
        for graph, lowered in made.items()
    }


def _converted(program: ExportedProgram, spec: GraphSpec, options: EngineOptions) -> Any:
    import coremltools as ct

    return ct.convert(
        _without_aliases(program.run_decompositions({})),
        convert_to="mlprogram",
        inputs=[_input(tensor) for tensor in spec.inputs],
        outputs=[ct.TensorType(name=tensor.name, dtype=np.float32) for tensor in spec.outputs],
        minimum_deployment_target=getattr(ct.target, f"iOS{options.ios}"),
        compute_precision=precision_of(options.precision, spec),
        skip_model_load=True,
    )


def _input(tensor: Any) -> Any:
    import coremltools as ct

    if tensor.dtype == PICTURE:
        return ct.ImageType(name=tensor.name, shape=tensor.shape, color_layout=ct.colorlayout.RGB)
    return ct.TensorType(name=tensor.name, shape=tensor.shape, dtype=np.float32)


def _lowered(model: Any, macs: int, precision: Precision | None) -> Lowered:
    """An ML program runs in Core ML as a whole; which unit takes an operator is decided on the device."""
    specification = model.get_spec()
    main = specification.mlProgram.functions["main"]
    operations = main.block_specializations[main.opset].operations
    count = sum(operation.type != "const" for operation in operations)
    return Lowered(
        write=lambda path: save(model, path),
        delegation=Delegation(
            delegate="Core ML",
            subgraphs=1,
            operators_delegated=count,
            operators_total=count,
            macs_delegated=macs,
            macs_total=macs,
        ),
        planned_memory_bytes=None,
        reasons=_kept(specification, precision),
        placement=forecast(specification),
    )


def _kept(specification: Any, precision: Precision | None) -> tuple[Reason, ...]:
    """Weights that compression left in float, where any was asked for."""
    if precision in (None, Precision.FP16, Precision.FP32):
        return ()
    count = kept_in_float(specification)
    why = f"coremltools leaves what {precision} does not fit, such as channels that are no multiple of a block"
    return (Reason(operator="weights in float", count=count, reason=why),) if count else ()


def _multiply_adds(program: ExportedProgram) -> int:
    nodes = program.run_decompositions().graph.nodes
    return sum(multiply_adds(node) for node in nodes if node.op == "call_function")


def _without_aliases(program: ExportedProgram) -> ExportedProgram:
    """Readers of an alias read what it stands for: coremltools 9.0 has no such operator."""
    for node in list(program.graph.nodes):
        if node.op == "call_function" and node.target is torch.ops.aten.alias.default:
            node.replace_all_uses_with(node.args[0])
            program.graph.erase_node(node)
    return program


def _write_joined(writers: Mapping[Graph, Any], path: Path) -> None:
    import shutil

    from coremltools.models.utils import MultiFunctionDescriptor, save_multifunction

    with tempfile.TemporaryDirectory() as folder:
        joined = MultiFunctionDescriptor()
        for graph, write in writers.items():
            single = Path(folder, f"{graph}.mlpackage")
            write(single)
            joined.add_function(str(single), src_function_name="main", target_function_name=str(graph))
        joined.default_function_name = str(next(iter(writers)))
        whole = Path(folder, path.name)
        with muted_warnings():
            save_multifunction(joined, str(whole))
        settle(whole)
        shutil.copytree(whole, path)
