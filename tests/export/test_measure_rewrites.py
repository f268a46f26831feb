"""What the report says of a rewrite, against what is known of it."""

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch import nn

from rmpsam_mobile.contracts import Graph, GraphSpec, Target
from rmpsam_mobile.errors import ExportError
from rmpsam_mobile.export import measure_rewrites as measuring
from rmpsam_mobile.export import rewrite_lowering
from rmpsam_mobile.export.lower import ENGINES, Lowered
from rmpsam_mobile.export.measure_rewrites import measure_rewrites, measuring_steps
from rmpsam_mobile.export.rewrite_report import GraphChange, RewriteReport
from rmpsam_mobile.export.rewrites import Rewrite
from rmpsam_mobile.export.split import SplitModel
from tests.export.parts import LIMITS
from tests.export.plans import SIZE, cells_of, small_plan
from tests.models import SMALL

NAMES = ("fold_batch_norm", "fold_loc_conv", "clamp_hard_masks")
LOCATED = SMALL.aggregation_width + 2
LOC_CONV = (LOCATED + 1) * SMALL.width


@pytest.fixture(scope="module")
def report() -> RewriteReport:
    """Three rewrites of the small model."""
    return measure_rewrites(small_plan(*NAMES), lower=False)


def change_of(report: RewriteReport, name: str, graph: Graph = Graph.ENCODER) -> GraphChange:
    (found,) = (c for effect in report.rewrites if effect.name == name for c in effect.graphs if c.graph is graph)
    return found


def test_rewrites_stand_in_order_and_the_others_are_named(report: RewriteReport) -> None:
    assert [effect.name for effect in report.rewrites] == list(NAMES)
    assert [effect.on for effect in report.rewrites] == ["modules", "modules", "programs"]
    assert report.not_applied["gather_deform"] == "left out on request"
    assert set(report.left_out) == {"clip"}


def test_every_norm_is_removed_and_named(report: RewriteReport) -> None:
    plan = small_plan()
    model = nn.ModuleList([plan.model.backbone, plan.model.neck])
    norms = sum(isinstance(module, nn.BatchNorm2d) for module in model.modules())
    change = change_of(report, "fold_batch_norm")
    assert change.removed == {"aten.batch_norm.default": norms}
    assert set(change.added) == {"aten.add.Tensor", "aten.view.default"}  # deformable layers get a bias
    assert len(change.layers) == len(change.places) == norms
    assert change.before.operators - change.after.operators == norms - sum(change.added.values())
    assert change.before.multiply_adds == change.after.multiply_adds


def test_a_folded_layer_saves_what_a_pencil_finds(report: RewriteReport) -> None:
    change = change_of(report, "fold_loc_conv")
    assert change.before.multiply_adds - change.after.multiply_adds == LOCATED * SMALL.width * cells_of(SIZE)
    assert change.before.weight_bytes - change.after.weight_bytes == 4 * LOC_CONV
    (layer,) = change.layers
    assert (layer.path, layer.kind_before, layer.kind_after) == ("neck", "Neck", "LocatedNeck")
    assert layer.before.multiply_adds - layer.after.multiply_adds == LOCATED * SMALL.width * cells_of(SIZE)


def test_exact_rewrites_are_exact_though_features_change_form(report: RewriteReport) -> None:
    for effect in report.rewrites:
        for change in effect.graphs:
            assert change.errors.float64 is not None
            assert change.errors.float32 is not None
            assert change.errors.float64 <= LIMITS[torch.float64]
            assert change.errors.float32 <= LIMITS[torch.float32]
    assert {change.graph for change in report.rewrites[1].graphs} == {Graph.ENCODER, Graph.OBJECTS, Graph.PROMPTS}


def test_totals_are_the_first_and_the_last_of_the_steps(report: RewriteReport) -> None:
    for total in report.graphs:
        steps = [c for effect in report.rewrites for c in effect.graphs if c.graph is total.graph]
        assert total.before == steps[0].before
        assert total.after == steps[-1].after
        for earlier, later in pairwise(steps):
            assert earlier.after == later.before
        assert total.lowered_before is total.lowered_after is None


def wrong_by_a_thousandth(split: SplitModel) -> list[str]:
    """A rewrite that makes the features larger."""
    conv = split.parts[Graph.ENCODER].module.get_submodule("neck.loc_conv")
    for tensor in conv.parameters():
        tensor.mul_(1.001)
    return ["encoder.neck.loc_conv"]


def test_a_planted_error_is_reported_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "REWRITES", (Rewrite(wrong_by_a_thousandth, because="it is wrong"),))
    plan = small_plan("wrong_by_a_thousandth")
    weight = plan.model.neck.loc_conv.weight.clone()
    report = measure_rewrites(plan, lower=False)
    (effect,) = report.rewrites
    (change,) = effect.graphs
    assert change.graph is Graph.ENCODER
    assert change.errors.float64 == pytest.approx(1e-3, rel=1e-6)
    assert change.errors.float32 == pytest.approx(1e-3, rel=1e-2)
    errors = {total.graph: total.errors.float64 for total in report.graphs}
    assert errors == {Graph.ENCODER: change.errors.float64, Graph.OBJECTS: 0.0, Graph.PROMPTS: 0.0}
    torch.testing.assert_close(plan.model.neck.loc_conv.weight, weight, rtol=0, atol=0)


def one_of_two_is_wrong(split: SplitModel) -> list[str]:
    """A rewrite that names two layers and damages the later one."""
    paths = ["neck.deconv.deform_conv1.dcn", "neck.deconv.deform_conv3.dcn"]
    for tensor in split.parts[Graph.ENCODER].module.get_submodule(paths[1]).parameters():
        tensor.mul_(1.5)
    return [f"encoder.{path}" for path in paths]


def test_an_error_stands_beside_the_layer_that_brought_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "REWRITES", (Rewrite(one_of_two_is_wrong, because="it is wrong"),))
    (effect,) = measure_rewrites(small_plan("one_of_two_is_wrong"), lower=False).rewrites
    right, wrong = effect.graphs[0].layers
    assert (right.measured_at, wrong.measured_at) == ("neck.deconv.deform_conv1", "neck.deconv.deform_conv3")
    assert right.errors.float64 == right.errors.float32 == 0
    assert wrong.errors.float64 is not None
    assert wrong.errors.float64 > 1e-3


def test_a_layer_is_measured_where_its_output_is_meant_to_stay(report: RewriteReport) -> None:
    for layer in change_of(report, "fold_batch_norm").layers:
        assert layer.measured_at is not None
        assert layer.path.startswith(layer.measured_at)
        assert layer.errors.float64 is not None
        assert layer.errors.float64 <= LIMITS[torch.float64]
    (neck,) = change_of(report, "fold_loc_conv").layers
    assert (neck.measured_at, neck.errors) == (None, change_of(report, "fold_loc_conv").errors)


def spoiled(split: SplitModel) -> list[str]:
    """A rewrite whose features are not numbers."""
    conv = split.parts[Graph.ENCODER].module.get_submodule("neck.loc_conv")
    next(conv.parameters()).fill_(float("nan"))
    return ["encoder.neck.loc_conv"]


def test_what_is_not_finite_is_none_and_not_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "REWRITES", (Rewrite(spoiled, because="it is wrong"),))
    (effect,) = measure_rewrites(small_plan("spoiled"), lower=False).rewrites
    assert effect.graphs[0].errors.float64 is effect.graphs[0].errors.float32 is None


def test_progress_tells_the_steps_and_a_refusal_is_a_result(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object, spec: GraphSpec, __: object) -> Lowered:
        raise ExportError(f"the {spec.graph} graph is too beautiful")

    monkeypatch.setattr(rewrite_lowering, "ENGINES", {Target.XNNPACK: replace(ENGINES[Target.XNNPACK], lower=refuse)})
    plan, told = small_plan("bake_constants"), list[str]()
    report = measure_rewrites(plan, progress=told.append)
    assert told == measuring_steps(plan)
    assert told.count("lower encoder before") == told.count("lower encoder after") == 1
    for total in report.graphs:
        assert total.lowered_before is not None
        assert total.lowered_before.refused == f"the {total.graph} graph is too beautiful"
        assert total.lowered_before.delegation is None
