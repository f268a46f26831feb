"""Matrix products and normalisations against numpy in float64."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.runtime.mil.programs import SEEDS, Numbers, agree, normal, shapes, whole

FEW = settings(max_examples=12, deadline=None)
SIDES = st.integers(1, 6)


@FEW
@given(lead=shapes(0, 2), rows=SIDES, columns=SIDES, has_bias=st.booleans(), seed=SEEDS)
def test_linear(lead: tuple[int, ...], rows: int, columns: int, has_bias: bool, seed: int) -> None:
    x, weight, bias = normal(*lead, 3, columns, seed=seed), normal(rows, columns, seed=1), normal(rows, seed=2)
    attributes = {"weight": weight} | ({"bias": bias} if has_bias else {})
    agree("linear", {"x": x}, attributes, to=lambda x: x @ weight.T + (bias if has_bias else 0))


@FEW
@given(data=st.data(), sides=st.tuples(SIDES, SIDES, SIDES), flags=st.tuples(st.booleans(), st.booleans()), seed=SEEDS)
def test_matmul(data: st.DataObject, sides: tuple[int, int, int], flags: tuple[bool, bool], seed: int) -> None:
    lead = data.draw(shapes(0, 2))
    other = tuple(1 if data.draw(st.booleans()) else size for size in lead)
    x = normal(*lead, *((sides[1], sides[0]) if flags[0] else sides[:2]), seed=seed)
    y = normal(*other, *((sides[2], sides[1]) if flags[1] else sides[1:]), seed=seed + 1)

    def to(x: Numbers, y: Numbers) -> Any:
        return (x.swapaxes(-1, -2) if flags[0] else x) @ (y.swapaxes(-1, -2) if flags[1] else y)

    agree("matmul", {"x": x, "y": y}, {"transpose_x": flags[0], "transpose_y": flags[1]}, to=to)


def test_matmul_of_whole_numbers_and_of_one_axis() -> None:
    agree("matmul", {"x": whole(3, 4), "y": whole(4, 2, seed=1)}, to=np.matmul)
    agree("matmul", {"x": normal(4), "y": normal(4, 2, seed=1)}, to=np.matmul)


@FEW
@given(sides=st.tuples(SIDES, SIDES, SIDES), wide=st.booleans(), batch=st.integers(1, 3), seed=SEEDS)
def test_einsum(sides: tuple[int, int, int], wide: bool, batch: int, seed: int) -> None:
    c, w, u = sides
    height = 3
    x, y = normal(batch, c, height, w, seed=seed), normal(batch, w, 1 if wide else height, u, seed=seed + 1)
    wanted = np.einsum("nchw,nwhu->nchu", x, np.broadcast_to(y, (batch, w, height, u)))
    agree("einsum", {"values": [x, y]}, {"equation": "nchw,nwhu->nchu"}, to=lambda _: wanted)
    three = np.einsum("chw,whr->chr", x[0], np.broadcast_to(y[0], (w, height, u)))
    agree("einsum", {"values": [x[0], y[0]]}, {"equation": "chw,whr->chr"}, to=lambda _: three)


@FEW
@given(shape=shapes(3, 5), seed=SEEDS, affine=st.booleans(), epsilon=st.sampled_from([None, 1e-2]))
def test_batch_and_instance_norm(shape: tuple[int, ...], seed: int, affine: bool, epsilon: float | None) -> None:
    x, channels = normal(*shape, seed=seed), (-1, *[1] * (len(shape) - 2))
    mean, variance = normal(shape[1], seed=1), np.abs(normal(shape[1], seed=2)) + np.float32(0.1)
    gamma, beta = normal(shape[1], seed=3), normal(shape[1], seed=4)
    given_to: dict[str, Any] = {"gamma": gamma, "beta": beta} if affine else {}
    given_to |= {"epsilon": np.float32(epsilon)} if epsilon else {}

    def scaled(normal: Numbers) -> Numbers:
        return normal * gamma.reshape(channels) + beta.reshape(channels) if affine else normal

    def batch(x: Numbers) -> Numbers:
        return scaled((x - mean.reshape(channels)) / np.sqrt(variance.reshape(channels) + (epsilon or 1e-5)))

    agree("batch_norm", {"x": x}, {"mean": mean, "variance": variance, **given_to}, to=batch, infers=False)
    if len(shape) not in (3, 4) or np.prod(shape[2:]) < 2:
        return
    axes = tuple(range(2, len(shape)))

    def instance(x: Numbers) -> Numbers:
        centred = x - x.mean(axes, keepdims=True)
        return scaled(centred / np.sqrt((centred**2).mean(axes, keepdims=True) + (epsilon or 1e-5)))

    agree("instance_norm", {"x": x}, given_to, to=instance, infers=False, limit=1e-4)


@FEW
@given(shape=shapes(3, 5), seed=SEEDS)
def test_l2_norm(shape: tuple[int, ...], seed: int) -> None:
    to = lambda x: x / np.sqrt((x**2).sum((-3, -2, -1), keepdims=True) + 1e-6)  # noqa: E731
    agree("l2_norm", {"x": normal(*shape, seed=seed)}, to=to)


@FEW
@given(shape=shapes(2, 4), data=st.data(), seed=SEEDS, affine=st.booleans())
def test_layer_norm_over_any_axes(shape: tuple[int, ...], data: st.DataObject, seed: int, affine: bool) -> None:
    rank = len(shape)
    axes = sorted(data.draw(st.sets(st.integers(0, rank - 1), min_size=1)))
    signed = [axis - rank if data.draw(st.booleans()) else axis for axis in axes]
    own = [shape[axis] for axis in axes]
    gamma, beta = normal(*own, seed=1), normal(*own, seed=2)
    spread = [shape[i] if i in axes else 1 for i in range(rank)]

    def to(x: Numbers) -> Numbers:
        centred = x - x.mean(tuple(axes), keepdims=True)
        norm: Numbers = centred / np.sqrt((centred**2).mean(tuple(axes), keepdims=True) + 1e-3)
        return norm * gamma.reshape(spread) + beta.reshape(spread) if affine else norm

    attributes: dict[str, Any] = {"axes": signed, "epsilon": np.float32(1e-3)}
    attributes |= {"gamma": gamma, "beta": beta} if affine else {}
    agree("layer_norm", {"x": normal(*shape, seed=seed)}, attributes, to=to, limit=1e-4)


@pytest.mark.parametrize("mask", ["none", "bool", "numbers"])
def test_attention(mask: str) -> None:
    query, key, value = normal(2, 3, 4, 8), normal(2, 3, 5, 8, seed=1), normal(2, 3, 5, 6, seed=2)
    seen = normal(4, 5, seed=3)
    seen = np.where(np.arange(5) == 0, 1, seen).astype(np.float32)  # every query sees at least one key
    bias = {"none": np.zeros_like(seen), "bool": np.where(seen > 0, 0, -np.inf), "numbers": seen}[mask]
    logits = query @ key.swapaxes(-1, -2) / np.sqrt(8) + bias
    shares = np.exp(logits - logits.max(-1, keepdims=True))
    wanted = shares / shares.sum(-1, keepdims=True) @ value
    tensors = {"query": query, "key": key, "value": value}
    tensors |= {"bool": {"attn_mask": seen > 0}, "numbers": {"attn_mask": seen}}.get(mask, {})
    name = "scaled_dot_product_attention"
    agree(name, tensors, to=lambda *_: wanted, opset="iOS18")
