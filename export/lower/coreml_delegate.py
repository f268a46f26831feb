"""ExecuTorch with the Core ML delegate: .pte files for iPhones and Macs that an ExecuTorch app loads.

executorch's compile options know one precision for all; ours keeps some operators in float32 (``coreml_precision``),
and is handed over where executorch 1.4.1 reads its own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from torch.export import ExportedProgram

from rmpsam_mobile.contracts import GraphSpec
from rmpsam_mobile.export.lower.base import EngineOptions, Lowered
from rmpsam_mobile.export.lower.coreml_package import require_coremltools
from rmpsam_mobile.export.lower.coreml_precision import precision_of
from rmpsam_mobile.export.lower.executorch_file import lower_graph, partitioned

NAME: Final = "Core ML"


def lower_to_coreml(program: ExportedProgram, spec: GraphSpec, options: EngineOptions) -> Lowered:
    """Partition for Core ML; each delegated part is a package inside the file.

    Raises:
        MissingExtraError: executorch or coremltools is not installed.
        ExportError: the lowering failed.
    """
    require_coremltools()
    with _own_precision(options, spec):
        return lower_graph(program, spec, NAME, partitioned(lambda: _partitioner(options)))


def _partitioner(options: EngineOptions) -> Any:
    import coremltools as ct
    from executorch.backends.apple.coreml.compiler import CoreMLBackend
    from executorch.backends.apple.coreml.partition import CoreMLPartitioner

    target = getattr(ct.target, f"iOS{options.ios}")
    return CoreMLPartitioner(compile_specs=CoreMLBackend.generate_compile_specs(minimum_deployment_target=target))


@contextmanager
def _own_precision(options: EngineOptions, spec: GraphSpec) -> Iterator[None]:
    from executorch.backends.apple.coreml.compiler import CoreMLBackend

    precision, own = precision_of(options.precision, spec), CoreMLBackend.model_compute_precision_from_compile_specs
    CoreMLBackend.model_compute_precision_from_compile_specs = staticmethod(lambda _: precision)
    try:
        yield
    finally:
        CoreMLBackend.model_compute_precision_from_compile_specs = staticmethod(own)
