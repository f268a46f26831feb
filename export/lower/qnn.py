"""ExecuTorch with Qualcomm's delegate: .pte files for the Hexagon processors of Snapdragon phones.

Qualcomm's SDK is not part of the wheel. Its absence is told before anything of executorch's Qualcomm package is
imported: that package would fetch the SDK from the internet by itself.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from torch.export import ExportedProgram

from rmpsam_mobile.contracts import GraphSpec
from rmpsam_mobile.errors import MissingExtraError
from rmpsam_mobile.export.lower.base import EngineOptions, Lowered
from rmpsam_mobile.export.lower.executorch_file import lower_graph
from rmpsam_mobile.quiet import muted_start

NAME: Final = "QNN"
CHIP: Final = "SM8650"  # Snapdragon 8 Gen 3
SDK: Final = "QNN_SDK_ROOT"


def require_qnn() -> None:
    """Raise MissingExtraError unless the SDK's folder is named and holds its compiler for this machine."""
    root = os.environ.get(SDK)
    library = Path(root or "", "lib", "x86_64-linux-clang", "libQnnHtp.so")
    if not root or not library.is_file():
        where = f"{SDK}={root} holds no {library.name}" if root else f"{SDK} is not set"
        raise MissingExtraError(
            f"--target qnn needs Qualcomm's AI Engine Direct SDK, and {where}; unpack it and set {SDK} to its folder"
        )
    try:
        with muted_start():
            import cpuinfo  # noqa: F401
    except ImportError:
        raise MissingExtraError("--target qnn needs py-cpuinfo; install it with: pip install py-cpuinfo") from None


def lower_to_qnn(program: ExportedProgram, spec: GraphSpec, options: EngineOptions) -> Lowered:  # noqa: ARG001
    """Partition for the Hexagon processor in float16. Written from executorch 1.4.1's interface; never run here.

    Raises:
        MissingExtraError: executorch or the SDK is not installed.
        ExportError: the lowering failed.
    """
    require_qnn()

    def make_edge(programs: Mapping[str, ExportedProgram]) -> Any:
        with muted_start():
            from executorch.backends.qualcomm.serialization.qc_schema import QcomChipset
            from executorch.backends.qualcomm.utils import utils as qnn

        backend = qnn.generate_htp_compiler_spec(use_fp16=True)
        chip = getattr(QcomChipset, CHIP)
        compiler = qnn.generate_qnn_executorch_compiler_spec(soc_model=chip, backend_options=backend)
        inputs = tuple(torch.zeros(tensor.shape) for tensor in spec.inputs)
        (captured,) = programs.values()  # Qualcomm's own passes come before its partitioner
        return qnn.to_edge_transform_and_lower_to_qnn(captured.module(), inputs, compiler)

    return lower_graph(program, spec, NAME, make_edge)
