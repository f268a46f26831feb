"""ExecuTorch with the XNNPACK delegate: .pte files for arm64 and x86 CPUs."""

from typing import Any, Final

from torch.export import ExportedProgram

from rmpsam_mobile.contracts import Graph, GraphSpec
from rmpsam_mobile.export.lower.base import EngineOptions, Lowered, Programs
from rmpsam_mobile.export.lower.executorch_file import join_graphs, lower_graph, partitioned

NAME: Final = "XNNPACK"


def lower_to_xnnpack(
    program: ExportedProgram,
    spec: GraphSpec,
    options: EngineOptions = EngineOptions(),  # noqa: B008 it is frozen
) -> Lowered:
    """Partition for XNNPACK, leave the rest to ExecuTorch's portable kernels, and serialise.

    Raises:
        MissingExtraError: executorch is not installed.
        ExportError: the lowering failed.
    """
    return lower_graph(program, spec, NAME, partitioned(_partitioner), external_weights=options.external_weights)


def join_for_xnnpack(programs: Programs, options: EngineOptions) -> dict[Graph, Lowered]:
    """All graphs as methods of one file; errors as in ``lower_to_xnnpack``."""
    return join_graphs(programs, NAME, partitioned(_partitioner), external_weights=options.external_weights)


def _partitioner() -> Any:
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner

    return XnnpackPartitioner()
