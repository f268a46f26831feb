"""Every size of the model: names, shapes and counts."""

import json
from hashlib import sha256
from typing import NamedTuple

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from rmpsam_mobile.errors import InputError
from rmpsam_mobile.model.presets import PRESETS, preset_config
from rmpsam_mobile.model.rmpsam import RmpSam
from tests.conftest import shared
from tests.models import unit_rows


class Size(NamedTuple):
    """What is known of a preset: entries, parameters of the parts, hash of sorted names and shapes."""

    entries: int
    backbone: int
    neck: int
    sha256: str
    head: int = 8_392_708  # the official one is the same everywhere


SIZES = {
    "rmpsam-r18": Size(370, 11_176_512, 1_258_225, "c319826ae35a63eb4bcd20754a5a33b42a8ee2b131b7de0b54015bd2f20c4b0d"),
    "rmpsam-r50": Size(568, 23_508_032, 15_351_505, "d6f2ed07b03d7890a83f71ad77f52227ebda2c09551dc5a07be9f5352bba2c14"),
    "rmpsam-seaformer-tiny": Size(
        676, 1_620_096, 295_993, "38143ff28fc3d56b79078bfe0bf5295ac1a65dcbf2642e1cc80b4b38b5c89641"
    ),
    "rmpsam-seaformer-small": Size(
        808, 3_912_656, 373_005, "2e73ad7499190fc45c40d8d4e61f38be3a227a5e73ab9852f365e1c071d191ef"
    ),
    "rmpsam-seaformer-base": Size(
        940, 8_485_664, 493_473, "bc0abd19552d6109e433131adbcbec56e51b7f79bede060c2ee80cff390f681c"
    ),
    "rmpsam-seaformer-large": Size(
        1012, 13_725_504, 826_481, "e14dd35f2f2048e044cd199d0088dc0637f1beecad516b83d3777fe91ea47683"
    ),
    "rmpsam-mobile-tiny": Size(
        653, 1_314_288, 204_477, "5f842a0c641f5031a80c1b66a28b707760a54dbafc2e4976b09793f9d118359b", 395_918
    ),
    "rmpsam-mobile-small": Size(
        671, 2_124_128, 215_933, "11726b10ea0f4a397c4464689fbd7f31628d0c8f79e69fe2cf9a1bc42b4ba6a7", 842_542
    ),
    "rmpsam-mobile-base": Size(
        839, 4_537_088, 229_437, "cca04b6d018ac17ec73fbc75f0959d0464d9833b39c712f70f7f209e4947c3c1", 1_456_974
    ),
    "rmpsam-teacher-efflite2": Size(
        628, 4_357_952, 530_285, "8ae9da6966904a6c176e0758d9b77c226e876e3e9b7e4bbe689b65cd7c0b0d80"
    ),
}
BUDGETS = {"tiny": 1.5, "small": 2.5, "base": 4.0}  # GMAC of encoder and object decoder at 512 x 512


def blank(preset: str) -> RmpSam:
    with torch.device("meta"):
        return RmpSam(preset_config(preset))


def shapes(preset: str) -> dict[str, list[int]]:
    return {name: list(tensor.shape) for name, tensor in blank(preset).state_dict().items()}


def test_the_table_has_every_preset() -> None:
    assert set(PRESETS) == set(SIZES)


@pytest.mark.parametrize("preset", SIZES)
def test_names_and_shapes_have_not_moved(preset: str) -> None:
    lines = "\n".join(f"{name} {shape}" for name, shape in sorted(shapes(preset).items()))
    assert len(shapes(preset)) == SIZES[preset].entries
    assert sha256(lines.encode()).hexdigest() == SIZES[preset].sha256


@pytest.mark.parametrize("preset", ["r18", "r50", "seaformer-base"])
def test_names_and_shapes_are_the_official_ones(preset: str) -> None:
    official = json.loads(shared("reference", f"parameters-{preset}.json").read_text(encoding="utf-8"))
    assert shapes(f"rmpsam-{preset}") == official


@pytest.mark.parametrize("preset", SIZES)
def test_parameters_are_as_many_as_published(preset: str) -> None:
    model = blank(preset)
    parts = {
        "backbone": SIZES[preset].backbone,
        "neck": SIZES[preset].neck,
        "panoptic_head": SIZES[preset].head,
    }
    assert {name: sum(p.numel() for p in part.parameters()) for name, part in model.named_children()} == parts


@pytest.mark.parametrize("size", BUDGETS)
def test_mobile_sizes_keep_to_their_budget(size: str) -> None:
    """Counted by torch before any rewrite; of the exact ones only bounded sampling adds to it, 0.09 GMAC for Tiny."""
    config = preset_config(f"rmpsam-mobile-{size}")
    model = RmpSam(config).eval().requires_grad_(requires_grad=False)
    model.set_classifier(unit_rows(133, 1, config.text_width))
    with FlopCounterMode(display=False) as counter:
        model.objects(model.encode(torch.zeros(1, 3, 512, 512)))
    assert counter.get_total_flops() / 2e9 <= BUDGETS[size]
    assert sum(p.numel() for p in model.parameters()) <= 5e6 or size == "base"


@pytest.mark.parametrize("preset", SIZES)
def test_maps_are_at_strides_4_8_16_and_32(preset: str) -> None:
    model = blank(preset).eval()
    maps = model.backbone(torch.empty(1, 3, 64, 96, device="meta"))
    assert [tuple(x.shape) for x in maps] == [
        (1, width, 64 // stride, 96 // stride)
        for width, stride in zip(model.backbone.widths, (4, 8, 16, 32), strict=True)
    ]


@pytest.mark.parametrize(
    ("name", "hint"), [("rmpsam-r81", "did you mean 'rmpsam-r18'? "), ("yolo", ""), ("", "")], ids=["near", "far", "no"]
)
def test_an_unknown_preset_is_refused_with_the_known_ones(name: str, hint: str) -> None:
    with pytest.raises(InputError) as caught:
        preset_config(name)
    known = ", ".join(PRESETS)
    assert str(caught.value) == f"unknown preset {name!r}; {hint}known: {known}; see rmpsam-mobile list"
