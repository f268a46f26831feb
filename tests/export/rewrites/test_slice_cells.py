"""Products with large features, slice by slice."""

import sys
from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.export import ExportedProgram

from rmpsam_mobile.contracts import Graph, Size, Target
from rmpsam_mobile.export.capture import capture
from rmpsam_mobile.export.rewrites import PROGRAM_REWRITES, apply_program_rewrites, rewrite_names
from rmpsam_mobile.export.rewrites.slice_cells import slice_cells
from tests.export.parts import LIMITS, answers, cut, natural_inputs, one_module
from tests.models import preset_model, random_tensor, relative_error

file = sys.modules["rmpsam_mobile.export.rewrites.slice_cells"]
BEFORE = tuple(rewrite.name for rewrite in PROGRAM_REWRITES if rewrite.name not in ("slice_cells", "fold_constants"))


@pytest.fixture
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is large, and a slice holds 2 kB."""
    monkeypatch.setattr(file, "LEAST_BYTES", 0)
    monkeypatch.setattr(file, "MOST_BYTES", 2048)


class Rounds(nn.Module):
    """Mask, pool, attend: each of the products that a decoder makes with its features."""

    def forward(self, features: Tensor, kernels: Tensor) -> tuple[Tensor, Tensor]:
        cells = features.flatten(2)
        for _ in range(2):
            logits = torch.bmm(kernels, cells).reshape(*kernels.shape[:2], *features.shape[2:])
            hard = (logits * 1e9).clamp(0, 1)
            kernels = torch.bmm(hard.flatten(2), features.flatten(2).transpose(1, 2)) / cells.shape[2]
            weights = torch.bmm(kernels, cells).softmax(-1)
            kernels = kernels + torch.bmm(weights, cells.transpose(1, 2))
        return kernels, torch.bmm(kernels, cells)


def rounds(*shapes: tuple[int, ...]) -> tuple[ExportedProgram, tuple[Tensor, ...]]:
    parts = one_module(Rounds(), *shapes)
    part = parts.parts[Graph.ENCODER]
    part.module.register_parameter("like", nn.Parameter(torch.zeros(1, dtype=torch.float64)))
    return capture(part), tuple(random_tensor(*shape, seed=i) for i, shape in enumerate(shapes))


def count(program: ExportedProgram) -> Counter[str]:
    return Counter(str(node.target) for node in program.graph.nodes if node.op == "call_function")


@settings(max_examples=15, deadline=None)
@given(
    channels=st.integers(1, 9),
    height=st.integers(1, 8),
    width=st.integers(1, 24),
    queries=st.integers(1, 5),
    most=st.integers(300, 8000),
)
def test_any_shape_and_any_slice(channels: int, height: int, width: int, queries: int, most: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(file, "LEAST_BYTES", 0)
        patch.setattr(file, "MOST_BYTES", most)
        program, inputs = rounds((1, channels, height, width), (1, queries, channels))
        wanted = answers(program.module(), inputs)
        sliced, changed = slice_cells(program)
    assert len(changed) == 9
    for got, want in zip(answers(sliced.module(), inputs), wanted, strict=True):
        assert relative_error(got, want) <= LIMITS[torch.float64]


@pytest.mark.usefixtures("small_limits")
def test_features_are_cut_once_and_masks_are_never_put_together() -> None:
    program, _ = rounds((1, 4, 16, 16), (1, 3, 4))  # 8 kB: four slices
    sliced, changed = slice_cells(program)
    operators = count(sliced)
    assert len(changed) == 9
    assert operators["aten.bmm.default"] == 9 * 4
    assert operators["aten.slice.Tensor"] == 4 + 2 * 4  # of the features, and of two softmaxes
    assert operators["aten.clamp.default"] == 2 * 4
    assert operators["aten.cat.default"] == 3  # two for the softmaxes, one goes out


def test_what_fits_is_left_whole() -> None:
    program, _ = rounds((1, 4, 16, 16), (1, 3, 4))
    assert slice_cells(program) == (program, [])


class Once(nn.Module):
    """A single reader, and features of two pictures."""

    def forward(self, features: Tensor, kernels: Tensor, both: Tensor) -> tuple[Tensor, Tensor]:
        one = torch.bmm(kernels, features.flatten(2))
        pairs = torch.bmm(both.transpose(1, 2), both)
        return one, torch.bmm(both, pairs) + torch.bmm(both, pairs * 2)


@pytest.mark.usefixtures("small_limits")
def test_a_single_reader_and_more_than_one_picture_stay() -> None:
    part = one_module(Once(), (1, 4, 16, 16), (1, 3, 4), (2, 8, 64)).parts[Graph.ENCODER]
    part.module.register_parameter("like", nn.Parameter(torch.zeros(1, dtype=torch.float64)))
    assert slice_cells(capture(part))[1] == []


@pytest.mark.usefixtures("small_limits")
@pytest.mark.parametrize(("preset", "products"), [("r18", (9, 7)), ("mobile-tiny", (6, 8))])
def test_the_decoders_stay(preset: str, products: tuple[int, int]) -> None:
    parts = cut(preset_model(f"rmpsam-{preset}"), Size(64, 64))
    for graph, expected in zip((Graph.OBJECTS, Graph.PROMPTS), products, strict=True):
        part = parts.parts[graph]
        inputs = natural_inputs(part)
        wanted = answers(part.module, inputs)
        program, _ = apply_program_rewrites(capture(part), BEFORE)
        sliced, changed = slice_cells(program)
        assert len(changed) == expected
        for got, want in zip(answers(sliced.module(), inputs), wanted, strict=True):
            assert relative_error(got, want) <= LIMITS[torch.float64]


def test_only_xnnpack_wants_it() -> None:
    assert "slice_cells" in rewrite_names(Target.XNNPACK)
    assert "slice_cells" not in rewrite_names(Target.COREML_PACKAGE)
