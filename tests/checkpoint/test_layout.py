"""Recognising weights by names and shapes."""

import json
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from rmpsam_mobile.checkpoint.layout import Kind, expected_shapes, recognise
from rmpsam_mobile.checkpoint.pickle_machine import Placeholder
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.model.presets import PRESETS
from tests.conftest import shared

R18 = "rmpsam-r18"


def blank(preset: str) -> dict[str, Tensor]:
    """Weights of the right names, shapes and types; one number in memory for all of a tensor."""
    return {
        name: torch.zeros((), dtype=torch.int64)
        if name.endswith("num_batches_tracked")
        else torch.zeros(()).expand(shape)
        for name, shape in expected_shapes(preset).items()
    }


def imagenet(preset: str, head: str, width: int) -> dict[str, Tensor]:
    """The encoder alone, under the names of an ImageNet classifier."""
    encoder = {
        name.removeprefix("backbone."): tensor for name, tensor in blank(preset).items() if name.startswith("backbone.")
    }
    return encoder | {f"{head}.weight": torch.zeros(1000, width), f"{head}.bias": torch.zeros(1000)}


def refusal(values: Any, preset: str | None = None) -> str:
    with pytest.raises(InputError) as caught:
        recognise(values, "weights.pth", preset)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("size", ["r18", "r50", "seaformer-base"])
def test_the_model_has_the_official_names_and_shapes(size: str) -> None:
    official = json.loads(shared("reference", f"parameters-{size}.json").read_text())
    assert dict(expected_shapes(f"rmpsam-{size}")) == {name: tuple(shape) for name, shape in official.items()}


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_recognised_from_its_shapes(preset: str) -> None:
    found = recognise({"meta": {}, "state_dict": blank(preset)}, "weights.pth")
    assert (found.preset, found.kind) == (preset, Kind.OFFICIAL)
    assert list(found.tensors) == list(expected_shapes(preset))
    assert (found.missing, found.unexpected, found.misfits, found.left_out, found.filled) == ((), (), (), (), ())


@pytest.mark.parametrize(
    "wrap",
    [
        lambda weights: weights,
        lambda weights: {"state_dict": weights},
        lambda weights: {"model": weights, "epoch": 3},
        lambda weights: {"model": {"state_dict": weights}},
        lambda weights: {"state_dict": {f"module.{name}": tensor for name, tensor in weights.items()}},
        lambda weights: OrderedDict((f"module.model.{name}", tensor) for name, tensor in weights.items()),
        lambda weights: {name: np.asarray(tensor.contiguous()) for name, tensor in weights.items()},
    ],
    ids=["bare", "state_dict", "model", "twice", "module", "module.model", "arrays"],
)
def test_wrappings_and_prefixes_are_taken_off(wrap: Any) -> None:
    found = recognise(wrap(blank(R18)), "weights.pth")
    assert found.preset == R18
    assert (len(found.tensors), found.missing, found.unexpected) == (370, (), ())


def test_a_prefix_on_some_names_only_stays() -> None:
    weights = blank(R18)
    weights["module.extra"] = torch.zeros(1)
    assert recognise(weights, "weights.pth").unexpected == ("module.extra",)


def test_what_is_not_read_is_left_out_by_name() -> None:
    extra = {
        "data_preprocessor.mean": torch.zeros(3, 1, 1),
        "note": "text",
        "history": Placeholder("mmengine.logging.HistoryBuffer"),
    }
    found = recognise(blank(R18) | extra, "weights.pth")
    assert found.left_out == (
        ("data_preprocessor.mean", "pixel statistics are part of our preprocessing"),
        ("note", "no tensor but str"),
        ("history", "no tensor but mmengine.logging.HistoryBuffer"),
    )
    assert found.unexpected == ()


@pytest.mark.parametrize(
    ("preset", "head", "width"),
    [
        ("rmpsam-r18", "fc", 512),
        ("rmpsam-r50", "fc", 2048),
        ("rmpsam-seaformer-tiny", "head", 160),
        ("rmpsam-seaformer-small", "linear", 192),
        ("rmpsam-seaformer-base", "linear", 256),
        ("rmpsam-seaformer-large", "head", 320),
    ],
)
def test_imagenet_encoders_are_recognised_without_their_last_layer(preset: str, head: str, width: int) -> None:
    found = recognise(imagenet(preset, head, width), "weights.pth")
    assert (found.preset, found.kind) == (preset, Kind.BACKBONE)
    assert set(found.tensors) == {name for name in expected_shapes(preset) if name.startswith("backbone.")}
    reason = "ImageNet classes, which this network does not have"
    assert found.left_out == ((f"{head}.weight", reason), (f"{head}.bias", reason))
    assert found.missing == tuple(name for name in expected_shapes(preset) if not name.startswith("backbone."))
    assert found.unexpected == ()


def test_batch_counters_that_old_files_lack_are_filled_and_named() -> None:
    weights = {name: tensor for name, tensor in imagenet(R18, "fc", 512).items() if "num_batches" not in name}
    found = recognise(weights, "weights.pth")
    assert len(found.filled) == 20
    assert found.filled[0] == "backbone.bn1.num_batches_tracked"
    assert found.tensors["backbone.bn1.num_batches_tracked"].dtype == torch.int64
    assert not any(name.startswith("backbone.") for name in found.missing)


def test_a_counter_without_its_norm_is_missing() -> None:
    weights = {name: tensor for name, tensor in blank(R18).items() if not name.startswith("backbone.bn1.")}
    found = recognise(weights, "weights.pth")
    assert found.filled == ()
    assert len(found.missing) == 5


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_become_float32_and_counters_int64(dtype: torch.dtype) -> None:
    weights = {name: (tensor + 2.5).to(dtype) for name, tensor in blank(R18).items()}
    weights["backbone.bn1.num_batches_tracked"] = torch.tensor(float("inf"), dtype=dtype)
    found = recognise(weights, "weights.pth")
    for name, tensor in found.tensors.items():
        counter = name.endswith("num_batches_tracked")
        assert tensor.dtype == (torch.int64 if counter else torch.float32), name
    assert found.tensors["backbone.conv1.weight"].max() == 2.5
    assert found.tensors["backbone.bn1.num_batches_tracked"] == 0


def test_wrong_shapes_and_types_are_listed_by_name() -> None:
    weights = blank(R18)
    weights["neck.loc_conv.weight"] = torch.zeros(1)
    weights["panoptic_head.kernels.weight"] = torch.zeros(100, 256, dtype=torch.int8)
    weights["backbone.bn1.num_batches_tracked"] = torch.zeros(1, dtype=torch.int64)
    found = recognise(weights, "weights.pth")
    assert dict(found.misfits) == {
        "backbone.bn1.num_batches_tracked": "shape (1,), wanted ()",
        "neck.loc_conv.weight": "shape (1,), wanted (256, 130, 1, 1)",
        "panoptic_head.kernels.weight": "type torch.int8, wanted floating point",
    }
    assert found.missing == ()


def test_a_confirmed_preset_passes() -> None:
    assert recognise(blank(R18), "weights.pth", R18).preset == R18


def test_a_contradicted_preset_is_refused() -> None:
    assert refusal(blank(R18), "rmpsam-r50") == (
        "weights.pth: has the shapes of rmpsam-r18, not of rmpsam-r50; leave preset out, "
        "or give a checkpoint of rmpsam-r50"
    )


def test_an_unknown_preset_is_refused() -> None:
    message = refusal(blank(R18), "rmpsam-r19")
    assert message.startswith("unknown preset 'rmpsam-r19'; did you mean 'rmpsam-r18'? known: rmpsam-r50, rmpsam-r18, ")


def test_presets_of_equal_shapes_ask_for_a_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    twins = {R18: PRESETS[R18], "rmpsam-twin": PRESETS[R18]}
    shapes = expected_shapes(R18)
    monkeypatch.setattr("rmpsam_mobile.checkpoint.layout.PRESETS", twins)
    monkeypatch.setattr("rmpsam_mobile.checkpoint.layout.expected_shapes", lambda _: shapes)
    message = "weights.pth: fits rmpsam-r18 and rmpsam-twin equally well; pass preset='rmpsam-r18' or another"
    assert refusal(blank(R18)) == message
    assert recognise(blank(R18), "weights.pth", R18).preset == R18


def test_another_network_gets_the_best_match_and_names() -> None:
    stranger = {f"features.{index}.weight": torch.zeros(8, 8) for index in range(5)} | {
        "conv1.weight": torch.zeros(64, 3, 7, 7)
    }
    message = refusal(stranger)
    assert message.startswith(
        "weights.pth: belongs to another network; best match rmpsam-r18: 1 of 120 names are there, 1 fit"
    )
    assert "missing: backbone.bn1.weight, backbone.bn1.bias, backbone.bn1.running_mean and 116 more" in message
    assert (
        "unexpected: backbone.features.0.weight, backbone.features.1.weight, backbone.features.2.weight and 2 more"
        in message
    )
    assert message.endswith("give an official RMP-SAM checkpoint, or an ImageNet ResNet-18, ResNet-50 or SeaFormer")


def test_a_resnet_of_other_widths_is_another_network() -> None:
    wide = {name: torch.zeros([2 * side for side in tensor.shape]) for name, tensor in imagenet(R18, "fc", 512).items()}
    message = refusal(wide)
    assert "best match rmpsam-r" in message
    assert "names are there" in message


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({}, "dict with keys none"),
        ({"epoch": 3, "state_dict": {}}, "dict with keys epoch, state_dict"),
        ([torch.zeros(1)], "list"),
        (torch.zeros(1), "Tensor"),
        (Placeholder("mmengine.x"), "Placeholder"),
    ],
)
def test_files_without_named_weights_are_refused(values: Any, found: str) -> None:
    message = f"weights.pth: holds no weights by name (a {found}); give a file with a state_dict in it"
    assert refusal(values) == message
