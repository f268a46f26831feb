"""Compressed weights and quantized activations against coremltools' own decompression and against numpy."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from rmpsam_mobile.quiet import muted_start, muted_warnings
from rmpsam_mobile.runtime.mil import read_package
from tests.runtime.mil.programs import SEEDS, Numbers, agree, normal, whole

FEW = settings(max_examples=12, deadline=None)


def packed(numbers: Numbers, bits: int) -> Numbers:
    """Lowest bit first, numbers one after the other."""
    digits = (numbers.reshape(-1, 1) >> np.arange(bits)) & 1
    return np.packbits(digits.reshape(-1).astype(np.uint8), bitorder="little")


@FEW
@given(axis=st.integers(-3, 2), signed=st.booleans(), single=st.booleans(), seed=SEEDS)
def test_affine_weights(axis: int, signed: bool, single: bool, seed: int) -> None:
    shape = (3, 4, 5)
    kind = np.int8 if signed else np.uint8
    data = np.random.default_rng(seed).integers(np.iinfo(kind).min, np.iinfo(kind).max, shape, dtype=kind)
    count = () if single else (shape[axis],)
    scale = np.abs(normal(*count, seed=seed)).astype(np.float32) + np.float32(0.01)
    zero = np.random.default_rng(seed).integers(0, 9, count).astype(kind)
    spread = tuple(-1 if i == axis % 3 else 1 for i in range(3))
    wanted = (data.astype(np.float32) - zero.reshape(spread)) * scale.reshape(spread)
    attributes = {"quantized_data": data, "zero_point": zero, "scale": scale, "axis": axis}
    attributes |= {"zero_point": kind(zero), "scale": np.float32(scale)} if single else {}
    agree("constexpr_affine_dequantize", {}, attributes, to=lambda: wanted)


@FEW
@given(bits=st.sampled_from([1, 2, 4, 6, 8]), shape=st.tuples(st.integers(1, 5), st.integers(1, 5)), seed=SEEDS)
def test_one_palette_for_all(bits: int, shape: tuple[int, int], seed: int) -> None:
    lut = normal(2**bits, seed=seed)
    indices = np.random.default_rng(seed).integers(0, 2**bits, shape)
    attributes = {"indices": packed(indices, bits), "lut": lut, "shape": np.array(shape, np.uint32)}
    agree("constexpr_lut_to_dense", {}, attributes, to=lambda: lut[indices], opset="iOS16")


@FEW
@given(bits=st.sampled_from([2, 3, 4]), block=st.integers(1, 2), width=st.integers(1, 2), axis=st.integers(0, 1))
def test_a_palette_a_block_and_vectors(bits: int, block: int, width: int, axis: int) -> None:
    from coremltools.converters.mil.mil import types

    kind = {2: types.np_uint2_dtype, 3: types.np_uint3_dtype, 4: types.np_uint4_dtype}[bits]
    groups, columns = 2, 4
    indices = np.random.default_rng(bits).integers(0, 2**bits, (groups * block, columns))
    lut = normal(groups, 1, 2**bits, width, seed=bits)
    shape = [groups * block, columns]
    shape[axis] *= width
    wanted = np.zeros(shape, np.float32)
    for i, j, v in np.ndindex(groups * block, columns, width):
        at = [i, j]
        at[axis] = at[axis] * width + v
        wanted[tuple(at)] = lut[i // block, 0, indices[i, j], v]
    attributes: dict[str, Any] = {"indices": indices.astype(kind), "lut": lut}
    attributes |= {"vector_axis": axis} if width > 1 else {}
    agree("constexpr_lut_to_dense", {}, attributes, to=lambda: wanted, opset="iOS18")


@FEW
@given(block=st.tuples(st.integers(1, 3), st.integers(1, 3)), has_offset=st.booleans(), seed=SEEDS)
def test_scales_a_block(block: tuple[int, int], has_offset: bool, seed: int) -> None:
    from coremltools.converters.mil.mil import types

    data = whole(2 * block[0], 3 * block[1], low=-8, high=7, seed=seed)
    scale, offset = normal(2, 3, seed=seed), whole(2, 3, low=-8, high=7, seed=seed + 1)
    ones = np.ones(block, np.float32)
    wanted = (data - np.kron(offset, ones) * has_offset) * np.kron(scale, ones)
    attributes = {"data": data.astype(types.np_int4_dtype), "scale": scale}
    attributes |= {"offset": offset.astype(types.np_int4_dtype)} if has_offset else {}
    agree("constexpr_blockwise_shift_scale", {}, attributes, to=lambda: wanted, opset="iOS18")


@FEW
@given(shape=st.tuples(st.integers(1, 5), st.integers(1, 5)), seed=SEEDS)
def test_sparse_weights(shape: tuple[int, int], seed: int) -> None:
    from coremltools.converters.mil.mil import types

    dense = normal(*shape, seed=seed) * (normal(*shape, seed=seed + 1) > -0.5)
    dense[0, 0] = 1
    mask = (dense != 0).astype(np.uint8)
    attributes = {"nonzero_data": dense[dense != 0], "mask": packed(mask, 1), "shape": np.array(shape, np.uint32)}
    agree("constexpr_sparse_to_dense", {}, attributes, to=lambda: dense, opset="iOS16")
    newer = {"nonzero_data": dense[dense != 0], "mask": mask.astype(types.np_uint1_dtype)}
    agree("constexpr_sparse_to_dense", {}, newer, to=lambda: dense, opset="iOS18")


@FEW
@given(axis=st.none() | st.integers(-3, 2), signed=st.booleans(), has_zero=st.booleans(), seed=SEEDS)
def test_activations(axis: int | None, signed: bool, has_zero: bool, seed: int) -> None:
    shape, kind = (3, 4, 5), np.int8 if signed else np.uint8
    x = 20 * normal(*shape, seed=seed)
    count = () if axis is None else (shape[axis],)
    scale = np.asarray(np.abs(normal(*count, seed=seed)) + np.float32(0.05), np.float32)
    zero = np.random.default_rng(seed).integers(0, 9, count).astype(kind)
    spread = (1, 1, 1) if axis is None else tuple(-1 if i == axis % 3 else 1 for i in range(3))
    offset = zero.reshape(spread).astype(np.float32) if has_zero else np.float32(0)
    limits = np.iinfo(kind)
    stored = np.clip(np.round(x / scale.reshape(spread)) + offset, limits.min, limits.max).astype(kind)
    attributes: dict[str, Any] = {"scale": scale if axis is not None else np.float32(scale)}
    attributes |= {"axis": axis} if axis is not None else {}
    attributes |= {"zero_point": zero if axis is not None else kind(zero)} if has_zero else {}
    kinds = attributes | {"output_dtype": "int8" if signed else "uint8"}
    agree("quantize", {"input": x}, kinds, to=lambda _: stored)
    back = (stored.astype(np.float32) - offset) * scale.reshape(spread)
    agree("dequantize", {"input": stored}, attributes, to=lambda _: back, infers=False)


def test_cast_weights() -> None:
    half = normal(3, 4).astype(np.float16)
    attributes = {"source_val": half, "output_dtype": "fp32"}
    agree("constexpr_cast", {}, attributes, to=lambda: half.astype(np.float32), opset="iOS16")


class Small(nn.Module):
    """Two layers whose weights are large enough to be compressed."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(8, 32, 3)
        self.linear = nn.Linear(32, 64)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.linear(self.conv(x).relu().mean((2, 3)))
        return out


@pytest.fixture(scope="module", params=["iOS16", "iOS18"])
def converted(request: pytest.FixtureRequest) -> tuple[str, Any, Small]:
    with muted_start():
        import coremltools as ct

    torch.manual_seed(0)
    module = Small().eval()
    with muted_warnings():
        program = torch.export.export(module, (torch.zeros(1, 8, 6, 6),)).run_decompositions({})
        model = ct.convert(
            program,
            inputs=[ct.TensorType(name="x", shape=(1, 8, 6, 6))],
            outputs=[ct.TensorType(name="y")],
            minimum_deployment_target=getattr(ct.target, request.param),
            skip_model_load=True,
        )
    return request.param, model, module


def _ways(opset: str) -> dict[str, Any]:
    """How weights are compressed, and the operators that each way leaves in the program."""
    import coremltools.optimize.coreml as cto

    def linear(**options: Any) -> Any:
        own = cto.OpLinearQuantizerConfig(mode="linear_symmetric", weight_threshold=64, **options)
        return lambda m: cto.linear_quantize_weights(m, cto.OptimizationConfig(own))

    def palette(bits: int, **options: Any) -> Any:
        own = cto.OpPalettizerConfig(nbits=bits, mode="uniform", weight_threshold=64, **options)
        return lambda m: cto.palettize_weights(m, cto.OptimizationConfig(own))

    def sparse(model: Any) -> Any:
        own = cto.OpMagnitudePrunerConfig(target_sparsity=0.5, weight_threshold=64)
        return cto.prune_weights(model, cto.OptimizationConfig(own))

    ways = {"int8": linear(), "sparse": sparse} | {f"palette {bits}": palette(bits) for bits in (8, 6, 4, 2, 1)}
    if opset == "iOS16":
        return ways
    joint_palette = cto.OptimizationConfig(cto.OpPalettizerConfig(nbits=4, mode="uniform", weight_threshold=64))
    joint_int8 = cto.OptimizationConfig(cto.OpLinearQuantizerConfig(mode="linear_symmetric", weight_threshold=64))
    return ways | {
        "int4 a block": linear(dtype="int4", granularity="per_block", block_size=8),
        "palette a group": palette(4, granularity="per_grouped_channel", group_size=8),
        "scaled palette": palette(4, granularity="per_grouped_channel", group_size=8, enable_per_channel_scale=True),
        "sparse palette": lambda m: cto.palettize_weights(sparse(m), joint_palette, joint_compression=True),
        "sparse int8": lambda m: cto.linear_quantize_weights(sparse(m), joint_int8, joint_compression=True),
    }


def test_packages_that_coremltools_compresses(converted: tuple[str, Any, Small], tmp_path: Path) -> None:
    """Each answers, bit by bit, as the same package with weights that coremltools has decompressed."""
    import coremltools.optimize.coreml as cto

    opset, model, _ = converted
    x = torch.from_numpy(normal(1, 8, 6, 6))
    for name, compress in _ways(opset).items():
        with muted_warnings():
            small = compress(model)
            whole_again = cto.decompress_weights(small)
        answers = []
        for stem, made in (("small", small), ("whole", whole_again)):
            path = tmp_path / f"{name} {stem}.mlpackage"
            with muted_warnings():
                made.save(str(path))
            answers.append(read_package(path).run({"x": x})["y"].numpy())
        # both have the same weights in float16, and the same operators after them
        np.testing.assert_array_equal(answers[0], answers[1], err_msg=name)
