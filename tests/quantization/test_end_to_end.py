"""From calibration pictures to an 8-bit bundle, with a model of a few channels."""

import copy
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import nn
from torch.fx import GraphModule

from rmpsam_mobile.bundle import judge_golden, open_bundle, read_golden, record_golden
from rmpsam_mobile.checkpoint import Checkpoint
from rmpsam_mobile.contracts import Graph, GraphSizes, ModelContract, Size, Target, graph_spec
from rmpsam_mobile.errors import GateError, InputError, UnsupportedError
from rmpsam_mobile.export.file_gate import check_files, compare, gate_inputs, require_same
from rmpsam_mobile.export.pipeline import Exported, export_bundle, plan_export
from rmpsam_mobile.export.quantized import is_quantized, quantize, read_quantized
from rmpsam_mobile.export.quantized_graphs import capture_model, restored
from rmpsam_mobile.model.rmpsam import RmpSam
from rmpsam_mobile.quantization import QuantCoverage, read_calibration, recipe_named
from rmpsam_mobile.quiet import muted_warnings
from rmpsam_mobile.runtime import Array, Prompt, PteRunner, Segmenter
from tests.bundles import photo
from tests.models import small_model

pytestmark = pytest.mark.xdist_group("int8")
SIZES = GraphSizes(size=Size(64, 64), num_slots=2)
Coverage = dict[Graph, QuantCoverage]


@pytest.fixture(scope="module")
def model() -> RmpSam:
    """The small model with prompts only, in float32: two graphs to lower and no more."""
    model = copy.deepcopy(small_model()).float()
    model.classifier = model.vocabulary = None
    return model


@pytest.fixture(scope="module")
def checkpoint(model: RmpSam) -> Checkpoint:
    return Checkpoint(preset="small", tensors=dict(model.state_dict()))


@pytest.fixture(scope="module", autouse=True)
def _buildable(model: RmpSam) -> object:
    """The small model is no preset: give it to whoever builds one from its checkpoint."""
    with pytest.MonkeyPatch.context() as patch:
        for home in ("quantized", "plan"):
            patch.setattr(f"rmpsam_mobile.export.{home}.build_model", lambda _: copy.deepcopy(model))
        patch.setattr("rmpsam_mobile.export.plan.import_checkpoint", lambda path, **_: _small_file(path))
        yield


def _small_file(path: object) -> Checkpoint:
    from rmpsam_mobile.checkpoint import read_checkpoint

    return read_checkpoint(str(path))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from PIL import Image

    folder = tmp_path_factory.mktemp("calibration")
    for i, name in enumerate(("china.jpg", "flower.jpg") * 2):
        Image.fromarray(photo(name)[30 * i : 30 * i + 240, 60 * i : 60 * i + 320]).save(folder / f"{i}.png")
    return folder


@pytest.fixture(scope="module")
def quantized(
    checkpoint: Checkpoint, pictures: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Coverage]:
    folder = tmp_path_factory.mktemp("quantized") / "q"
    steps: list[str] = []
    coverage = quantize(
        checkpoint,
        recipe_named("int8-static"),
        read_calibration(pictures),
        folder,
        sizes=SIZES,
        progress=steps.append,
    )
    assert steps == ["capture", *(f"calibrate {i}" for i in range(1, 5)), "convert"]
    return folder, coverage


@pytest.fixture
def damaged(quantized: tuple[Path, Coverage], tmp_path: Path) -> Path:
    """A copy that a test may damage; the large files are links to the originals."""
    folder = tmp_path / "damaged"
    folder.mkdir()
    for path in quantized[0].iterdir():
        os.link(path, folder / path.name)
    return folder


def test_what_quantize_writes(quantized: tuple[Path, Coverage], pictures: Path) -> None:
    folder, coverage = quantized
    assert sorted(path.name for path in folder.iterdir()) == [
        "checkpoint.safetensors",
        "layers.json",
        "observers.safetensors",
        "quantization.json",
    ]
    assert is_quantized(folder)
    record = json.loads((folder / "quantization.json").read_text(encoding="utf-8"))
    assert record["calibration_sha256"] == read_calibration(pictures).sha256
    assert record["calibration_pictures"] == 4
    assert (record["size"], record["num_slots"], record["schema"]) == ([64, 64], 2, 3)
    assert coverage.keys() == {Graph.ENCODER, Graph.PROMPTS}
    for found in coverage.values():
        assert sum(found.done.values()) > 5
        assert found.left  # nothing is left out in silence: offsets and products of activations


def test_reading_gives_back_what_was_observed(quantized: tuple[Path, Coverage]) -> None:
    stored = read_quantized(quantized[0])
    assert stored.recipe == recipe_named("int8-static")
    assert stored.sizes.size == SIZES.size
    assert stored.record.calibration_pictures == 4
    assert set(stored.ranges) == {
        f"{graph}/{name}" for graph in (Graph.ENCODER, Graph.PROMPTS) for name in stored.of(graph)
    }
    assert all(bool(torch.isfinite(value).all()) for value in stored.ranges.values())


@pytest.mark.parametrize("name", ["observers.safetensors", "checkpoint.safetensors"])
def test_a_flipped_byte_is_caught(damaged: Path, name: str) -> None:
    raw = bytearray((damaged / name).read_bytes())
    raw[-5] ^= 1
    (damaged / name).unlink()
    (damaged / name).write_bytes(raw)
    with pytest.raises(InputError) as caught:
        read_quantized(damaged)
    assert str(caught.value) == f"{damaged / name}: its sha256 is not the recorded one; quantize again"


def _set(key: str, value: object) -> Callable[[dict[str, object]], object]:
    return lambda record: record.__setitem__(key, value)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (_set("schema", 2), "has schema 2; this version reads 3; quantize again"),
        (_set("recipe", "int3"), "cannot be read"),
        (_set("recipe", {"name": "x", "schema": 9}), "recipe: has schema 9; this version reads 2; make it again"),
        (_set("size", [64]), "cannot be read"),
        (_set("size", [63, 64]), "63 is no multiple of 32"),
        (_set("num_slots", 0), "0 prompt slots"),
        (_set("num_slots", "many"), "cannot be read"),
        (_set("sha256", {}), "cannot be read"),
        (_set("sha256", {"observers.safetensors": "00"}), "cannot be read|not the recorded one"),
        (_set("sha256", None), "cannot be read"),
        (lambda record: record.pop("calibration_sha256"), "cannot be read"),
    ],
)
def test_a_record_that_was_changed_is_refused(
    damaged: Path, edit: Callable[[dict[str, object]], object], message: str
) -> None:
    path = damaged / "quantization.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    edit(record)
    path.unlink()
    path.write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(InputError, match=message) as caught:
        read_quantized(damaged)
    assert "\n" not in str(caught.value)


def test_a_record_that_is_none(damaged: Path) -> None:
    (damaged / "quantization.json").unlink()
    assert not is_quantized(damaged)
    for text in ("", "[]", "{}", "null"):
        (damaged / "quantization.json").write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match="quantize again"):
            read_quantized(damaged)


def test_core_ml_is_refused(quantized: tuple[Path, Coverage]) -> None:
    with pytest.raises(UnsupportedError) as caught:
        plan_export(quantized[0], target=Target.COREML_PACKAGE)
    assert caught.value.exit_code == 4
    assert str(caught.value) == (
        f"{quantized[0]} is quantized for XNNPACK; it cannot become coreml-package; use --target xnnpack"
    )


def test_an_existing_folder_is_not_replaced(
    quantized: tuple[Path, Coverage], checkpoint: Checkpoint, pictures: Path
) -> None:
    with pytest.raises(InputError, match="exists already; choose another name, or replace it with --force"):
        quantize(checkpoint, recipe_named("int8-static"), read_calibration(pictures), quantized[0], sizes=SIZES)


@pytest.fixture(scope="module")
def exported(quantized: tuple[Path, Coverage], tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return export_bundle(plan_export(quantized[0]), tmp_path_factory.mktemp("exported") / "int8.bundle")


def test_the_8_bit_bundle_is_smaller_and_runs(
    quantized: tuple[Path, Coverage], checkpoint: Checkpoint, exported: Exported
) -> None:
    plan = plan_export(quantized[0])
    assert plan.precision == "int8"
    assert "gate" in plan.steps()
    manifest = open_bundle(exported.bundle.folder).manifest
    assert manifest.recipe.name == recipe_named("int8-static").name
    assert manifest.recipe.calibration_pictures == 4
    assert manifest.recipe.calibration_sha256 == plan.quantized.record.calibration_sha256  # type: ignore[union-attr]
    assert all(path.endswith("_int8.pte") for path in (a.path for a in manifest.graphs.values()))
    weights = sum(t.numel() for t in checkpoint.tensors.values()) * 4
    assert sum(artifact.size_bytes for artifact in manifest.graphs.values()) < 1.5 * weights

    segmenter = Segmenter.open(exported.bundle.folder)
    segmenter.set_image(photo())
    logits, scores = segmenter.predict_many([Prompt(((200, 200),), (1,)), Prompt(box=(60, 30, 380, 390))])
    assert np.isfinite(logits).all()
    assert np.isfinite(scores).all()
    assert exported.parity is not None  # reported, not required: tensors of 8-bit files are judged by task metrics
    masks = [tensor for tensor in exported.parity.tensors if tensor.name == "mask_logits"]
    assert masks
    assert all(tensor.mask_iou is not None and tensor.mask_iou > 0.5 for tensor in masks)


class Gated(NamedTuple):
    """Quantized graphs, the float ones, and the files that they become."""

    modules: dict[Graph, GraphModule]
    floats: dict[Graph, nn.Module]
    paths: dict[Graph, Path]
    contract: ModelContract


@pytest.fixture(scope="module")
def gated(quantized: tuple[Path, Coverage], model: RmpSam, exported: Exported) -> Gated:
    stored = read_quantized(quantized[0])
    captured = capture_model(copy.deepcopy(model), SIZES)
    modules = restored(captured, stored.recipe, {graph: stored.of(graph) for graph in captured.programs})
    return Gated(
        modules, captured.parts.modules, {graph: exported.bundle.path(graph) for graph in modules}, captured.contract
    )


def test_the_gate_passes_what_was_exported_and_runs_it_in_a_fresh_process(gated: Gated, exported: Exported) -> None:
    checks = check_files(*gated)
    assert exported.checks == checks
    assert {(check.graph, check.name) for check in checks} >= {
        (Graph.ENCODER, "mask_features"),
        (Graph.PROMPTS, "mask_logits"),
    }
    assert next(check.snr for check in checks if check.graph is Graph.ENCODER) > 20


def judge(gated: Gated, pixels: Callable[[Array], Array] = lambda x: x) -> None:
    """The gate's comparison in this process; ``pixels`` changes what the file gets."""
    encoder = {Graph.ENCODER: gated.modules[Graph.ENCODER]}
    inputs = gate_inputs(encoder[Graph.ENCODER], gated.contract, (Graph.ENCODER,))
    runner = PteRunner({Graph.ENCODER: gated.paths[Graph.ENCODER]}, gated.contract)
    answers = {Graph.ENCODER: runner.run(Graph.ENCODER, [pixels(inputs[Graph.ENCODER][0])])}
    require_same(compare(encoder, gated.floats, inputs, answers, gated.contract))


def test_a_damaged_weight_is_caught(gated: Gated, tmp_path: Path) -> None:
    judge(gated)
    raw = bytearray(gated.paths[Graph.ENCODER].read_bytes())
    tensors = gated.modules[Graph.ENCODER].state_dict().values()
    kernels = [t for t in tensors if t.dtype is torch.int8 and t.shape[2:] == (1, 1)]  # one layout for all engines
    weight = max(kernels, key=torch.Tensor.numel).numpy().tobytes()
    start = raw.index(weight)
    raw[start : start + len(weight)] = bytes(127 - (b & 1) for b in weight)
    damaged = tmp_path / "damaged.pte"
    damaged.write_bytes(raw)
    with pytest.raises(GateError, match="it is not this model; do not ship it"):
        judge(gated._replace(paths={Graph.ENCODER: damaged}))


def test_a_swapped_normalisation_is_caught(gated: Gated) -> None:
    mean, std = (np.array(x, np.float32)[:, None, None] for x in (gated.contract.mean, gated.contract.std))
    with pytest.raises(GateError, match=r"^encoder/mask_features: the file answers with"):
        judge(gated, lambda x: (x * std + mean) / 255)


def test_a_wrong_scale_is_caught(gated: Gated) -> None:
    with muted_warnings():  # a copy of a graph uses what torch 2.13 has deprecated
        planted = copy.deepcopy(gated.modules[Graph.ENCODER])
    nodes = [n for n in planted.graph.nodes if "dequantize_per_tensor" in str(n.target)]
    node = nodes[-1]
    node.args = (node.args[0], 4 * node.args[1], *node.args[2:])
    planted.recompile()
    with pytest.raises(GateError, match=r"^encoder/mask_features: the file answers with"):
        judge(gated._replace(modules={Graph.ENCODER: planted}))


def test_a_golden_pair_that_another_file_made_is_caught(gated: Gated, model: RmpSam) -> None:
    paths, contract = gated.paths, gated.contract
    bundle = open_bundle(paths[Graph.ENCODER].parent)
    names = {graph: [t.name for t in graph_spec(graph, contract.sizes).outputs] for graph in paths}
    own = record_golden(contract, names, PteRunner(paths, contract).run)
    assert all(tensor.passes for tensor in judge_golden(read_golden(bundle.folder), own))
    with torch.no_grad():
        other = copy.deepcopy(model)
        other.neck.loc_conv.weight.mul_(1.2)
    theirs = record_golden(contract, names, capture_model(other, SIZES).float_runner().run)
    assert not all(tensor.passes for tensor in judge_golden(theirs, own))
