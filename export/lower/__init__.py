"""Lowering: a captured program to an engine's form; one engine a file."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from rmpsam_mobile.contracts import Precision, Target
from rmpsam_mobile.export.lower.base import About, Engine, EngineOptions, Lowered, Placement, Reason
from rmpsam_mobile.export.lower.coreml_delegate import lower_to_coreml
from rmpsam_mobile.export.lower.coreml_package import (
    join_for_coreml_package,
    lower_to_coreml_package,
    require_coremltools,
)
from rmpsam_mobile.export.lower.executorch_file import require_executorch
from rmpsam_mobile.export.lower.onnx import lower_to_onnx, require_onnx
from rmpsam_mobile.export.lower.portable import join_for_portable, lower_to_portable
from rmpsam_mobile.export.lower.qnn import lower_to_qnn, require_qnn
from rmpsam_mobile.export.lower.vulkan import lower_to_vulkan
from rmpsam_mobile.export.lower.xnnpack import join_for_xnnpack, lower_to_xnnpack

_FLOATS: Final = (Precision.FP16, Precision.FP32)

ENGINES: Final[Mapping[Target, Engine]] = MappingProxyType(
    {
        Target.XNNPACK: Engine(
            suffix=".pte",
            precisions=(Precision.FP32,),
            lower=lower_to_xnnpack,
            join=join_for_xnnpack,
            runs_here="ExecuTorch",
            min_delegated=0.95,
            has=frozenset({"single_file", "external_weights"}),
            requires=require_executorch,
        ),
        Target.PORTABLE: Engine(
            suffix=".pte",
            precisions=(Precision.FP32,),
            lower=lower_to_portable,
            join=join_for_portable,
            runs_here="ExecuTorch",
            has=frozenset({"single_file", "external_weights"}),
            requires=require_executorch,
        ),
        Target.COREML: Engine(
            suffix=".pte",
            precisions=_FLOATS,
            lower=lower_to_coreml,
            runs_here=None,
            elsewhere="an iPhone or Mac, in an app with ExecuTorch's Core ML delegate",
            min_delegated=0.95,
            has=frozenset({"ios"}),
            requires=require_coremltools,
        ),
        Target.COREML_PACKAGE: Engine(
            suffix=".mlpackage",
            precisions=(Precision.FP16, *(precision for precision in Precision if precision is not Precision.FP16)),
            lower=lower_to_coreml_package,
            join=join_for_coreml_package,
            runs_here="the reference interpreter, which is not the Neural Engine",
            elsewhere="an iPhone or Mac",
            has=frozenset({"ios", "picture_input", "single_file"}),
            requires=require_coremltools,
        ),
        Target.VULKAN: Engine(
            suffix=".pte",
            precisions=_FLOATS[::-1],
            lower=lower_to_vulkan,
            runs_here=None,
            elsewhere="an Android phone, in an app with ExecuTorch's Vulkan delegate",
            requires=require_executorch,
        ),
        Target.QNN: Engine(
            suffix=".pte",
            precisions=(Precision.FP16,),
            lower=lower_to_qnn,
            runs_here=None,
            elsewhere="a Snapdragon phone, in an app with ExecuTorch's Qualcomm delegate",
            requires=require_qnn,
        ),
        Target.ONNX: Engine(
            suffix=".onnx",
            precisions=(Precision.FP32,),
            lower=lower_to_onnx,
            runs_here="onnxruntime",
            requires=require_onnx,
        ),
    }
)

__all__ = ["ENGINES", "About", "Engine", "EngineOptions", "Lowered", "Placement", "Reason"]
