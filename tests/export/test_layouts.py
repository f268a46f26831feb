"""Other people's layouts, with an engine that lowers to nothing: folders, names, and what their JSON must hold."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rmpsam_mobile.bundle import open_bundle
from rmpsam_mobile.checkpoint import read_checkpoint
from rmpsam_mobile.contracts import Layout, Target
from rmpsam_mobile.errors import InputError, UnsupportedError
from rmpsam_mobile.export.layouts import export_in_layout, model_card
from rmpsam_mobile.export.plan import ExportPlan, plan_export
from tests.export import stub_engine
from tests.export.conftest import SIZE

pytestmark = pytest.mark.xdist_group("export")


@pytest.fixture(scope="module")
def plan(source: Path) -> Iterator[ExportPlan]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        stub_engine.install(monkeypatch)
        yield plan_export(source, size=SIZE, num_slots=2)


@pytest.fixture(scope="module")
def hub(plan: ExportPlan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in the hub's layout; not to be edited."""
    folder = tmp_path_factory.mktemp("layouts") / "hub"
    export_in_layout(plan, folder, Layout.HUGGING_FACE)
    return folder


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_react_native_executorch(plan: ExportPlan, tmp_path: Path) -> None:
    exported = export_in_layout(plan, tmp_path / "rne", Layout.REACT_NATIVE)
    assert names(tmp_path / "rne") == {"README.md", "xnnpack"}
    bundle = open_bundle(tmp_path / "rne" / "xnnpack")
    assert bundle.folder == exported.bundle.folder
    config = read(bundle.folder / "config.json")
    assert "config.json" in bundle.manifest.files  # hashed as the rest
    assert (config["model"], config["size"], config["backend"]) == ("rmpsam_seaformer_tiny", "64x96", "xnnpack")
    assert config["license"] == "Apache-2.0"
    (variant,) = config["variants"]
    components = {
        graph: f"rmpsam_seaformer_tiny_64x96_{graph}_xnnpack_fp32.pte" for graph in ("encoder", "objects", "prompts")
    }
    assert (variant["file"], variant["components"]) == (None, components)
    assert set(components.values()) <= names(bundle.folder)
    assert (variant["precision"], variant["quantized"], variant["default"]) == ("fp32", False, True)
    assert variant["size_bytes"] == 3 * len(b"stub")
    (pixels,) = variant["methods"]["encoder"]["inputs"]
    assert pixels == {"name": "pixel_values", "shape": [1, 3, 64, 96], "dtype": "float32"}


def test_hugging_face(hub: Path, source: Path) -> None:
    files = {"README.md", "config.json", "preprocessor_config.json", "model.safetensors", "xnnpack"}
    assert names(hub) == files
    config, processor = (read(hub / name) for name in ("config.json", "preprocessor_config.json"))
    assert config["preset"] == "rmpsam-seaformer-tiny"
    assert config["label2id"][config["id2label"]["0"]] == 0
    assert processor["size"] == {"height": 64, "width": 96}
    contract = open_bundle(hub / "xnnpack").manifest.contract
    # (v * factor - mean) / std of theirs is (v - mean) / std of ours
    for theirs, ours in (("image_mean", contract.mean), ("image_std", contract.std)):
        assert [value / processor["rescale_factor"] for value in processor[theirs]] == pytest.approx(ours)
    stored, given = (read_checkpoint(path) for path in (hub / "model.safetensors", source))
    assert stored.tensors.keys() == given.tensors.keys()


def test_a_card_says_licences_and_untrained(plan: ExportPlan, hub: Path) -> None:
    manifest = open_bundle(hub / "xnnpack").manifest
    card = (hub / "README.md").read_text(encoding="utf-8")
    assert card == model_card(plan, manifest, "xnnpack")
    assert card.startswith("---\nlicense: apache-2.0\n")
    terms = replace(manifest, licences={**manifest.licences, "weights": "research use only"})
    card = model_card(plan, terms, "xnnpack")
    assert card.startswith("---\nlicense: other\n")
    assert "| weights | research use only |" in card
    assert "Untrained weights" in card


def test_what_the_layout_cannot_hold_is_refused(plan: ExportPlan, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError) as caught:
        export_in_layout(replace(plan, target=Target.ONNX), tmp_path / "new", Layout.REACT_NATIVE)
    assert str(caught.value) == ("react-native-executorch has no folder for onnx; it has xnnpack, coreml, vulkan, qnn")
    assert list(tmp_path.iterdir()) == []


def test_an_existing_folder_is_kept(plan: ExportPlan, tmp_path: Path) -> None:
    (tmp_path / "hub").mkdir()
    with pytest.raises(InputError, match="exists already"):
        export_in_layout(plan, tmp_path / "hub", Layout.HUGGING_FACE)
    assert list((tmp_path / "hub").iterdir()) == []
