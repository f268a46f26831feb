"""Operators along axes against numpy."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmpsam_mobile.runtime.mil.operators.reduction import REDUCTION
from tests.runtime.mil.programs import SEEDS, Numbers, agree, normal, shapes, whole

FEW = settings(max_examples=8, deadline=None)
Axes = tuple[int, ...]

REDUCTIONS: dict[str, Callable[[Numbers, Axes, bool], Any]] = {
    "reduce_l1_norm": lambda x, axes, keep: np.abs(x).sum(axes, keepdims=keep),
    "reduce_l2_norm": lambda x, axes, keep: np.sqrt((x**2).sum(axes, keepdims=keep)),
    "reduce_log_sum": lambda x, axes, keep: np.log(x.sum(axes, keepdims=keep)),
    "reduce_log_sum_exp": lambda x, axes, keep: np.log(np.exp(x).sum(axes, keepdims=keep)),
    "reduce_max": lambda x, axes, keep: x.max(axes, keepdims=keep),
    "reduce_mean": lambda x, axes, keep: x.mean(axes, keepdims=keep),
    "reduce_min": lambda x, axes, keep: x.min(axes, keepdims=keep),
    "reduce_prod": lambda x, axes, keep: x.prod(axes, keepdims=keep),
    "reduce_sum": lambda x, axes, keep: x.sum(axes, keepdims=keep),
    "reduce_sum_square": lambda x, axes, keep: (x**2).sum(axes, keepdims=keep),
}


@pytest.mark.parametrize("name", REDUCTIONS)
@FEW
@given(shape=shapes(1, 4), data=st.data(), seed=SEEDS, keep=st.booleans())
def test_reductions(name: str, shape: tuple[int, ...], data: st.DataObject, seed: int, keep: bool) -> None:
    rank = len(shape)
    axes = data.draw(st.none() | st.sets(st.integers(0, rank - 1), min_size=1).map(sorted))
    attributes: dict[str, Any] = {"keep_dims": keep}
    if axes is not None:
        attributes["axes"] = [axis - rank if data.draw(st.booleans()) else axis for axis in axes]
    x = normal(*shape, seed=seed)
    x = np.abs(x) + np.float32(0.1) if name == "reduce_log_sum" else x
    over = tuple(axes if axes is not None else range(rank))
    agree(name, {"x": x}, attributes, to=lambda x: REDUCTIONS[name](x, over, keep), limit=1e-4)


@FEW
@given(shape=shapes(1, 4), data=st.data(), seed=SEEDS, keep=st.booleans())
def test_places_of_extremes(shape: tuple[int, ...], data: st.DataObject, seed: int, keep: bool) -> None:
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    attributes = {"axis": axis, "keep_dims": keep}
    for name, function in (("reduce_argmax", np.argmax), ("reduce_argmin", np.argmin)):
        for x in (normal(*shape, seed=seed), whole(*shape, low=0, high=2, seed=seed)):  # of equal ones the first
            agree(name, {"x": x}, attributes, to=lambda x, f=function: f(x, axis, keepdims=keep).astype(np.int32))


@FEW
@given(shape=shapes(1, 4), data=st.data(), seed=SEEDS, flags=st.tuples(st.booleans(), st.booleans()))
def test_cumsum(shape: tuple[int, ...], data: st.DataObject, seed: int, flags: tuple[bool, bool]) -> None:
    axis = data.draw(st.integers(-1, len(shape) - 1))
    exclusive, reverse = flags

    def to(x: Numbers) -> Numbers:
        x = np.flip(x, axis) if reverse else x
        sums = np.cumsum(x, axis)
        if exclusive:
            sums = np.concatenate([np.zeros_like(x.take([0], axis)), sums.take(range(x.shape[axis] - 1), axis)], axis)
        return np.flip(sums, axis) if reverse else sums

    attributes = {"axis": axis, "exclusive": exclusive, "reverse": reverse}
    if exclusive:  # coremltools' own form of it does not run
        from tests.runtime.mil.programs import interpreted

        x = normal(*shape, seed=seed)
        np.testing.assert_allclose(interpreted("cumsum", {"x": x}, attributes)[0], to(x), atol=1e-5)
    else:
        agree("cumsum", {"x": normal(*shape, seed=seed)}, attributes, to=to)


@FEW
@given(shape=shapes(1, 4), data=st.data(), seed=SEEDS, ascending=st.booleans())
def test_argsort(shape: tuple[int, ...], data: st.DataObject, seed: int, ascending: bool) -> None:
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    to = lambda x: np.argsort(x if ascending else -x, axis, kind="stable").astype(np.int32)  # noqa: E731
    agree("argsort", {"x": normal(*shape, seed=seed)}, {"axis": axis, "ascending": ascending}, to=to)


@FEW
@given(shape=shapes(1, 4), data=st.data(), seed=SEEDS, ascending=st.booleans(), both=st.booleans())
def test_topk(shape: tuple[int, ...], data: st.DataObject, seed: int, ascending: bool, both: bool) -> None:
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    k = data.draw(st.integers(1, shape[axis]))
    x = normal(*shape, seed=seed)
    order = np.argsort(x if ascending else -x, axis, kind="stable").take(range(k), axis)
    wanted = [np.take_along_axis(x, order, axis), order.astype(np.int32)]
    attributes = {"k": k, "axis": axis, "ascending": ascending, "return_indices": both}
    agree("topk", {"x": x}, attributes, to=lambda _: wanted if both else wanted[:1])


def test_every_operator_is_tested_here() -> None:
    assert set(REDUCTION) == {*REDUCTIONS, "reduce_argmax", "reduce_argmin", "cumsum", "argsort", "topk"}
