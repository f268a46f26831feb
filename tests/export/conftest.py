"""One real export that all tests of the way to files share, and a source for cheaper ones."""

from pathlib import Path
from typing import NamedTuple

import pytest

from rmpsam_mobile.checkpoint import save_checkpoint, seeded_checkpoint
from rmpsam_mobile.contracts import Size
from rmpsam_mobile.export.pipeline import Exported, ExportPlan, export_bundle, plan_export

SIZE = Size(64, 96)


class Made(NamedTuple):
    """A finished export, the plan it followed and the progress it told."""

    plan: ExportPlan
    exported: Exported
    told: list[str]


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A seeded SeaFormer checkpoint with COCO's classes."""
    path = tmp_path_factory.mktemp("source") / "tiny.safetensors"
    save_checkpoint(seeded_checkpoint("rmpsam-seaformer-tiny"), path)
    return path


@pytest.fixture(scope="session")
def made(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """That checkpoint as a bundle for XNNPACK; most of a minute."""
    plan = plan_export(source, size=SIZE, num_slots=4)
    told: list[str] = []
    folder = tmp_path_factory.mktemp("bundle") / "tiny.bundle"
    return Made(plan, export_bundle(plan, folder, progress=told.append), told)
