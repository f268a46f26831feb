"""Exports of the small model to any engine, in seconds."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from rmpsam_mobile.contracts import Target
from rmpsam_mobile.export.lower import ENGINES, EngineOptions
from rmpsam_mobile.export.pipeline import Exported, ExportPlan, export_bundle
from rmpsam_mobile.export.rewrites import rewrite_names
from tests.export.plans import small_plan


def plan_for(target: Target, **options: Any) -> ExportPlan:
    """The small model's plan for an engine, with ``EngineOptions`` by name."""
    checked = ENGINES[target].checked(EngineOptions(**options), str(target))
    return replace(small_plan(*rewrite_names(target)), target=target, options=checked)


def small_export(folder: Path, target: Target, **options: Any) -> Exported:
    """That plan carried out in ``folder``."""
    return export_bundle(plan_for(target, **options), folder / f"{target}.bundle")
