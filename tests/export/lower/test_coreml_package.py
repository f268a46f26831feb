"""Core ML packages: named tensors, half precision, and borders that an app reads."""

from pathlib import Path
from typing import Any

import pytest
from torch import nn

from rmpsam_mobile.bundle import open_bundle
from rmpsam_mobile.checkpoint import save_checkpoint, seeded_checkpoint
from rmpsam_mobile.contracts import Graph, Precision, Size, Target, graph_spec
from rmpsam_mobile.errors import ExportError
from rmpsam_mobile.export.capture import capture
from rmpsam_mobile.export.lower import EngineOptions, coreml_package
from rmpsam_mobile.export.lower.coreml_package import lower_to_coreml_package
from rmpsam_mobile.export.pipeline import export_bundle, plan_export
from rmpsam_mobile.quiet import muted_start
from rmpsam_mobile.validate.parity import FLOAT_LIMIT
from tests.export.conftest import SIZE
from tests.export.parts import one_module

pytestmark = pytest.mark.xdist_group("export")


def spec_of(path: Path) -> Any:
    with muted_start():
        import coremltools as ct
    return ct.models.MLModel(str(path), skip_model_load=True).get_spec()


@pytest.mark.slow
def test_a_bundle_of_packages_has_named_tensors_and_half_precision(source: Path, tmp_path: Path) -> None:
    plan = plan_export(source, size=SIZE, num_slots=2, target=Target.COREML_PACKAGE)
    exported = export_bundle(plan, tmp_path / "bundle")
    assert exported.parity is not None  # by the interpreter; no gate in half precision
    manifest = open_bundle(tmp_path / "bundle").manifest
    assert (manifest.golden_source, manifest.recipe.name, manifest.lowest_runtime) == ("eager", "fp16", {"ios": "17.0"})
    for graph in (Graph.ENCODER, Graph.OBJECTS, Graph.PROMPTS):
        artifact = manifest.graphs[graph]
        assert artifact.path == f"rmpsam-seaformer-tiny_64x96_{graph}_coreml_fp16.mlpackage"
        assert artifact.precision == "fp16"
        description = spec_of(tmp_path / "bundle" / artifact.path).description
        border = graph_spec(graph, manifest.contract.sizes)
        shapes = {tensor.name: tuple(tensor.type.multiArrayType.shape) for tensor in description.input}
        assert shapes == {tensor.name: tensor.shape for tensor in border.inputs}
        assert [tensor.name for tensor in description.output] == [tensor.name for tensor in border.outputs]
        assert artifact.delegation.mac_share == 1
        files = [p for p in (tmp_path / "bundle" / artifact.path).rglob("*") if p.is_file()]
        assert artifact.size_bytes == sum(file.stat().st_size for file in files)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("preset", "size"),
    [("rmpsam-mobile-tiny", 512), ("rmpsam-r18", 128), ("rmpsam-seaformer-base", 128)],
)
def test_float32_packages_of_whole_models_answer_as_eager(preset: str, size: int, tmp_path: Path) -> None:
    """With every rewrite of the target: the shipped student, and official models with seeded weights."""
    source: Path | str = preset
    if preset != "rmpsam-mobile-tiny":
        source = tmp_path / "seeded.safetensors"
        save_checkpoint(seeded_checkpoint(preset), Path(source))
    options = EngineOptions(precision=Precision.FP32)
    plan = plan_export(source, size=Size(size, size), num_slots=4, target=Target.COREML_PACKAGE, options=options)
    exported = export_bundle(plan, tmp_path / "bundle")  # raises where a tensor is off by more than 1e-4
    assert exported.parity is not None
    assert {tensor.limit for tensor in exported.parity.tensors} == {FLOAT_LIMIT}
    assert exported.parity.passes


def test_weights_are_stored_in_half_precision(tmp_path: Path) -> None:
    parts = one_module(nn.Linear(64, 512).float(), (1, 64))
    part = parts.parts[Graph.ENCODER]
    lowered = lower_to_coreml_package(capture(part), part.spec)
    lowered.write(tmp_path / "linear.mlpackage")
    weights = next((tmp_path / "linear.mlpackage").rglob("weight.bin"))
    assert 2 * 512 * 65 <= weights.stat().st_size < 3 * 512 * 65
    assert lowered.delegation.macs_total == 64 * 512
    assert lowered.planned_memory_bytes is None
    assert [path.name for path in tmp_path.iterdir()] == ["linear.mlpackage"]


def test_a_failed_conversion_is_an_export_error_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with muted_start():
        import coremltools as ct

    def refuse(*_: Any, **__: Any) -> None:
        raise ValueError("first line\nsecond line")

    part = one_module(nn.Linear(4, 4), (1, 4)).parts[Graph.ENCODER]
    program = capture(part)
    monkeypatch.setattr(ct, "convert", refuse)
    with pytest.raises(ExportError) as caught:
        coreml_package.lower_to_coreml_package(program, part.spec)
    assert str(caught.value) == "converting the encoder graph to Core ML failed: first line"
