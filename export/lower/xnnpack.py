"""ExecuTorch with the XNNPACK delegate: .pte files for arm64 and x86 CPUs."""

from pathlib import Path

from torch.export import ExportedProgram

from rmpsam_mobile.contracts import GraphSpec
from rmpsam_mobile.errors import ExportError, MissingExtraError
from rmpsam_mobile.export.coverage import delegation_of
from rmpsam_mobile.export.lower.base import Lowered
from rmpsam_mobile.quiet import muted_start, muted_warnings


def lower_to_xnnpack(program: ExportedProgram, spec: GraphSpec) -> Lowered:
    """Partition for XNNPACK, leave the rest to ExecuTorch's portable kernels, and serialise.

    Raises:
        MissingExtraError: executorch is not installed.
        ExportError: the lowering failed.
    """
    try:
        with muted_start():
            from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
            from executorch.exir import to_edge_transform_and_lower
    except ImportError:
        raise MissingExtraError("lowering needs executorch; install it with: pip install executorch==1.4.1") from None
    try:
        with muted_warnings():  # executorch 1.4 uses what torch 2.13 and importlib have deprecated
            edge = to_edge_transform_and_lower(program, partitioner=[XnnpackPartitioner()])
            delegation = delegation_of(edge.exported_program().graph_module, "XNNPACK")
            manager = edge.to_executorch()
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ExportError(f"lowering the {spec.graph} graph to XNNPACK failed: {reason:.200}") from error
    buffers = manager.executorch_program.execution_plan[0].non_const_buffer_sizes

    def write(path: Path) -> None:
        path.write_bytes(manager.buffer)

    return Lowered(
        write=write,
        delegation=delegation,
        planned_memory_bytes=sum(int(size) for size in buffers),
    )
