"""Where Core ML will run the operators of a package: a forecast anywhere, Apple's own plan on a Mac.

The forecast is a list of what usually leaves the Neural Engine. It computes in float16 on static shapes of at most
16,384 cells an axis, and has no operator that reads at computed places.
"""

import platform
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from rmpsam_mobile.export.lower.base import Placement

ELSEWHERE: Final = "CPU or GPU"
LONGEST_AXIS: Final = 16_384
LONG_SOFTMAX: Final = 8_192

_READS: Final = "it reads at computed places"
_BOUNDED: Final = "bounded_deform: train with clamped offsets"
# operator -> (why it leaves, what avoids it)
LEAVES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "resample": (_READS, "gather_deform, or bounded_deform with clamped offsets"),
        "gather": (_READS, _BOUNDED),
        "gather_along_axis": (_READS, _BOUNDED),
        "gather_nd": (_READS, _BOUNDED),
        "scatter": ("it writes at computed places", "none here"),
        "scatter_along_axis": ("it writes at computed places", "none here"),
        "scatter_nd": ("it writes at computed places", "none here"),
        "topk": ("it orders", "choose in the app, which has the scores"),
        "argsort": ("it orders", "choose in the app, which has the scores"),
        "cumsum": ("each sum waits for the one before", "fold_constants, where it depends on no input"),
        "non_maximum_suppression": ("it loops", "suppress in the app"),
        "while_loop": ("it loops", "unroll it"),
        "cond": ("it branches", "compute both and multiply"),
    }
)


def forecast(specification: Any) -> tuple[Placement, ...]:
    """Operators of every function that usually leave the Neural Engine, most frequent first.

    Args:
        specification: a package's protobuf description.
    """
    found: Counter[tuple[str, str, str]] = Counter()
    operations = [operation for operation in _operations(specification) if not _is_constant(operation)]
    if not any(_has(operation, "FLOAT16") for operation in operations):
        why, instead = "the package computes in float32", "--precision fp16"
        return (Placement(operator="all", count=len(operations), unit=ELSEWHERE, because=why, instead=instead),)
    for operation in operations:
        because = _why_it_leaves(operation)
        if because:
            found[(operation.type, *because)] += 1
    return tuple(
        Placement(operator=operator, count=count, unit=ELSEWHERE, because=because, instead=instead)
        for (operator, because, instead), count in found.most_common()
    )


def _operations(specification: Any) -> Iterator[Any]:
    for function in specification.mlProgram.functions.values():
        yield from function.block_specializations[function.opset].operations


def _why_it_leaves(operation: Any) -> tuple[str, str] | None:
    if operation.type in LEAVES:
        return LEAVES[operation.type]
    kinds = [output.type.tensorType for output in operation.outputs]
    sizes = [[_size(dimension) for dimension in kind.dimensions] for kind in kinds]
    if any(size is None for shape in sizes for size in shape):
        return "its shape is not fixed", "export fixes all shapes"
    longest = max((size for shape in sizes for size in shape if size), default=0)
    if operation.type == "softmax" and longest > LONG_SOFTMAX:
        return f"softmax over up to {longest:,} cells", "a smaller --size"
    if longest > LONGEST_AXIS:
        return f"an axis of {longest:,} cells, the limit is {LONGEST_AXIS:,}", "a smaller --size"
    if operation.type != "cast" and _has(operation, "FLOAT32"):
        return "it computes in float32, to be exact", "none: in float16 it would be wrong"
    return None


def _size(dimension: Any) -> int | None:
    return int(dimension.constant.size) if dimension.WhichOneof("dimension") == "constant" else None


def _is_constant(operation: Any) -> bool:
    return bool(operation.type == "const" or operation.type.startswith("constexpr_"))


def _has(operation: Any, kind: str) -> bool:
    """Whether an output is of a protobuf type such as ``FLOAT16``."""
    from coremltools.proto import MIL_pb2

    return any(output.type.tensorType.dataType == getattr(MIL_pb2, kind) for output in operation.outputs)


def planned(package: Path) -> tuple[Placement, ...] | None:
    """What this Mac's MLComputePlan keeps off the Neural Engine; None on other machines."""
    if platform.system() != "Darwin":
        return None
    import coremltools as ct
    from coremltools.models.compute_plan import MLComputePlan

    compiled = ct.models.utils.compile_model(str(package))
    plan = MLComputePlan.load_from_path(path=compiled, compute_units=ct.ComputeUnit.ALL)
    return read_plan(plan)


def read_plan(plan: Any) -> tuple[Placement, ...]:
    """Operators that an MLComputePlan prefers elsewhere, with the unit that it names, most frequent first."""
    found: Counter[tuple[str, str]] = Counter()
    for function in plan.model_structure.program.functions.values():
        for operation in function.block.operations:
            usage = plan.get_compute_device_usage_for_mlprogram_operation(operation)
            if usage is None:  # constants have none
                continue
            unit = type(usage.preferred_compute_device).__name__.removeprefix("ML").removesuffix("ComputeDevice")
            if unit != "NeuralEngine":
                found[(operation.operator_name.rpartition(".")[2], unit)] += 1
    return tuple(
        Placement(
            operator=operator,
            count=count,
            unit=unit,
            because="MLComputePlan",
            instead=LEAVES.get(operator, ("", ""))[1],
        )
        for (operator, unit), count in found.most_common()
    )
