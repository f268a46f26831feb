"""Weights that come with the package: found by name, whole, trained, and never in a file's way."""

from pathlib import Path

import pytest
import torch

from rmpsam_mobile.checkpoint import load_checkpoint, named_weights, read_checkpoint, shipped_weights
from rmpsam_mobile.checkpoint.shipped import FOLDER
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.quantization import find_recipe

SHIPPED = sorted(path.stem for path in FOLDER.glob("*.safetensors"))
LARGEST_SUM = 20e6  # bytes of all weights together


def test_the_student_ships() -> None:
    assert "rmpsam-mobile-tiny" in SHIPPED
    assert sum(path.stat().st_size for path in FOLDER.glob("*.safetensors")) <= LARGEST_SUM


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_weights_are_trained_finite_and_have_a_card(name: str) -> None:
    checkpoint = read_checkpoint(shipped_weights(name))
    assert checkpoint.preset == name.removesuffix("-int8")
    assert checkpoint.card.trained
    assert checkpoint.card.licence != "unknown"
    assert checkpoint.vocabulary is not None
    assert all(torch.isfinite(tensor.float()).all() for tensor in checkpoint.tensors.values())
    assert (FOLDER / f"{name}.md").read_text(encoding="utf-8").startswith(f"# {name}\n")


def test_the_recipe_of_8_bit_weights_can_be_read() -> None:
    recipe = find_recipe(str(FOLDER / "rmpsam-mobile-tiny-int8.json"))
    assert recipe.is_trained
    assert recipe.in_float


def test_a_preset_without_weights_is_refused_with_those_that_ship() -> None:
    with pytest.raises(InputError) as caught:
        shipped_weights("rmpsam-r50")
    assert str(caught.value) == (
        f"no trained weights ship for 'rmpsam-r50'; there are: {', '.join(SHIPPED)}; train some with distill"
    )


def test_a_name_stands_for_its_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_checkpoint("rmpsam-mobile-tiny").trained
    assert named_weights("../weights/rmpsam-mobile-tiny") == "../weights/rmpsam-mobile-tiny"  # a path is no name
    Path("rmpsam-mobile-tiny").write_text("mine")  # a file of that name goes first
    assert named_weights("rmpsam-mobile-tiny") == "rmpsam-mobile-tiny"
