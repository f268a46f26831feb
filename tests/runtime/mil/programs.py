"""Programs of one operator, run by the interpreter and, where coremltools can, by coremltools itself."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from numpy.typing import NDArray

from rmpsam_mobile.quiet import muted_start, muted_warnings
from rmpsam_mobile.runtime.mil import Arithmetic, Program, build_program

Numbers = NDArray[Any]
NEWEST = "iOS18"


def one_operator(
    operator: str,
    tensors: Mapping[str, Any],
    attributes: Mapping[str, Any] | None = None,
    *,
    opset: str = "iOS17",
    arithmetic: Arithmetic = Arithmetic.PROGRAM,
) -> Program:
    """A program that gives ``tensors`` (by MIL parameter; a list for one that takes several) to one operator."""
    with muted_start():
        import coremltools as ct
        from coremltools.converters.mil import Builder as mb  # noqa: N813
        from coremltools.converters.mil.mil import types

    flat = _flat(tensors)
    kinds = [types.numpy_type_to_builtin_type(value.dtype) for value in flat.values()]
    specs = [mb.TensorSpec(value.shape, kind) for value, kind in zip(flat.values(), kinds, strict=True)]

    def body(*given: Any) -> Any:
        named = dict(zip(flat, given, strict=True))
        inputs = {
            name: [named[f"{name}_{i}"] for i in range(len(value))] if isinstance(value, list) else named[name]
            for name, value in tensors.items()
        }
        return getattr(mb, operator)(**inputs, **(attributes or {}))

    # mb.program reads the names of its inputs from the signature
    names = ", ".join(flat)
    wrapped = eval(f"lambda {names}: body({names})", {"body": body})
    with muted_warnings():
        made = mb.program(input_specs=specs, opset_version=getattr(ct.target, opset))(wrapped)
    return build_program(made.functions["main"], arithmetic)


def interpreted(
    operator: str, tensors: Mapping[str, Any], attributes: Mapping[str, Any] | None = None, *, opset: str = "iOS17"
) -> list[Numbers]:
    """The outputs of one operator in the interpreter."""
    program = one_operator(operator, tensors, attributes, opset=opset)
    found = program.run({name: torch.from_numpy(np.array(value)) for name, value in _flat(tensors).items()})
    outputs = [found[value.name].numpy() for value in program.outputs]
    assert [out.shape for out in outputs] == [value.shape for value in program.outputs]
    return outputs


def inferred(
    operator: str, tensors: Mapping[str, Any], attributes: Mapping[str, Any] | None = None, *, opset: str = "iOS17"
) -> list[Numbers] | None:
    """What coremltools itself computes from constants; None where it cannot."""
    with muted_start():
        import coremltools as ct
        from coremltools.converters.mil import Builder as mb  # noqa: N813

    values: list[Any] = []

    def body(unused: Any) -> Any:
        given = {
            name: [mb.const(val=item) for item in value] if isinstance(value, list) else mb.const(val=value)
            for name, value in tensors.items()
        }
        outputs = getattr(mb, operator)(**given, **(attributes or {}))
        for out in outputs if isinstance(outputs, tuple | list) else [outputs]:
            is_stored = out.op.op_type.startswith("constexpr_")
            stored = out.op.materialized_val_inference() if is_stored else out.val
            values.append(stored[out.op_output_idx] if isinstance(stored, tuple) else stored)
        return mb.identity(x=unused)

    with muted_warnings():
        mb.program(input_specs=[mb.TensorSpec((1,))], opset_version=getattr(ct.target, opset))(body)
    return None if any(value is None for value in values) else [np.asarray(value) for value in values]


def agree(
    operator: str,
    tensors: Mapping[str, Any],
    attributes: Mapping[str, Any] | None = None,
    *,
    to: Callable[..., Any],
    opset: str = "iOS17",
    infers: bool = True,
    limit: float = 2e-5,  # of the largest magnitude: float32 sums of some hundred terms, functions of torch and numpy
) -> None:
    """The interpreter, the reference ``to`` (of the tensors in order) and, if it ``infers``, coremltools must agree."""
    outputs = interpreted(operator, tensors, attributes, opset=opset)
    reference = to(*tensors.values())
    references = list(reference) if isinstance(reference, tuple | list) else [reference]
    _same(outputs, [np.asarray(value) for value in references], limit)
    own = inferred(operator, tensors, attributes, opset=opset)
    assert (own is not None) == infers, "coremltools can infer this value now, or no longer"
    if own is not None:
        _same(outputs, own, limit)


def _same(got: list[Numbers], wanted: list[Numbers], limit: float) -> None:
    assert len(got) == len(wanted)
    for a, b in zip(got, wanted, strict=True):
        assert a.shape == b.shape
        if a.dtype.kind == "f":
            scale = max(float(np.abs(b[np.isfinite(b)]).max(initial=0.0)), 1e-6)
            np.testing.assert_allclose(a, b, rtol=0, atol=limit * scale)
        else:
            np.testing.assert_array_equal(a, b)


def _flat(tensors: Mapping[str, Any]) -> dict[str, Numbers]:
    flat: dict[str, Numbers] = {}
    for name, value in tensors.items():
        items = {f"{name}_{i}": item for i, item in enumerate(value)} if isinstance(value, list) else {name: value}
        flat |= items
    return flat


def normal(*shape: int, seed: int = 0) -> Numbers:
    """Normally distributed float32."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def whole(*shape: int, low: int = -9, high: int = 9, seed: int = 0) -> Numbers:
    """int32 from ``low`` to ``high``, neither left out."""
    return np.random.default_rng(seed).integers(low, high, shape, dtype=np.int32, endpoint=True)


SEEDS = st.integers(0, 10_000)


def shapes(low: int = 1, high: int = 4, largest: int = 5) -> st.SearchStrategy[tuple[int, ...]]:
    """Shapes of ``low`` to ``high`` axes."""
    return st.lists(st.integers(1, largest), min_size=low, max_size=high).map(tuple)


@st.composite
def broadcast_pairs(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Two shapes that broadcast: axes of 1 in either, and fewer axes in one."""
    full = draw(shapes(1, 4))
    one, other = (tuple(1 if draw(st.booleans()) else size for size in full) for _ in range(2))
    cut = draw(st.integers(0, len(full) - 1))
    return (one[cut:], other) if draw(st.booleans()) else (one, other[cut:])
