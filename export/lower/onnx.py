"""ONNX files: for debugging and comparing with onnxruntime, not for phones."""

from pathlib import Path
from typing import Any, Final

from torch.export import ExportedProgram

from rmpsam_mobile.bundle import Delegation
from rmpsam_mobile.contracts import GraphSpec
from rmpsam_mobile.errors import ExportError, MissingExtraError
from rmpsam_mobile.export.coverage import multiply_adds
from rmpsam_mobile.export.lower.base import EngineOptions, Lowered, first_line
from rmpsam_mobile.quiet import muted_start, muted_warnings

OPSET: Final = 18
NAME: Final = "ONNX"


def require_onnx() -> None:
    """Raise MissingExtraError where onnx, onnxscript or onnxruntime is not installed."""
    try:
        with muted_start():
            import onnx  # noqa: F401
            import onnxruntime  # noqa: F401
            import onnxscript  # noqa: F401
    except ImportError:
        raise MissingExtraError(
            "--target onnx needs its extra; install it with: pip install 'rmpsam-mobile[onnx]'"
        ) from None


def lower_to_onnx(program: ExportedProgram, spec: GraphSpec, options: EngineOptions) -> Lowered:  # noqa: ARG001
    """Translate operator by operator, with the border's tensor names; the weights are inside the file.

    Raises:
        MissingExtraError: onnx, onnxscript or onnxruntime is not installed.
        ExportError: the translation failed.
    """
    require_onnx()
    import torch

    try:
        with muted_warnings(), muted_start():
            made = torch.onnx.export(
                program,
                input_names=[tensor.name for tensor in spec.inputs],
                output_names=[tensor.name for tensor in spec.outputs],
                opset_version=OPSET,
                dynamo=True,
                verbose=False,
            )
            nodes = program.run_decompositions().graph.nodes
    except Exception as error:
        raise ExportError(f"translating the {spec.graph} graph to ONNX failed: {first_line(error)}") from error
    if made is None:
        raise ExportError(f"translating the {spec.graph} graph to ONNX gave nothing")
    macs = sum(multiply_adds(node) for node in nodes if node.op == "call_function")
    count = sum(1 for _ in made.model.graph)
    return Lowered(
        write=lambda path: _write(made, path),
        delegation=Delegation(
            delegate=NAME,
            subgraphs=1,
            operators_delegated=count,
            operators_total=count,
            macs_delegated=macs,
            macs_total=macs,
        ),
        planned_memory_bytes=None,
    )


def _write(made: Any, path: Path) -> None:
    made.save(str(path), external_data=False)
