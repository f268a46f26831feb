"""Operators on each number by itself, and activations."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rmpsam_mobile.runtime.mil.operators.activation import ACTIVATION
from rmpsam_mobile.runtime.mil.operators.elementwise import ELEMENTWISE
from tests.runtime.mil.programs import SEEDS, Numbers, agree, broadcast_pairs, interpreted, normal, shapes, whole

FEW = settings(max_examples=6, deadline=None)
Numpy = Callable[[Numbers], Numbers]

UNARY: dict[str, Numpy] = {
    "abs": np.abs,
    "atan": np.arctan,
    "ceil": np.ceil,
    "cos": np.cos,
    "cosh": np.cosh,
    "erf": np.vectorize(math.erf),
    "exp": np.exp,
    "exp2": np.exp2,
    "floor": np.floor,
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "round": np.round,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "sign": np.sign,
    "silu": lambda x: x / (1 + np.exp(-x)),
    "sin": np.sin,
    "sinh": np.sinh,
    "softplus": lambda x: np.log1p(np.exp(x)),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "square": np.square,
    "tan": np.tan,
    "tanh": np.tanh,
}
OF_UNIT: dict[str, Numpy] = {"acos": np.arccos, "asin": np.arcsin, "atanh": np.arctanh}
OF_POSITIVE: dict[str, Numpy] = {"log": np.log, "rsqrt": lambda x: 1 / np.sqrt(x), "sqrt": np.sqrt}
BINARY: dict[str, Callable[[Numbers, Numbers], Numbers]] = {
    "add": np.add,
    "equal": np.equal,
    "floor_div": np.floor_divide,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "less": np.less,
    "less_equal": np.less_equal,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "mod": np.mod,
    "mul": np.multiply,
    "not_equal": np.not_equal,
    "sub": np.subtract,
}
LOGICAL: dict[str, Callable[[Numbers, Numbers], Numbers]] = {
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
    "logical_xor": np.logical_xor,
}
WITH_ATTRIBUTES: list[tuple[str, dict[str, Any], Numpy]] = [
    ("clip", {"alpha": -0.5, "beta": 0.7}, lambda x: np.clip(x, -0.5, 0.7)),
    ("threshold", {"alpha": 0.3}, lambda x: np.maximum(x, 0.3)),
    ("inverse", {}, lambda x: 1 / (x + 1e-4)),
    ("inverse", {"epsilon": 0.25}, lambda x: 1 / (x + 0.25)),
    ("clamped_relu", {"alpha": 0.2, "beta": 0.6}, lambda x: np.minimum(np.where(x > 0, x, 0.2 * x), 0.6)),
    ("elu", {"alpha": 0.7}, lambda x: np.where(x > 0, x, 0.7 * np.expm1(x))),
    ("gelu", {}, lambda x: x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))),
    ("gelu", {"mode": "SIGMOID_APPROXIMATION"}, lambda x: x / (1 + np.exp(-1.702 * x))),
    (
        "gelu",
        {"mode": "TANH_APPROXIMATION"},
        lambda x: 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    ),
    ("leaky_relu", {"alpha": 0.1}, lambda x: np.where(x > 0, x, 0.1 * x)),
    ("linear_activation", {"alpha": -2.0, "beta": 0.5}, lambda x: -2 * x + 0.5),
    ("scaled_tanh", {"alpha": 1.5, "beta": -0.4}, lambda x: 1.5 * np.tanh(-0.4 * x)),
    ("sigmoid_hard", {"alpha": 0.2, "beta": 0.5}, lambda x: np.clip(0.2 * x + 0.5, 0, 1)),
    ("thresholded_relu", {"alpha": 0.4}, lambda x: np.where(x >= 0.4, x, 0)),
]


@pytest.mark.parametrize("name", UNARY)
@FEW
@given(shape=shapes(), seed=SEEDS)
def test_functions_of_one_number(name: str, shape: tuple[int, ...], seed: int) -> None:
    agree(
        name,
        {"x": normal(*shape, seed=seed)},
        to=UNARY[name],
        infers=name != "silu",
        limit=1e-4 if name == "tan" else 2e-5,
    )


@pytest.mark.parametrize("name", [*OF_UNIT, *OF_POSITIVE])
@FEW
@given(shape=shapes(), seed=SEEDS)
def test_functions_of_part_of_the_numbers(name: str, shape: tuple[int, ...], seed: int) -> None:
    x = np.tanh(normal(*shape, seed=seed)) * np.float32(0.98)
    agree(name, {"x": x if name in OF_UNIT else np.abs(x) + np.float32(0.01)}, to=(OF_UNIT | OF_POSITIVE)[name])


@pytest.mark.parametrize(("name", "attributes", "to"), WITH_ATTRIBUTES)
@FEW
@given(shape=shapes(), seed=SEEDS)
def test_functions_with_numbers_of_their_own(
    name: str, attributes: dict[str, Any], to: Numpy, shape: tuple[int, ...], seed: int
) -> None:
    x = np.abs(normal(*shape, seed=seed)) if name == "inverse" else normal(*shape, seed=seed)
    agree(name, {"x": x}, attributes, to=to)


@pytest.mark.parametrize("name", BINARY)
@FEW
@given(pair=broadcast_pairs(), seed=SEEDS, is_whole=st.booleans())
def test_two_numbers_broadcast(
    name: str, pair: tuple[tuple[int, ...], tuple[int, ...]], seed: int, is_whole: bool
) -> None:
    make: Any = whole if is_whole else normal
    x, y = (make(*shape, seed=seed + i) for i, shape in enumerate(pair))
    if name in ("floor_div", "mod"):
        y = np.where(np.abs(y) < 0.2, y.dtype.type(2), y)
    agree(name, {"x": x, "y": y}, to=BINARY[name])


@FEW
@given(pair=broadcast_pairs(), seed=SEEDS)
def test_division(pair: tuple[tuple[int, ...], tuple[int, ...]], seed: int) -> None:
    x, y = (normal(*shape, seed=seed + i) for i, shape in enumerate(pair))
    agree("real_div", {"x": x, "y": np.abs(y) + 0.1}, to=np.true_divide)
    numbers = {"x": whole(*pair[0], seed=seed), "y": whole(*pair[1], low=1, seed=seed + 1)}
    agree("real_div", numbers, to=lambda x, y: np.trunc(x / y).astype(np.int32))


@FEW
@given(pair=broadcast_pairs(), seed=SEEDS)
def test_power(pair: tuple[tuple[int, ...], tuple[int, ...]], seed: int) -> None:
    x, y = np.abs(normal(*pair[0], seed=seed)) + np.float32(0.1), normal(*pair[1], seed=seed + 1)
    agree("pow", {"x": x, "y": y}, to=np.power)


@pytest.mark.parametrize("name", LOGICAL)
@FEW
@given(pair=broadcast_pairs(), seed=SEEDS)
def test_logic(name: str, pair: tuple[tuple[int, ...], tuple[int, ...]], seed: int) -> None:
    x, y = (normal(*shape, seed=seed + i) > 0 for i, shape in enumerate(pair))
    agree(name, {"x": x, "y": y}, to=LOGICAL[name])
    agree("logical_not", {"x": x}, to=lambda x: ~x)


@FEW
@given(pair=broadcast_pairs(), seed=SEEDS)
def test_select(pair: tuple[tuple[int, ...], tuple[int, ...]], seed: int) -> None:
    shape = np.broadcast_shapes(*pair)
    cond, a, b = normal(*shape, seed=seed) > 0, normal(*shape, seed=seed + 1), normal(*shape, seed=seed + 2)
    agree("select", {"cond": cond, "a": a, "b": b}, to=np.where)


@pytest.mark.parametrize("dtype", ["int32", "int16", "uint16", "int8", "uint8", "bool", "fp16", "fp32"])
def test_cast(dtype: str) -> None:
    x = np.array([-0.0, 0.4, 1.5, 2.5, 100.9, 99.0004], np.float32)
    if dtype.startswith(("int", "bool")):
        x = np.concatenate([x, -x])
    kinds = {"bool": np.bool_, "fp16": np.float16, "fp32": np.float32, "uint16": np.int32}
    wanted = x.astype(kinds.get(dtype, dtype))
    (got,) = interpreted("cast", {"x": x}, {"dtype": dtype})
    np.testing.assert_array_equal(got, wanted)
    assert got.dtype == (np.float32 if dtype == "fp16" else wanted.dtype)


@FEW
@given(shape=shapes(2, 4), seed=SEEDS, data=st.data())
def test_softmax_over_any_axis(shape: tuple[int, ...], seed: int, data: st.DataObject) -> None:
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    x = 3 * normal(*shape, seed=seed)
    shifted = np.exp(x - x.max(axis, keepdims=True))
    agree("softmax", {"x": x}, {"axis": axis}, to=lambda x: shifted / shifted.sum(axis, keepdims=True))  # noqa: ARG005


@FEW
@given(shape=shapes(4, 4), seed=SEEDS)
def test_activations_with_numbers_a_channel(shape: tuple[int, ...], seed: int) -> None:
    x, alpha, beta = normal(*shape, seed=seed), normal(shape[1], seed=1), normal(shape[1], seed=2)
    a, b = (values.reshape(-1, *[1] * (len(shape) - 2)) for values in (alpha, beta))
    agree("prelu", {"x": x}, {"alpha": alpha}, to=lambda x: np.where(x > 0, x, a * x))
    to = lambda x: a * np.log1p(np.exp(b * x))  # noqa: E731
    agree("softplus_parametric", {"x": x}, {"alpha": alpha, "beta": beta}, to=to)


def test_identity_gives_a_tensor_of_its_own() -> None:
    agree("identity", {"x": normal(2, 3)}, to=lambda x: x)


def test_softplus_of_large_numbers_is_finite() -> None:
    (got,) = interpreted("softplus", {"x": np.array([-200, 0, 200], np.float32)})
    np.testing.assert_allclose(got, [0, math.log(2), 200], rtol=1e-6)


def test_every_function_is_tested_here() -> None:
    tested = {*UNARY, *OF_UNIT, *OF_POSITIVE, *BINARY, *LOGICAL, *(name for name, _, _ in WITH_ATTRIBUTES)}
    tested |= {
        "cast",
        "identity",
        "logical_not",
        "pow",
        "prelu",
        "real_div",
        "select",
        "softmax",
        "softplus_parametric",
    }
    assert tested == set(ELEMENTWISE) | set(ACTIVATION)


def test_torch_is_asked_for_no_gradients() -> None:
    assert not torch.from_numpy(interpreted("exp", {"x": normal(2)})[0]).requires_grad
