"""ExecuTorch with the Vulkan delegate: .pte files for Android GPUs."""

import logging
from typing import Any, Final

from torch.export import ExportedProgram

from rmpsam_mobile.contracts import GraphSpec, Precision
from rmpsam_mobile.export.lower.base import EngineOptions, Lowered
from rmpsam_mobile.export.lower.executorch_file import lower_graph, partitioned

NAME: Final = "Vulkan"


def lower_to_vulkan(program: ExportedProgram, spec: GraphSpec, options: EngineOptions) -> Lowered:
    """Partition for Vulkan; in fp16 its shaders compute in half precision while the border stays float32.

    Raises:
        MissingExtraError: executorch is not installed.
        ExportError: the lowering failed.
    """
    return lower_graph(program, spec, NAME, partitioned(lambda: _partitioner(options.precision is Precision.FP16)))


def _partitioner(half: bool) -> Any:
    root = logging.getLogger()
    level = root.level
    from executorch.backends.vulkan.partitioner.vulkan_partitioner import VulkanPartitioner

    root.setLevel(level)  # its import makes every logger of the process talk
    return VulkanPartitioner({"force_fp16": True} if half else {})
