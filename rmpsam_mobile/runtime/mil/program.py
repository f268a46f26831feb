"""A MIL program as a list of steps, run one after the other in torch."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import torch
from torch import Tensor

from rmpsam_mobile.errors import InputError, RmpSamError, UnsupportedError
from rmpsam_mobile.runtime.mil.dtypes import Arithmetic, conform, constant
from rmpsam_mobile.runtime.mil.operators import OPERATORS


@dataclass(frozen=True)
class Value:
    """A tensor's name, the program's type (``fp16``) and shape; for a picture ``image`` is its colour order."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    image: str | None = None


@dataclass(frozen=True)
class Ref:
    """An argument that an earlier step, or the caller, gives."""

    name: str


@dataclass(frozen=True, kw_only=True)
class Step:
    """One operator: its arguments by MIL name, plain Python values and tensors, or ``Ref``, or a list of either."""

    operator: str
    name: str
    arguments: Mapping[str, Any]
    outputs: tuple[Value, ...]

    def run(self, known: Mapping[str, Tensor], arithmetic: Arithmetic) -> list[Tensor]:
        """Compute the outputs, each stored as the program says.

        Raises:
            InputError: torch cannot; names the operator.
        """
        function = OPERATORS[self.operator]
        kinds = _parameters(function)
        try:
            given = {name: _argument(kinds[name], value, known) for name, value in self.arguments.items()}
            found = function(**given)
            results = found if isinstance(found, tuple | list) else (found,)
            for result, out in zip(results, self.outputs, strict=True):
                if tuple(result.shape) != out.shape:
                    raise ValueError(f"it gives {tuple(result.shape)} where the program says {out.shape}")
            return [conform(x, out.dtype, arithmetic) for x, out in zip(results, self.outputs, strict=True)]
        except RmpSamError as error:
            raise type(error)(f"{self.operator} {self.name!r}: {error}") from None
        except (RuntimeError, IndexError, ValueError, KeyError) as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise InputError(
                f"{self.operator} {self.name!r} cannot be computed ({reason:.100}); "
                "the program is broken, export it again"
            ) from error


@dataclass(frozen=True, kw_only=True)
class Program:
    """One function of a package. ``steps`` may be replaced; constants are by name and already rounded."""

    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    steps: tuple[Step, ...]
    constants: Mapping[str, Tensor] = field(repr=False)
    arithmetic: Arithmetic

    def run(
        self, inputs: Mapping[str, Tensor], watch: Callable[[Step, Sequence[Tensor]], None] = lambda *_: None
    ) -> dict[str, Tensor]:
        """Outputs by name; each tensor is freed after its last use.

        Args:
            inputs: by name.
            watch: called with each step and what it gave.

        Raises:
            InputError: an input is missing, or has another shape than the program takes.
        """
        known = dict(self.constants)
        for value in self.inputs:
            known[value.name] = conform(_checked(value, inputs), value.dtype, self.arithmetic)
        kept = {value.name for value in self.outputs} | set(self.constants)
        with torch.inference_mode():
            for step, gone in zip(self.steps, _last_uses(self.steps), strict=True):
                results = step.run(known, self.arithmetic)
                watch(step, results)
                known.update(zip((out.name for out in step.outputs), results, strict=True))
                for name in gone - kept:
                    del known[name]
        return {value.name: known[value.name] for value in self.outputs}


def build_program(function: Any, arithmetic: Arithmetic, images: Mapping[str, str] | None = None) -> Program:
    """Turn a function that coremltools has rebuilt into steps; what depends on constants alone is computed now.

    Args:
        function: ``coremltools`` MIL Function.
        arithmetic: how numbers are kept.
        images: input name -> colour order, for inputs that are pictures.

    Raises:
        UnsupportedError: an operator, a type or a flexible shape that is not known here.
    """
    constants: dict[str, Any] = {}
    steps: list[Step] = []
    with torch.inference_mode():
        for operation in function.operations:
            if operation.op_type == "const":
                (out,) = operation.outputs
                constants[out.name] = constant(out.val)
                continue
            step = _step(operation, constants)
            if _refs(step):
                steps.append(step)
            else:
                results = step.run({}, arithmetic)
                constants |= dict(zip((out.name for out in step.outputs), results, strict=True))
    inputs = tuple(replace(_value(var), image=(images or {}).get(var.name)) for var in function.inputs.values())
    outputs = tuple(_value(var) for var in function.outputs)
    used = {name for step in steps for name in _refs(step)} | {out.name for out in outputs}
    known = {name: value for name, value in constants.items() if name in used}
    return Program(inputs=inputs, outputs=outputs, steps=tuple(steps), constants=known, arithmetic=arithmetic)


def _step(operation: Any, constants: Mapping[str, Any]) -> Step:
    name, function = operation.op_type, OPERATORS.get(operation.op_type)
    if function is None:
        raise unknown_operators({name: 1})
    kinds = _parameters(function)
    arguments = {}
    for key, var in operation.inputs.items():
        if key not in kinds:
            raise UnsupportedError(f"{name} {operation.name!r} has a parameter {key!r}, which is not known here")
        several = isinstance(var, tuple | list)
        found = [_bound(item, kinds[key], constants) for item in (var if several else [var])]
        arguments[key] = found if several else found[0]
    return Step(
        operator=name, name=operation.name, arguments=arguments, outputs=tuple(_value(out) for out in operation.outputs)
    )


def unknown_operators(found: Mapping[str, int]) -> UnsupportedError:
    """The error that names operators, each with its count, that no table holds."""
    names = ", ".join(f"{name} ({count})" for name, count in sorted(found.items()))
    return UnsupportedError(
        f"the reference interpreter does not know {names}; see what it knows with: rmpsam-mobile doctor"
    )


def _bound(var: Any, kind: Any, constants: Mapping[str, Any]) -> Any:
    """A constant as its parameter's kind; a tensor stays under its name where it is shared or large."""
    if var.name not in constants:
        return Ref(var.name)
    return _as_kind(kind, constants[var.name])


def _value(var: Any) -> Value:
    from coremltools.converters.mil.mil import types

    if not all(isinstance(size, int) or hasattr(size, "__index__") for size in var.shape):
        raise UnsupportedError(
            f"{var.name} has a flexible shape {var.shape}; the reference interpreter needs fixed ones"
        )
    return Value(var.name, types.builtin_to_string(var.dtype), tuple(int(size) for size in var.shape))


@cache
def _parameters(function: Callable[..., Any]) -> dict[str, Any]:
    """What kind of value each parameter of an operator's function takes."""
    return {name: parameter.annotation for name, parameter in inspect.signature(function).parameters.items()}


def _argument(kind: Any, value: Any, known: Mapping[str, Tensor]) -> Any:
    if isinstance(value, list) and value and any(isinstance(item, Ref | Tensor) for item in value):
        return [known[item.name] if isinstance(item, Ref) else item for item in value]
    return _as_kind(kind, known[value.name]) if isinstance(value, Ref) else value


def _as_kind(kind: Any, value: Any) -> Any:
    """A tensor as a tensor, number or list, whichever the parameter is annotated with; strings as they are."""
    if isinstance(value, Tensor) and kind not in (Tensor, Tensor | None, list[Tensor]):
        return value.tolist()
    return value


def _refs(step: Step) -> set[str]:
    """Names of the tensors that a step reads."""
    values = [item for value in step.arguments.values() for item in (value if isinstance(value, list) else [value])]
    return {value.name for value in values if isinstance(value, Ref)}


def _last_uses(steps: Sequence[Step]) -> list[set[str]]:
    """For each step, the tensors that nobody reads after it."""
    later: set[str] = set()
    gone = []
    for step in reversed(steps):
        here = _refs(step) | {out.name for out in step.outputs}
        gone.append(here - later)
        later |= here
    return gone[::-1]


def _checked(value: Value, inputs: Mapping[str, Tensor]) -> Tensor:
    if value.name not in inputs:
        raise InputError(f"input {value.name} is missing; the program takes it, given are {', '.join(inputs)}")
    given = inputs[value.name]
    if tuple(given.shape) != value.shape:
        raise InputError(f"input {value.name} has shape {tuple(given.shape)}; the program takes {value.shape}")
    return given
