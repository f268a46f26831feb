"""From a checkpoint to a bundle: what is planned, what is written, and what is left when it fails."""

import hashlib
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest
import torch

from rmpsam_mobile.bundle import open_bundle
from rmpsam_mobile.checkpoint import import_checkpoint, save_checkpoint, seeded_checkpoint, weights_sha256
from rmpsam_mobile.contracts import Graph, GraphSpec, Size, Target, graph_spec
from rmpsam_mobile.errors import ExportError, GateError, InputError
from rmpsam_mobile.export import pipeline
from rmpsam_mobile.export.pipeline import export_bundle, plan_export
from rmpsam_mobile.export.rewrites import Applied, apply_rewrites, rewrite_names
from rmpsam_mobile.export.rewrites.gather_deform import GatherDeformConv
from rmpsam_mobile.export.split import SplitModel
from rmpsam_mobile.model.vocabulary import COCO_PANOPTIC
from rmpsam_mobile.validate.parity import FLOAT_LIMIT
from tests.export import stub_engine
from tests.export.conftest import SIZE, Made

pytestmark = pytest.mark.xdist_group("export")

FILES = {graph: f"rmpsam-seaformer-tiny_64x96_{graph}_xnnpack_fp32.pte" for graph in ("encoder", "objects", "prompts")}
STEPS = [
    *("rewrite", "capture encoder", "capture objects", "capture prompts"),
    *("lower encoder", "lower objects", "lower prompts", "golden pair", "parity"),
]


@pytest.fixture(scope="session")
def without_classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of which only encoder and prompts can be made."""
    path = tmp_path_factory.mktemp("source") / "prompts_only.safetensors"
    save_checkpoint(replace(seeded_checkpoint("rmpsam-seaformer-tiny"), classifier=None, vocabulary=None), path)
    return path


def test_a_plan_tells_every_step_and_writes_nothing(source: Path) -> None:
    plan = plan_export(source, size=SIZE, num_slots=4)
    assert plan.steps() == STEPS
    assert plan.graphs == (Graph.ENCODER, Graph.OBJECTS, Graph.PROMPTS)
    assert [plan.file_name(graph) for graph in plan.graphs] == list(FILES.values())
    assert plan.rewrites == rewrite_names(Target.XNNPACK)
    assert [path.name for path in source.parent.iterdir()] == [source.name]


def test_a_plan_with_clips_and_chosen_rewrites(source: Path) -> None:
    plan = plan_export(source, size=Size(96, 96), clip_frames=3, rewrites=["bake_constants", "fold_batch_norm"])
    assert plan.graphs == (Graph.ENCODER, Graph.OBJECTS, Graph.PROMPTS, Graph.CLIP)
    assert plan.file_name(Graph.CLIP) == "rmpsam-seaformer-tiny_96_clip_xnnpack_fp32.pte"
    assert plan.rewrites == ("fold_batch_norm", "bake_constants")


def test_what_was_done_is_what_was_planned(made: Made) -> None:
    assert made.told == made.plan.steps()


def test_the_bundle_holds_these_files_and_no_others(made: Made) -> None:
    folder = made.exported.bundle.folder
    beside = {"manifest.json", "SHA256SUMS", "golden.npz", "lowering.json"}
    assert {path.name for path in folder.iterdir()} == {*FILES.values(), *beside}
    assert [path.name for path in folder.parent.iterdir()] == ["tiny.bundle"]


def test_every_byte_is_hashed(made: Made) -> None:
    bundle = open_bundle(made.exported.bundle.folder)
    assert bundle == made.exported.bundle
    assert set(bundle.manifest.files) == {*FILES.values(), "golden.npz", "lowering.json"}
    for name, entry in bundle.manifest.files.items():
        raw = (bundle.folder / name).read_bytes()
        assert (hashlib.sha256(raw).hexdigest(), len(raw)) == (entry.sha256, entry.size_bytes)


def test_the_manifest_says_what_is_in_the_bundle(made: Made, source: Path) -> None:
    manifest = made.exported.bundle.manifest
    assert manifest.name == "rmpsam-seaformer-tiny_64x96"
    assert (manifest.contract.sizes.size, manifest.contract.sizes.num_slots) == (SIZE, 4)
    assert manifest.contract.class_names == COCO_PANOPTIC.names
    assert not manifest.contract.trained
    assert manifest.checkpoint_sha256 == weights_sha256(import_checkpoint(source))
    assert manifest.left_out == {"clip": "not asked for; videos are linked frame by frame; ask with --clip-frames 3"}
    assert list(manifest.rewrites) == list(rewrite_names(Target.XNNPACK))
    idle = {name for name, count in manifest.rewrites.items() if not count}
    assert idle == {"static_deform", "bounded_deform", "split_transposed_convs", "slice_cells"}
    assert (manifest.contract.sizes.channels, manifest.contract.sizes.query_width) == (131, 256)
    assert manifest.recipe.name == "fp32"
    assert manifest.golden_source == "files"
    nobody = {"teacher": "none took part", "data": "none took part"}
    assert manifest.licences == {"code": "Apache-2.0", "weights": "Apache-2.0", "source": "seeded"} | nobody
    assert manifest.lowest_runtime == {"executorch": version("executorch")}
    for package in ("rmpsam-mobile", "torch", "executorch", "torchao", "coremltools"):
        assert manifest.versions[package] == version(package)


@pytest.mark.parametrize("graph", FILES)
def test_each_graph_keeps_its_border_and_tells_what_was_delegated(made: Made, graph: str) -> None:
    artifact = made.exported.bundle.manifest.graphs[graph]
    assert artifact.path == FILES[graph]
    assert artifact.spec == graph_spec(Graph(graph), made.exported.bundle.manifest.contract.sizes)
    assert artifact.size_bytes == (made.exported.bundle.folder / artifact.path).stat().st_size
    assert artifact.planned_memory_bytes
    delegation = artifact.delegation
    assert delegation.delegate == "XNNPACK"
    assert delegation.mac_share > 0.5
    assert delegation.operators_total - delegation.operators_delegated == sum(
        left.count for left in delegation.leftovers
    )
    assert not any("grid_sampler" in left.operator for left in delegation.leftovers)


def test_the_files_answer_as_the_eager_model(made: Made) -> None:
    report = made.exported.parity
    assert report is not None
    assert report.passes
    assert {(t.graph, t.name) for t in report.tensors} == {
        (graph, tensor.name) for graph in made.plan.graphs for tensor in graph_spec(graph, made.plan.sizes).outputs
    }
    encoder = next(t for t in report.tensors if t.graph is Graph.ENCODER)
    assert encoder.allowed == FLOAT_LIMIT


def test_an_existing_folder_is_refused_before_any_work(made: Made) -> None:
    told: list[str] = []
    folder = made.exported.bundle.folder
    with pytest.raises(InputError) as caught:
        export_bundle(made.plan, folder, progress=told.append)
    assert str(caught.value) == f"{folder} exists already; choose another name, or replace it with --force"
    assert told == []


@pytest.mark.usefixtures("made")
def test_without_classes_there_are_two_graphs_and_the_manifest_says_why(
    without_classes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub_engine.install(monkeypatch)
    plan = plan_export(without_classes, size=SIZE, num_slots=2, clip_frames=2)
    assert plan.graphs == (Graph.ENCODER, Graph.PROMPTS)
    exported = export_bundle(plan, tmp_path / "bundle")
    reason = "the checkpoint has no class embeddings; import it with --classifier FILE"
    assert exported.bundle.manifest.left_out == {"objects": reason, "clip": reason}
    assert sorted(exported.bundle.manifest.graphs) == ["encoder", "prompts"]
    assert exported.parity is not None
    assert exported.parity.passes
    assert exported.bundle.manifest.contract.class_names == ()


def test_chosen_rewrites_alone_are_done_and_recorded(
    without_classes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub_engine.install(monkeypatch)
    plan = plan_export(without_classes, size=SIZE, num_slots=2, rewrites=["pool_axis_means"])
    exported = export_bundle(plan, tmp_path / "bundle")
    assert exported.bundle.manifest.rewrites == {"pool_axis_means": 8}


def test_a_failure_in_the_middle_leaves_nothing(
    without_classes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(spec: GraphSpec) -> None:
        if spec.graph is Graph.PROMPTS:  # the encoder's file is written by then
            assert [path.name for path in next(tmp_path.iterdir()).iterdir()]
            raise ExportError("lowering the prompts graph to XNNPACK failed: by order of this test")

    stub_engine.install(monkeypatch, fail)
    with pytest.raises(ExportError, match="by order of this test"):
        export_bundle(plan_export(without_classes, size=SIZE, num_slots=2), tmp_path / "bundle")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_replacement_keeps_the_old_folder(
    without_classes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: GraphSpec) -> None:
        raise KeyboardInterrupt

    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "kept").touch()
    stub_engine.install(monkeypatch, interrupt)
    with pytest.raises(KeyboardInterrupt):
        export_bundle(plan_export(without_classes, size=SIZE, num_slots=2), tmp_path / "bundle", force=True)
    assert [path.name for path in tmp_path.rglob("*")] == ["bundle", "kept"]


def test_a_rewrite_that_damages_a_weight_is_caught_and_nothing_is_kept(
    without_classes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaging(parts: SplitModel, names: tuple[str, ...]) -> tuple[Applied, ...]:
        applied = apply_rewrites(parts, names)
        gathers = [m for m in parts.parts[Graph.ENCODER].module.modules() if isinstance(m, GatherDeformConv)]
        gathers[0].weight.mul_(torch.tensor(1.5))
        return applied

    stub_engine.install(monkeypatch)
    monkeypatch.setattr(pipeline, "apply_rewrites", damaging)
    with pytest.raises(GateError) as caught:
        export_bundle(plan_export(without_classes, size=SIZE, num_slots=2), tmp_path / "bundle")
    assert str(caught.value).startswith("parity: encoder/mask_features is off by ")
    assert "; 1 of 3 tensors fail; " in str(caught.value)
    assert list(tmp_path.iterdir()) == []
