"""Core ML packages: converted on any machine, predicting only on Apple's."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch.export import ExportedProgram

from rmpsam_mobile.bundle import Delegation
from rmpsam_mobile.contracts import GraphSpec
from rmpsam_mobile.errors import ExportError, MissingExtraError
from rmpsam_mobile.export.coverage import multiply_adds
from rmpsam_mobile.export.lower.base import Lowered
from rmpsam_mobile.export.lower.coreml_precision import may_be_float16
from rmpsam_mobile.quiet import muted_start, muted_warnings


def lower_to_coreml_package(program: ExportedProgram, spec: GraphSpec) -> Lowered:
    """Convert to an ML program of float16 for iOS 17, with the border's tensor names; positions stay in float32.

    Raises:
        MissingExtraError: coremltools is not installed.
        ExportError: the conversion failed.
    """
    try:
        with muted_start():
            import coremltools as ct
    except ImportError:
        raise MissingExtraError(
            "Core ML export needs coremltools; install it with: pip install coremltools==9.0"
        ) from None
    try:
        with muted_warnings():  # deprecated calls of its own, clamps whose open end overflows float16, a late clean-up
            nodes = program.run_decompositions().graph.nodes
            macs = sum(multiply_adds(node) for node in nodes if node.op == "call_function")
            model = ct.convert(
                _without_aliases(program.run_decompositions({})),
                convert_to="mlprogram",
                inputs=[ct.TensorType(name=tensor.name, shape=tensor.shape) for tensor in spec.inputs],
                outputs=[ct.TensorType(name=tensor.name) for tensor in spec.outputs],
                minimum_deployment_target=ct.target.iOS17,
                compute_precision=ct.transform.FP16ComputePrecision(op_selector=may_be_float16),
                skip_model_load=True,
            )
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ExportError(f"converting the {spec.graph} graph to Core ML failed: {reason:.200}") from error
    model.short_description = f"RMP-SAM {spec.graph} graph, see the bundle's manifest"
    return Lowered(
        write=lambda path: _save(model, path),
        delegation=_whole(model, macs),
        planned_memory_bytes=None,
    )


def _without_aliases(program: ExportedProgram) -> ExportedProgram:
    """Readers of an alias read what it stands for: coremltools 9.0 has no such operator."""
    for node in list(program.graph.nodes):
        if node.op == "call_function" and node.target is torch.ops.aten.alias.default:
            node.replace_all_uses_with(node.args[0])
            program.graph.erase_node(node)
    return program


def _whole(model: Any, macs: int) -> Delegation:
    """An ML program runs in Core ML as a whole; which unit takes an operator is decided on the device."""
    main = model.get_spec().mlProgram.functions["main"]
    operations = next(iter(main.block_specializations.values())).operations
    count = sum(operation.type != "const" for operation in operations)
    return Delegation(
        delegate="Core ML",
        subgraphs=1,
        operators_delegated=count,
        operators_total=count,
        macs_delegated=macs,
        macs_total=macs,
    )


def _save(model: Any, path: Path) -> None:
    # coremltools writes through a temporary folder of its own and moves it; a link-free copy keeps our swap atomic
    with tempfile.TemporaryDirectory() as folder:
        model.save(str(Path(folder, path.name)))
        shutil.copytree(Path(folder, path.name), path)
