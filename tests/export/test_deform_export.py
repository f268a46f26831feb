"""The form of the deformable layers through a whole export."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rmpsam_mobile.contracts import Graph, Size
from rmpsam_mobile.export.deform_forms import DeformForm
from rmpsam_mobile.export.pipeline import export_bundle, plan_export
from rmpsam_mobile.validate.parity import FLOAT_LIMIT

pytestmark = pytest.mark.xdist_group("export")


@pytest.mark.slow
def test_the_shipped_student_is_bounded_by_default_and_exact(tmp_path: Path) -> None:
    plan = plan_export("rmpsam-mobile-tiny", size=Size(96, 96), num_slots=2)
    assert plan.is_exact
    assert {choice.form for choice in plan.deform.values()} == {DeformForm.BOUNDED}
    exported = export_bundle(plan, tmp_path / "tiny.bundle")
    rewrites = exported.bundle.manifest.rewrites
    assert (rewrites["bounded_deform"], rewrites["gather_deform"], rewrites["static_deform"]) == (3, 0, 0)
    assert exported.parity is not None
    assert exported.parity.require() is exported.parity
    left = {leftover.operator for leftover in exported.bundle.manifest.graphs[str(Graph.ENCODER)].delegation.leftovers}
    assert not any("index" in operator or "floor" in operator for operator in left)
    assert FLOAT_LIMIT <= 1e-4


def test_a_clipped_or_static_plan_is_not_held_to_the_eager_model(source: Path, tmp_path: Path) -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)).save(tmp_path / "noise.png")
    plans = {
        form: plan_export(source, size=Size(64, 64), deform=form, audit_data=tmp_path)
        for form in (DeformForm.GATHER, DeformForm.BOUNDED, DeformForm.STATIC)
    }
    assert [plan.is_exact for plan in plans.values()] == [True, False, False]
    for form, plan in plans.items():
        assert {choice.form for choice in plan.deform.values()} == {form}
