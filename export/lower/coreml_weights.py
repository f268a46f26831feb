"""Smaller weights for Core ML packages, by coremltools.optimize; the device expands them when it loads or computes."""

from collections.abc import Callable, Mapping
from math import prod
from types import MappingProxyType
from typing import Any, Final

from rmpsam_mobile.contracts import Precision

SMALLEST: Final = 2_048  # numbers of a tensor that coremltools compresses
BLOCK: Final = 32  # weights that share a scale, along the input channels


def compressed(model: Any, precision: Precision) -> Any:
    """``model`` with weights stored as ``precision`` says; tensors of under 2,048 numbers stay as they are.

    Args:
        model: a converted coremltools MLModel.
        precision: what is no way to store weights changes nothing.
    """
    compress = _COMPRESS.get(precision)
    return model if compress is None else compress(model)


def kept_in_float(specification: Any) -> int:
    """How many tensors of 2,048 numbers and more a package stores in float16 or float32: the rest is compressed."""
    from coremltools.proto import MIL_pb2

    count = 0
    for function in specification.mlProgram.functions.values():
        for operation in function.block_specializations[function.opset].operations:
            kind = operation.outputs[0].type.tensorType if operation.outputs else None
            if operation.type != "const" or kind is None:
                continue
            is_float = kind.dataType in (MIL_pb2.FLOAT16, MIL_pb2.FLOAT32)
            numbers = prod(int(dimension.constant.size) for dimension in kind.dimensions)
            count += is_float and numbers >= SMALLEST
    return count


def _linear(**options: Any) -> Callable[[Any], Any]:
    def compress(model: Any) -> Any:
        import coremltools.optimize.coreml as cto

        own = cto.OpLinearQuantizerConfig(mode="linear_symmetric", **options)
        return cto.linear_quantize_weights(model, cto.OptimizationConfig(global_config=own))

    return compress


def _palette(bits: int) -> Callable[[Any], Any]:
    def compress(model: Any) -> Any:
        import coremltools.optimize.coreml as cto

        own = cto.OpPalettizerConfig(mode="kmeans", nbits=bits)
        return cto.palettize_weights(model, cto.OptimizationConfig(global_config=own))

    return compress


_COMPRESS: Final[Mapping[Precision, Callable[[Any], Any]]] = MappingProxyType(
    {
        Precision.INT8_WEIGHTS: _linear(dtype="int8"),
        Precision.PALETTE8: _palette(8),
        Precision.PALETTE6: _palette(6),
        Precision.PALETTE4: _palette(4),
        Precision.INT4_WEIGHTS: _linear(dtype="int4", granularity="per_block", block_size=BLOCK),
    }
)
