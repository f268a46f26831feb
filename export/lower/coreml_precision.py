"""Which operators of a float16 ML program stay in float32.

Those that compute where a gather reads: a row number of a 64 x 64 map needs 13 bits and float16 has 11; rounded, it
names another row. And those on a pooled sum: multiplied by its scale (``rewrites/scale_pooled_sums.py``) it may be
larger than float16, until a norm takes it. And the normalisation of a picture, whose factors float16 would round.
"""

from typing import Any, Final

import numpy as np

from rmpsam_mobile.contracts import GraphSpec, Precision

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


# behind these, numbers are small again
_ENDS: Final = frozenset({"const", "conv", "layer_norm", "matmul", "sigmoid", "softmax"})


def precision_of(precision: Precision | None, spec: GraphSpec) -> Any:
    """What ``ct.convert`` takes as ``compute_precision`` for a graph of this border."""
    import coremltools as ct

    if precision is Precision.FP32:
        return ct.precision.FLOAT32
    pictures = frozenset(tensor.name for tensor in spec.inputs if tensor.dtype == "uint8")
    return ct.transform.FP16ComputePrecision(
        op_selector=lambda operation: may_be_float16(operation) and not _normalises(operation, pictures)
    )


def may_be_float16(operation: Any) -> bool:
    """Tell coremltools whether one operator of a MIL program may compute in float16."""
    is_position = operation.op_type in _ARITHMETIC and _leads_to_index(operation)
    return not is_position and not _comes_from_sum(operation)


def _normalises(operation: Any, pictures: frozenset[str]) -> bool:
    """Whether it is part of the arithmetic between a picture and the first operator that is none."""
    if not pictures or operation.op_type not in _ARITHMETIC | {"batch_norm"}:
        return False
    return any(
        variable.name in pictures if variable.op is None else _normalises(variable.op, pictures)
        for variable in _variables(operation)
    )


def _leads_to_index(operation: Any) -> bool:
    """Whether a result becomes a whole number through nothing but arithmetic."""
    readers = [reader for output in operation.outputs for reader in output.child_ops]
    return any(
        (reader.op_type == "cast" and reader.dtype.val.startswith(("int", "uint")))
        or (reader.op_type in _ARITHMETIC and _leads_to_index(reader))
        for reader in readers
    )


def _comes_from_sum(operation: Any) -> bool:
    """Whether it works on a pooled sum that no norm has taken yet; the norm itself does."""
    ahead, seen = [operation], set()
    while ahead:
        current = ahead.pop()
        if _is_rescaled_sum(current):
            return True
        sources = [variable.op for variable in _variables(current) if variable.op is not None]
        new = [source for source in sources if source.op_type not in _ENDS and id(source) not in seen]
        seen |= {id(source) for source in new}
        ahead += new
    return False


def _is_rescaled_sum(operation: Any) -> bool:
    """A matrix product times a power of two above 1."""
    if operation.op_type != "mul":
        return False
    factors = [variable.val for variable in _variables(operation) if getattr(variable, "val", None) is not None]
    is_scale = any(np.ndim(factor) == 0 and factor > 1 and np.log2(factor) % 1 == 0 for factor in factors)
    return is_scale and any(_maker(variable) == "matmul" for variable in _variables(operation))


def _maker(variable: Any) -> str | None:
    """Kind of the operator that a value comes from; the pass that asks puts casts in between."""
    operation = variable.op
    while operation is not None and operation.op_type == "cast":
        operation = operation.x.op
    return None if operation is None else str(operation.op_type)


def _variables(operation: Any) -> list[Any]:
    values = operation.inputs.values()
    return [variable for value in values for variable in (value if isinstance(value, list | tuple) else [value])]
