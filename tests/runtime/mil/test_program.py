"""A program as a whole: number types, constants, pictures, and what is said when it is broken."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from rmpsam_mobile.errors import InputError, UnsupportedError
from rmpsam_mobile.quiet import muted_start, muted_warnings
from rmpsam_mobile.runtime.mil import GROUPS, OPERATORS, Arithmetic, Program, build_program
from rmpsam_mobile.runtime.mil.dtypes import conform, torch_dtype
from tests.runtime.mil.programs import normal, one_operator


def made(body: Any, *shapes: tuple[int, ...], arithmetic: Arithmetic = Arithmetic.PROGRAM) -> Program:
    """A program of iOS 17 over ``mb`` and inputs x, y ... of these shapes."""
    with muted_start():
        import coremltools as ct
        from coremltools.converters.mil import Builder as mb  # noqa: N813

    names = ", ".join("xyz"[: len(shapes)])
    wrapped = eval(f"lambda {names}: body(mb, {names})", {"body": body, "mb": mb})
    with muted_warnings():
        program = mb.program(input_specs=[mb.TensorSpec(s) for s in shapes], opset_version=ct.target.iOS17)(wrapped)
    return build_program(program.functions["main"], arithmetic)


def in_half(mb: Any, x: Any, y: Any) -> Any:
    x, y = mb.cast(x=x, dtype="fp16"), mb.cast(x=y, dtype="fp16")
    return mb.cast(x=mb.mul(x=mb.add(x=x, y=y), y=np.float16(3.1)), dtype="fp32")


def test_each_tensor_is_rounded_as_the_program_says() -> None:
    x, y = normal(50, seed=1), 300 * normal(50, seed=2)
    wanted = ((x.astype(np.float16) + y.astype(np.float16)) * np.float16(3.1)).astype(np.float32)
    program = made(in_half, (50,), (50,))
    (got,) = program.run({"x": torch.from_numpy(x), "y": torch.from_numpy(y)}).values()
    np.testing.assert_array_equal(got.numpy(), wanted)
    assert program.arithmetic is Arithmetic.PROGRAM


def test_in_float32_nothing_but_constants_is_rounded() -> None:
    x, y = normal(50, seed=1), 300 * normal(50, seed=2)
    program = made(in_half, (50,), (50,), arithmetic=Arithmetic.FLOAT32)
    (got,) = program.run({"x": torch.from_numpy(x), "y": torch.from_numpy(y)}).values()
    np.testing.assert_array_equal(got.numpy(), (x + y) * np.float32(np.float16(3.1)))


def test_half_precision_overflows() -> None:
    program = made(in_half, (1,), (1,))
    (got,) = program.run({"x": torch.tensor([40_000.0]), "y": torch.tensor([40_000.0])}).values()
    assert got.isinf().all()
    assert conform(torch.tensor([65_504.0]), "fp16", Arithmetic.PROGRAM).item() == 65_504
    assert conform(torch.tensor([65_520.0]), "fp16", Arithmetic.FLOAT32).item() == 65_520


def test_types_that_are_not_known_are_named() -> None:
    with pytest.raises(UnsupportedError, match=r"^MIL type 'complex64'; the reference interpreter knows fp16, fp32, "):
        torch_dtype("complex64")


def test_what_depends_on_constants_alone_is_no_step() -> None:
    def body(mb: Any, x: Any) -> Any:
        return mb.add(x=x, y=mb.exp(x=mb.const(val=np.array([1, 2], np.float32))))

    program = made(body, (2,))
    assert [step.operator for step in program.steps] == ["add"]
    (got,) = program.run({"x": torch.zeros(2)}).values()
    np.testing.assert_allclose(got, np.exp([1, 2]), rtol=1e-6)


def test_a_value_that_is_read_late_and_an_output_that_is_read_are_kept() -> None:
    def body(mb: Any, x: Any) -> Any:
        early = mb.square(x=x)
        middle = mb.add(x=early, y=np.float32(1))
        return early, mb.mul(x=mb.add(x=middle, y=x), y=early)

    program = made(body, (3,))
    x = torch.tensor([1.0, 2.0, 3.0])
    first, second = program.run({"x": x}).values()
    torch.testing.assert_close(first, x**2)
    torch.testing.assert_close(second, (x**2 + 1 + x) * x**2)
    torch.testing.assert_close(program.run({"x": x + 1})[program.outputs[0].name], (x + 1) ** 2)


def test_inputs_are_checked() -> None:
    program = one_operator("exp", {"x": normal(2, 3)})
    with pytest.raises(InputError) as caught:
        program.run({"y": torch.zeros(2, 3)})
    assert str(caught.value) == "input x is missing; the program takes it, given are y"
    with pytest.raises(InputError) as caught:
        program.run({"x": torch.zeros(3, 2)})
    assert str(caught.value) == "input x has shape (3, 2); the program takes (2, 3)"


def test_a_step_that_gives_another_shape_is_named() -> None:
    program = one_operator("transpose", {"x": normal(2, 3)}, {"perm": [1, 0]})
    (step,) = program.steps
    edited = replace(program, steps=(replace(step, arguments={**step.arguments, "perm": [0, 1]}),))
    with pytest.raises(InputError) as caught:
        edited.run({"x": torch.zeros(2, 3)})
    assert str(caught.value) == (
        f"transpose {step.name!r} cannot be computed (it gives (2, 3) where the program says (3, 2)); "
        "the program is broken, export it again"
    )


def test_an_operator_of_no_table_is_named() -> None:
    with pytest.raises(UnsupportedError) as caught:
        one_operator("non_zero", {"x": normal(2, 3)})
    assert str(caught.value) == (
        "the reference interpreter does not know non_zero (1); see what it knows with: rmpsam-mobile doctor"
    )
    assert caught.value.exit_code == 4


def test_flexible_shapes_are_refused() -> None:
    with muted_start():
        import coremltools as ct
        from coremltools.converters.mil import Builder as mb  # noqa: N813
        from coremltools.converters.mil.mil import get_new_symbol

    with muted_warnings():
        program = mb.program(input_specs=[mb.TensorSpec((1, get_new_symbol()))], opset_version=ct.target.iOS17)(
            lambda x: mb.exp(x=x)
        )
    with pytest.raises(UnsupportedError, match=r"has a flexible shape .*; the reference interpreter needs fixed ones$"):
        build_program(program.functions["main"], Arithmetic.PROGRAM)


def test_no_operator_is_in_two_groups_and_each_is_one_of_coremltools() -> None:
    from coremltools.converters.mil.mil.ops.registry import SSAOpRegistry

    assert sum(len(group) for group in GROUPS.values()) == len(OPERATORS)
    assert set(OPERATORS) <= set(SSAOpRegistry.core_ops)


@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_parameters_are_those_of_coremltools(name: str) -> None:
    """Every parameter that any version of the operator has is known, and no other."""
    import inspect

    from coremltools.converters.mil.mil.ops.registry import SSAOpRegistry

    known = set(inspect.signature(OPERATORS[name]).parameters)
    theirs: set[str] = set()
    for version in SSAOpRegistry.core_ops[name].values():
        theirs |= set(version.input_spec.input_types)
    assert known == theirs
