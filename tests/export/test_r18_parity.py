"""The largest check of an export: R18 with the official numbers' weights, files against the eager model."""

from pathlib import Path

import pytest
import torch

from rmpsam_mobile.contracts import Graph, Size
from rmpsam_mobile.export.pipeline import export_bundle, plan_export
from rmpsam_mobile.validate.parity import FLOAT_LIMIT
from tests.conftest import GOLDEN
from tests.seeded_weights import read_spec, seeded_classifier, seeded_state_dict, write_official_checkpoint

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("export")]


@pytest.mark.parametrize("size", [Size(512, 512), Size(384, 640)], ids=str)
def test_files_of_the_official_weights_answer_as_the_eager_model(tmp_path: Path, size: Size) -> None:
    weights = seeded_state_dict(read_spec(GOLDEN / "rmpsam-r18.json"))
    source = write_official_checkpoint(tmp_path / "r18.pth", weights)
    classifier = tmp_path / "classifier.pth"
    torch.save(seeded_classifier(read_spec(GOLDEN / "classifier-coco.json")), classifier)

    exported = export_bundle(plan_export(source, size=size, classifier=classifier), tmp_path / "bundle")

    assert exported.parity is not None
    lines = [
        f"{'tensor':22} {'max error':>9} {'allowed':>9} {'near 0':>6} {'probe':>9} {'limit':>9} {'PSNR':>6} mask IoU"
    ]
    for t in exported.parity.tensors:
        iou = "" if t.mask_iou is None else f"{t.mask_iou:.6f}"
        probe = "" if t.probe_error is None else f"{t.probe_error:.2e}"
        lines.append(
            f"{t.graph + '/' + t.name:22} {t.max_error:9.2e} {t.allowed:9.2e} {t.near_zero:6} {probe:>9} "
            f"{t.limit:9.2e} {t.psnr_db:6.1f} {iou}"
        )
        assert t.max_error <= (FLOAT_LIMIT if t.graph is Graph.ENCODER or not t.near_zero else t.allowed)
        assert t.graph is Graph.ENCODER or (t.probe_error is not None and t.probe_error <= FLOAT_LIMIT)
        assert t.mask_iou is None or t.mask_iou > 0.999
    for artifact in exported.bundle.manifest.graphs.values():
        d = artifact.delegation
        shares = f"{100 * d.operator_share:.1f} % of operators, {100 * d.mac_share:.1f} % of multiply-adds delegated"
        lines.append(f"{artifact.graph:10} {artifact.size_bytes:12,} bytes; {shares}")
    print(f"\nR18 at {size}\n" + "\n".join(lines))  # noqa: T201 - the table is what this test is run for
