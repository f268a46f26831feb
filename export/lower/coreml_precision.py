"""Which operators of a float16 ML program stay in float32: those that compute where a gather reads.

A row number of a 64 x 64 map needs 13 bits and float16 has 11: rounded, it names another row.
"""

from typing import Any, Final

# what positions are made of; convolutions and products end the way back, since their results are small offsets
_ARITHMETIC: Final = frozenset(
    {
        "add",
        "cast",
        "clip",
        "concat",
        "expand_dims",
        "floor",
        "maximum",
        "minimum",
        "mul",
        "real_div",
        "reshape",
        "slice_by_index",
        "slice_by_size",
        "split",
        "squeeze",
        "sub",
        "transpose",
    }
)


def may_be_float16(operation: Any) -> bool:
    """Tell coremltools whether one operator of a MIL program may compute in float16."""
    return not (operation.op_type in _ARITHMETIC and _leads_to_index(operation))


def _leads_to_index(operation: Any) -> bool:
    """Whether a result becomes a whole number through nothing but arithmetic."""
    readers = [reader for output in operation.outputs for reader in output.child_ops]
    return any(
        (reader.op_type == "cast" and reader.dtype.val.startswith(("int", "uint")))
        or (reader.op_type in _ARITHMETIC and _leads_to_index(reader))
        for reader in readers
    )
