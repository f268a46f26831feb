"""The list of rewrites: visible, ordered, complete, and exact as a whole."""

import ast
from pathlib import Path

import pytest
import torch
from torch import nn

from rmpsam_mobile.contracts import Graph, Size, Target
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.export import rewrites
from rmpsam_mobile.export.capture import capture
from rmpsam_mobile.export.rewrites import (
    PROGRAM_REWRITES,
    REWRITES,
    apply_program_rewrites,
    apply_rewrites,
    rewrite_names,
)
from rmpsam_mobile.export.split import SplitModel
from tests.export.parts import LIMITS, answers, cut, graph_error, natural_inputs, operators
from tests.models import preset_model, relative_error, small_model

NAMES = [rewrite.name for rewrite in (*REWRITES, *PROGRAM_REWRITES)]
FOLDER = Path(rewrites.__file__).parent
PRESETS = ["r18", "r50", "seaformer-tiny", "seaformer-small", "seaformer-base", "seaformer-large"]


def test_names_are_unique_and_each_says_why() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert all(rewrite.because for rewrite in (*REWRITES, *PROGRAM_REWRITES))


def test_what_a_rewrite_comes_after_stands_before_it() -> None:
    after = [rewrite.after for rewrite in REWRITES] + [rewrite.after for rewrite in PROGRAM_REWRITES]
    for position, names in enumerate(after):
        assert set(names) <= set(NAMES[:position])


def test_every_file_is_listed_and_has_its_tests() -> None:
    files = {path.stem for path in FOLDER.glob("*.py")} - {"__init__", "swap"}
    assert files == set(NAMES)
    tests = {path.stem for path in (Path(__file__).parent / "rewrites").glob("test_*.py")}
    assert {f"test_{name}" for name in NAMES} <= tests


@pytest.mark.parametrize("name", NAMES)
def test_every_file_draws_before_and_after(name: str) -> None:
    text = ast.get_docstring(ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))) or ""
    assert "\nbefore:" in text
    assert "\nafter:" in text


def test_an_unknown_name_is_refused_with_the_known_ones_and_nothing_is_done() -> None:
    parts = cut(small_model(), Size(32, 32))
    with pytest.raises(InputError) as caught:
        apply_rewrites(parts, ["fold_batch_norm", "fold"])
    assert str(caught.value) == f"unknown rewrite 'fold'; known, in order: {', '.join(NAMES)}"
    assert any(isinstance(module, nn.BatchNorm2d) for module in parts.parts[Graph.ENCODER].module.modules())


def test_chosen_rewrites_run_in_the_lists_order_whatever_order_is_asked_for() -> None:
    applied = apply_rewrites(cut(small_model(), Size(32, 32)), ["bake_constants", "fold_batch_norm"])
    assert [rewrite.name for rewrite in applied] == ["fold_batch_norm", "bake_constants"]
    assert apply_rewrites(cut(small_model(), Size(32, 32)), []) == ()


def test_a_second_time_there_is_nothing_to_do() -> None:
    parts = cut(small_model(), Size(32, 64))
    idle = {rewrite.name for rewrite in apply_rewrites(parts) if not rewrite.changed}
    assert idle == {"static_deform", "bounded_deform", "fold_neck_tail", "pool_axis_means"}
    assert not any(rewrite.changed for rewrite in apply_rewrites(parts))


@pytest.mark.parametrize("preset", PRESETS)
def test_the_whole_list_keeps_every_graph(preset: str) -> None:
    model = preset_model(f"rmpsam-{preset}")
    parts = cut(model, Size(64, 64), clip_frames=2)
    done = {rewrite.name: len(rewrite.changed) for rewrite in apply_rewrites(parts)}
    assert bool(done.pop("pool_axis_means")) is preset.startswith("seaformer")
    assert (done.pop("static_deform"), done.pop("bounded_deform")) == (0, 0)  # official offsets have no limit
    assert bool(done.pop("fold_neck_tail")) is (preset != "r50")  # whose neck is too wide
    assert bool(done.pop("split_transposed_convs")) is (preset in {"r18", "r50"})
    assert all(done.values())
    for graph in parts.parts:
        assert graph_error(parts, model, graph) <= LIMITS[torch.float64]


@pytest.mark.parametrize("preset", ["r18", "seaformer-tiny"])
def test_the_whole_list_keeps_the_encoder_in_single_precision(preset: str) -> None:
    model = preset_model(f"rmpsam-{preset}").float()
    parts = cut(model, Size(64, 96))
    apply_rewrites(parts)
    assert graph_error(parts, model, Graph.ENCODER) <= LIMITS[torch.float32]


@pytest.mark.parametrize("preset", ["tiny", "small", "base"])
def test_the_whole_list_keeps_the_mobile_presets_and_their_features(preset: str) -> None:
    model = preset_model(f"rmpsam-mobile-{preset}")
    parts = cut(model, Size(64, 96))
    done = {rewrite.name: len(rewrite.changed) for rewrite in apply_rewrites(parts)}
    idle = {name for name, count in done.items() if not count}
    wide = {"split_transposed_convs", "fold_neck_tail", "fold_loc_conv", "absorb_prompt_attention"}
    assert idle == {"static_deform", "gather_deform", *wide}
    for graph in parts.parts:
        assert graph_error(parts, model, graph) <= LIMITS[torch.float64]


@pytest.mark.parametrize("preset", ["r18", "mobile-tiny"])
def test_captured_programs_stay_too(preset: str) -> None:
    parts = cut(preset_model(f"rmpsam-{preset}"), Size(64, 64))
    apply_rewrites(parts)
    for part in parts.parts.values():
        inputs = natural_inputs(part)
        program, applied = apply_program_rewrites(capture(part), NAMES)
        assert [rewrite.name for rewrite in applied] == [rewrite.name for rewrite in PROGRAM_REWRITES]
        pairs = zip(answers(program.module(), inputs), answers(part.module, inputs), strict=True)
        assert max(relative_error(got, wanted) for got, wanted in pairs) <= LIMITS[torch.float64]


def test_an_engine_gets_its_own_rewrites_and_a_user_fewer() -> None:
    assert rewrite_names(Target.XNNPACK) == tuple(name for name in NAMES if name != "scale_pooled_sums")
    assert set(NAMES) - set(rewrite_names(Target.COREML_PACKAGE)) == {
        "split_transposed_convs",
        "clamp_hard_masks",
        "plain_operators",
        "slice_cells",
    }
    assert rewrite_names(Target.XNNPACK, only=["plain_operators", "fold_batch_norm"]) == (
        "fold_batch_norm",
        "plain_operators",
    )
    assert rewrite_names(Target.XNNPACK, skip=NAMES[1:]) == (NAMES[0],)
    with pytest.raises(InputError):
        rewrite_names(Target.XNNPACK, skip=["plain"])


@pytest.fixture(scope="module")
def rewritten() -> SplitModel:
    """A SeaFormer model with every rewrite applied."""
    parts = cut(preset_model("rmpsam-seaformer-tiny").float(), Size(64, 96), clip_frames=2)
    apply_rewrites(parts)
    return parts


@pytest.mark.parametrize("graph", list(Graph))
def test_no_norm_and_nothing_computed_from_sizes_is_left(rewritten: SplitModel, graph: Graph) -> None:
    part = rewritten.parts[graph]
    assert not any(isinstance(module, nn.BatchNorm2d) for module in part.module.modules())
    left = operators(part.module, part.example_inputs())
    banned = ("grid_sampler", "linspace", "batch_norm", "upsample_linear1d", "pow", "mean", "einsum", "chunk")
    assert sorted(name for name in left for word in banned if word in name) == []
