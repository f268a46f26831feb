"""Lowering: a captured program to an engine's form; one engine a file."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from torch.export import ExportedProgram

from rmpsam_mobile.contracts import GraphSpec, Target
from rmpsam_mobile.export.lower.base import Lowered
from rmpsam_mobile.export.lower.coreml_package import lower_to_coreml_package
from rmpsam_mobile.export.lower.xnnpack import lower_to_xnnpack

# target -> (float precision of the files, file suffix, function)
ENGINES: Final[Mapping[Target, tuple[str, str, Callable[[ExportedProgram, GraphSpec], Lowered]]]] = MappingProxyType(
    {
        Target.XNNPACK: ("fp32", ".pte", lower_to_xnnpack),
        Target.COREML_PACKAGE: ("fp16", ".mlpackage", lower_to_coreml_package),
    }
)

__all__ = ["ENGINES", "Lowered"]
