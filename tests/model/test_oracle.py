"""The network against every number that the official code produced, in float64."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from rmpsam_mobile.contracts import Size
from rmpsam_mobile.fit import Extent, Fit
from rmpsam_mobile.postprocess import masks_to_picture
from rmpsam_mobile.preprocess import pixel_values
from tests.conftest import GOLDEN, oracle, shared
from tests.model.oracle_tensors import ELSEWHERE, FILES, INPUTS, computed, small_part, thin
from tests.models import oracle_model
from tests.seeded_weights import digest, read_spec, seeded_classifier

pytestmark = pytest.mark.xdist_group("oracle")  # one worker computes all tensors once

TOLERANCE = 1e-6  # of the largest magnitude; the stored numbers are rounded to 6e-8
TENSORS = [(file, name) for file, names in FILES.items() for name in names]


def agrees(name: str, got: NDArray[Any], wanted: NDArray[Any]) -> None:
    """Equal within the tolerance, and masks of the same sign wherever the reference is not itself next to zero."""
    assert got.shape == wanted.shape
    if wanted.dtype == np.bool_:
        assert np.array_equal(got, wanted)
        return
    scale = float(np.abs(wanted).max())
    assert float(np.abs(got - wanted).max()) <= TOLERANCE * scale
    if name.endswith("mask_logits"):
        differ = (got > 0) != (wanted > 0)
        assert not (differ & (np.abs(wanted) > TOLERANCE)).any()


@pytest.mark.parametrize(("file", "name"), TENSORS, ids=[f"{file}/{name}" for file, name in TENSORS])
def test_the_small_part_of_each_tensor_in_the_repository_is_met(file: str, name: str) -> None:
    agrees(name, thin(computed(file)[name].numpy()), small_part()[f"{file}/{name}"])


@pytest.mark.parametrize("file", FILES)
def test_every_tensor_of_the_official_numbers_is_met(file: str) -> None:
    stored = oracle(file)
    for name in FILES[file]:
        agrees(name, computed(file)[name].numpy(), stored[name])


@pytest.mark.parametrize("file", FILES)
def test_no_tensor_of_the_official_numbers_is_forgotten(file: str) -> None:
    lists = (FILES[file], INPUTS[file], ELSEWHERE[file])
    names = [name for part in lists for name in part]
    assert len(set(names)) == len(names)
    assert set(names) == set(oracle(file))


@pytest.mark.parametrize("file", FILES)
def test_what_is_compared_is_what_is_listed_and_stored(file: str) -> None:
    assert set(computed(file)) == set(FILES[file])
    stored = {key.removeprefix(f"{file}/") for key in small_part() if key.startswith(f"{file}/")}
    assert stored == {*FILES[file], *INPUTS[file]}


def test_the_repository_holds_the_inputs_and_lists_of_the_official_numbers() -> None:
    for file, names in INPUTS.items():
        stored = oracle(file)
        assert all(np.array_equal(small_part()[f"{file}/{name}"], stored[name]) for name in names)
    for name in ("rmpsam-r18.json", "classifier-coco.json", "classifier-ytvis2019.json"):
        assert (GOLDEN / name).read_bytes() == shared("oracle", name).read_bytes()


def test_the_weights_are_those_the_numbers_were_made_with() -> None:
    single = {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in state().items()}
    assert digest(single) == "56b072b9123a4766"
    table = seeded_classifier(read_spec(GOLDEN / "classifier-coco.json"))
    assert (tuple(table.shape), digest({"": table})) == ((133, 17, 768), "41a8136d1f0b1406")


def state() -> dict[str, torch.Tensor]:
    return dict(oracle_model().state_dict())


@pytest.mark.parametrize("name", ["r18.image", "r18.prompts", "r18.clip"])
def test_the_pictures_give_the_pixel_values_bit_by_bit(name: str) -> None:
    stored = oracle(name)
    pictures = next(stored[key] for key in ("picture_bgr", "pictures_bgr", "frames_bgr") if key in stored)
    wanted = stored["frames"][0] if "frames" in stored else stored["pixel_values"]
    height, width = pictures.shape[-3:-1]
    size = Size(height, width)
    fitted = Extent(*stored["image_size"].tolist()) if "image_size" in stored else Extent(height, width)
    pictures = pictures.reshape(-1, height, width, 3)[:, : fitted.height, : fitted.width, ::-1].astype(np.uint8)
    got = np.concatenate([pixel_values(picture, Fit(fitted, fitted, size)) for picture in pictures])
    assert np.array_equal(got, wanted)


def test_prompt_masks_at_the_original_size_are_the_official_ones() -> None:
    stored = oracle("r18.prompts")
    original, fitted = (Extent(*stored[key].tolist()) for key in ("ori_shape", "image_size"))
    fit = Fit(original, fitted, Size(64, 96))
    packed = stored["binary_masks_packed"].astype(np.uint8)
    wanted = np.unpackbits(packed, axis=-1)[..., : original.width].astype(bool)
    for picture, masks in enumerate(computed("r18.prompts")["mask_logits"].numpy()):
        assert np.array_equal(masks_to_picture(masks, fit) > 0, wanted[picture])
