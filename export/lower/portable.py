"""ExecuTorch's own portable kernels, no delegate: slow, and right wherever ExecuTorch runs."""

from torch.export import ExportedProgram

from rmpsam_mobile.contracts import Graph, GraphSpec
from rmpsam_mobile.export.lower.base import EngineOptions, Lowered, Programs
from rmpsam_mobile.export.lower.executorch_file import join_graphs, lower_graph, partitioned
from rmpsam_mobile.export.lower.reasons import NO_DELEGATE


def lower_to_portable(program: ExportedProgram, spec: GraphSpec, options: EngineOptions) -> Lowered:
    """Serialise for the portable kernels; every operator is a leftover by definition.

    Raises:
        MissingExtraError: executorch is not installed.
        ExportError: the lowering failed.
    """
    return lower_graph(program, spec, NO_DELEGATE, partitioned(None), external_weights=options.external_weights)


def join_for_portable(programs: Programs, options: EngineOptions) -> dict[Graph, Lowered]:
    """All graphs as methods of one file; errors as in ``lower_to_portable``."""
    return join_graphs(programs, NO_DELEGATE, partitioned(None), external_weights=options.external_weights)
