"""From files to models: what loads, what is refused, and what is said about the rest."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import Tensor
from torch.nn import functional as F

from rmpsam_mobile.checkpoint import build_model, import_checkpoint, load_checkpoint, read_classifier, save_checkpoint
from rmpsam_mobile.checkpoint.layout import expected_shapes
from rmpsam_mobile.checkpoint.store import CLASSIFIER_NAME, Checkpoint
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.model.vocabulary import YOUTUBE_VIS_2019, Vocabulary
from tests.conftest import shared
from tests.seeded_weights import (
    digest,
    read_spec,
    seeded_classifier,
    seeded_state_dict,
    spec_of_preset,
    write_official_checkpoint,
)

PRESET = "rmpsam-r18"


@pytest.fixture(scope="module")
def weights() -> dict[str, Tensor]:
    return seeded_state_dict(spec_of_preset(PRESET))


@pytest.fixture(scope="module")
def official(weights: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_official_checkpoint(tmp_path_factory.mktemp("official") / "rmpsam_r18.pth", weights)


def unit_rows(classes: int, synonyms: int = 1, width: int = 768) -> Tensor:
    return F.normalize(torch.randn(classes, synonyms, width, generator=torch.Generator().manual_seed(1)), dim=-1)


def refusal(call: Callable[[], Any]) -> str:
    with pytest.raises(InputError) as caught:
        call()
    message = str(caught.value)
    assert "\n" not in message
    return message


def assert_holds(model: torch.nn.Module, weights: dict[str, Tensor]) -> None:
    state = model.state_dict()
    assert state.keys() == weights.keys()
    for name, tensor in weights.items():
        assert torch.equal(state[name], tensor), name


def test_seeded_weights_are_those_of_the_oracle() -> None:
    assert digest(seeded_state_dict(read_spec(shared("oracle", "rmpsam-r18.json")))) == "56b072b9123a4766"
    classes = seeded_classifier(read_spec(shared("oracle", "classifier-coco.json")))
    assert tuple(classes.shape) == (133, 17, 768)
    assert sha256(classes.numpy().tobytes()).hexdigest().startswith("41a8136d1f0b1406")


def test_an_official_checkpoint_loads_whole(official: Path, weights: dict[str, Tensor]) -> None:
    model = load_checkpoint(official)
    assert_holds(model, weights)
    assert (model.preset, model.training, model.classifier, model.vocabulary) == (PRESET, False, None, None)


def test_the_card_says_where_the_weights_come_from(official: Path) -> None:
    card = import_checkpoint(official, licence="CC-BY-4.0").card
    assert (card.source_name, card.kind, card.licence) == ("rmpsam_r18.pth", "official", "CC-BY-4.0")
    assert card.source_sha256 == sha256(official.read_bytes()).hexdigest()
    assert (card.trained, card.untrained, card.left_out, card.filled) == (True, (), (), ())
    assert import_checkpoint(official).card.licence == "unknown"


def test_our_own_file_loads_with_its_classes(official: Path, weights: dict[str, Tensor], tmp_path: Path) -> None:
    names = Vocabulary(("cat", "sky"), 1)
    made = import_checkpoint(official, classifier=unit_rows(2), vocabulary=names)
    path = tmp_path / "named.pth"  # the content decides, not the suffix
    save_checkpoint(made, path)
    model = load_checkpoint(path)
    assert_holds(model, weights)
    assert model.vocabulary == names
    assert model.classifier is not None
    assert torch.equal(model.classifier.text_embeddings, unit_rows(2))
    assert import_checkpoint(path).card == made.card


def test_half_precision_and_prefixes_load(weights: dict[str, Tensor], tmp_path: Path) -> None:
    halved = {f"module.{name}": tensor.half() for name, tensor in weights.items()}
    model = load_checkpoint(write_official_checkpoint(tmp_path / "half.pth", halved))
    expected = {name: tensor.half().to(tensor.dtype) for name, tensor in weights.items()}
    assert_holds(model, expected)
    assert next(model.parameters()).dtype == torch.float32


def test_plain_safetensors_load(weights: dict[str, Tensor], tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    safetensors.torch.save_file(dict(weights), path)
    assert_holds(load_checkpoint(path), weights)


def test_loading_leaves_the_random_state_alone(official: Path) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1234)
        before = torch.random.get_rng_state()
        load_checkpoint(official)
        assert torch.equal(torch.random.get_rng_state(), before)


def incomplete(weights: dict[str, Tensor]) -> dict[str, Any]:
    changed: dict[str, Any] = {name: tensor for name, tensor in weights.items() if not name.startswith("neck.loc_conv")}
    changed["panoptic_head.kernels.weight"] = torch.zeros(50, 256)
    changed["neck.extra"] = torch.zeros(1)
    changed["note"] = "text"
    return changed


def test_an_incomplete_checkpoint_is_refused_by_name(weights: dict[str, Tensor], tmp_path: Path) -> None:
    path = write_official_checkpoint(tmp_path / "part.pth", incomplete(weights))
    assert refusal(lambda: load_checkpoint(path)) == (
        f"{path}: gives 367 of 370 tensors of rmpsam-r18; missing 2: neck.loc_conv.weight, neck.loc_conv.bias; "
        "unexpected 1: neck.extra; not fitting 1: panoptic_head.kernels.weight (shape (50, 256), wanted (100, 256)); "
        "give a whole RMP-SAM checkpoint, or pass allow_partial=True (--allow-partial) to start the rest at random"
    )


def test_a_partial_import_is_seeded_and_says_so(weights: dict[str, Tensor], tmp_path: Path) -> None:
    path = write_official_checkpoint(tmp_path / "part.pth", incomplete(weights))
    first = import_checkpoint(path, allow_partial=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1234)
        second = import_checkpoint(path, allow_partial=True)
    assert first.card.trained is False
    assert first.card.untrained == ("neck: 2 of 59 tensors", "panoptic_head: 1 of 191 tensors")
    assert first.card.left_out == (
        ("note", "no tensor but str"),
        ("panoptic_head.kernels.weight", "shape (50, 256), wanted (100, 256)"),
        ("neck.extra", "not a name of rmpsam-r18"),
    )
    assert first.tensors.keys() == weights.keys()
    for name, tensor in first.tensors.items():
        assert torch.equal(tensor, second.tensors[name]), name
    assert torch.equal(first.tensors["neck.deconv.output_conv.weight"], weights["neck.deconv.output_conv.weight"])
    assert not torch.equal(first.tensors["panoptic_head.kernels.weight"], weights["panoptic_head.kernels.weight"])


def test_an_imagenet_encoder_needs_consent(weights: dict[str, Tensor], tmp_path: Path) -> None:
    path = tmp_path / "resnet18.pth"
    encoder = {name.removeprefix("backbone."): weights[name] for name in weights if name.startswith("backbone.")}
    old = {name: tensor for name, tensor in encoder.items() if not name.endswith("num_batches_tracked")}
    torch.save(old | {"fc.weight": torch.zeros(1000, 512)}, path, _use_new_zipfile_serialization=False)
    message = refusal(lambda: import_checkpoint(path))
    assert message.startswith(
        f"{path}: is an ImageNet encoder: it gives 120 of 370 tensors of rmpsam-r18; missing 250: neck."
    )
    assert message.endswith("or pass allow_partial=True (--allow-partial) to start the rest at random")
    made = import_checkpoint(path, allow_partial=True)
    assert (made.card.kind, made.card.trained, len(made.card.filled)) == ("imagenet-backbone", False, 20)
    assert made.card.untrained == ("neck: 59 of 59 tensors", "panoptic_head: 191 of 191 tensors")
    assert torch.equal(made.tensors["backbone.conv1.weight"], weights["backbone.conv1.weight"])
    assert build_model(made).preset == PRESET


def test_an_own_file_with_gaps_is_refused(official: Path, tmp_path: Path) -> None:
    whole, path = import_checkpoint(official), tmp_path / "gap.safetensors"
    tensors = {name: tensor for name, tensor in whole.tensors.items() if name != "backbone.conv1.weight"}
    save_checkpoint(Checkpoint(preset=PRESET, tensors=tensors, card=whole.card), path)
    assert "gives 369 of 370 tensors of rmpsam-r18; missing 1: backbone.conv1.weight; " in refusal(
        lambda: load_checkpoint(path)
    )
    save_checkpoint(whole, path, force=True)
    assert refusal(lambda: load_checkpoint(path, preset="rmpsam-r50")) == (
        f"{path}: is of preset rmpsam-r18, not rmpsam-r50; leave preset out, or give another file"
    )


def test_a_checkpoint_in_memory_must_be_whole() -> None:
    checkpoint = Checkpoint(preset=PRESET, tensors={"odd": torch.zeros(1)})
    message = refusal(lambda: build_model(checkpoint))
    assert message.startswith("371 tensors do not fit rmpsam-r18: backbone.bn1.bias, ")
    assert message.endswith("make the checkpoint with import_checkpoint")


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_are_refused_by_name(
    weights: dict[str, Tensor], tmp_path: Path, bad: float
) -> None:
    changed = dict(weights)
    changed["neck.deconv.output_conv.weight"] = torch.full(
        expected_shapes(PRESET)["neck.deconv.output_conv.weight"], bad
    )
    path = write_official_checkpoint(tmp_path / "bad.pth", changed)
    assert refusal(lambda: load_checkpoint(path)) == (
        f"{path}: 1 tensors hold numbers that are not finite, limit is 0: neck.deconv.output_conv.weight; "
        "download the file again, or take an earlier one of the training run"
    )


def write_classifier(path: Path, table: Tensor, form: str) -> Path:
    if form == "safetensors":
        safetensors.torch.save_file({"text": table}, path)
    elif form == "npy":
        with path.open("wb") as stream:
            np.save(stream, table.numpy())
    else:
        torch.save({"text": table} if form == "dict" else table, path)
    return path


@pytest.mark.parametrize("form", ["pth", "dict", "safetensors", "npy"])
def test_a_classifier_comes_in_any_container(tmp_path: Path, form: str) -> None:
    path = write_classifier(tmp_path / "classes", unit_rows(5, 3), form)
    assert torch.equal(read_classifier(path), unit_rows(5, 3))


def test_a_half_precision_classifier_is_accepted(tmp_path: Path) -> None:
    path = write_classifier(tmp_path / "classes", unit_rows(133, 2).half(), "pth")
    assert read_classifier(path).dtype == torch.float32


def test_a_checkpoint_lends_its_classifier(tmp_path: Path) -> None:
    path = tmp_path / "own.safetensors"
    safetensors.torch.save_file({CLASSIFIER_NAME: unit_rows(4), "other": torch.zeros(1)}, path)
    assert torch.equal(read_classifier(path), unit_rows(4))


@pytest.mark.parametrize(
    ("classes", "expected"),
    [(40, YOUTUBE_VIS_2019), (2, Vocabulary(("class 0", "class 1"), 2))],
)
def test_the_classifier_brings_its_names(official: Path, tmp_path: Path, classes: int, expected: Vocabulary) -> None:
    model = load_checkpoint(official, write_classifier(tmp_path / "classes.pth", unit_rows(classes), "pth"))
    assert model.vocabulary == expected
    assert model.classifier is not None
    assert model.classifier.num_classes == classes


WRONG_TABLES = [
    (
        unit_rows(2, 1, 512),
        "has width 512, this model reads 768; make the embeddings with the text encoder that the checkpoint was "
        "trained with (official: CLIP ConvNeXt-L at 320 px)",
    ),
    (
        unit_rows(2)[:, 0],
        "class embeddings of shape (2, 768) and type torch.float32; wanted floating point (classes, synonyms, 768); "
        "one embedding a class is (classes, 1, 768)",
    ),
    (
        torch.zeros(0, 1, 768),
        "class embeddings of shape (0, 1, 768) and type torch.float32; wanted floating point (classes, synonyms, 768); "
        "one embedding a class is (classes, 1, 768)",
    ),
    (
        torch.cat((unit_rows(2), 2 * unit_rows(1))),
        "the row of (class, synonym) (2, 0) has length 2.0000, limit is 1 within 0.001; "
        "divide each row by its length before saving",
    ),
    (
        torch.cat((unit_rows(2), torch.full((1, 1, 768), float("nan")))),
        "the row of (class, synonym) (2, 0) is not finite; make the embeddings again",
    ),
]


@pytest.mark.parametrize(("table", "message"), WRONG_TABLES, ids=["width", "rank", "empty", "length", "nan"])
def test_a_classifier_that_does_not_fit_is_refused(tmp_path: Path, table: Tensor, message: str) -> None:
    path = write_classifier(tmp_path / "classes.pth", table, "pth")
    assert refusal(lambda: read_classifier(path)) == f"{path}: {message}"


def test_loading_checks_the_classifier(official: Path, tmp_path: Path) -> None:
    table, message = WRONG_TABLES[0]
    path = write_classifier(tmp_path / "classes.pth", table, "pth")
    assert refusal(lambda: load_checkpoint(official, path)) == f"{path}: {message}"
    assert refusal(lambda: load_checkpoint(official, table)) == f"classifier: {message}"


def test_a_classifier_file_without_one_tensor_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "classes.pth"
    torch.save({"a": torch.zeros(1), "b": torch.zeros(1)}, path)
    ending = "1 tensor of class embeddings is wanted; is it the classifier's file?"
    assert refusal(lambda: read_classifier(path)) == f"{path}: holds 2 entries, {ending}"
    torch.save(["text"], path)
    assert refusal(lambda: read_classifier(path)) == f"{path}: holds a list, {ending}"
    np.save(tmp_path / "objects.npy", np.array([{}]), allow_pickle=True)
    assert (
        "objects.npy: is no whole array of numbers (Object arrays cannot be loaded when allow_pickle=False)"
        in refusal(lambda: read_classifier(tmp_path / "objects.npy"))
    )
    np.save(tmp_path / "texts.npy", np.array(["a"]))
    assert "texts.npy: is an array, but not of numbers; save it with" in refusal(
        lambda: read_classifier(tmp_path / "texts.npy")
    )


def test_names_that_do_not_match_the_classifier_are_refused(official: Path) -> None:
    one = Vocabulary(("cat",), 1)
    message = f"{official}: class embeddings for 2 classes and 1 class names; they must be equally many"
    assert refusal(lambda: import_checkpoint(official, classifier=unit_rows(2), vocabulary=one)).startswith(message)
    message = f"{official}: class embeddings for 0 classes and 1 class names; they must be equally many"
    assert refusal(lambda: import_checkpoint(official, vocabulary=one)).startswith(message)


def test_the_oracle_checkpoint_answers(tmp_path: Path) -> None:
    weights = seeded_state_dict(read_spec(shared("oracle", "rmpsam-r18.json")))
    path = write_official_checkpoint(tmp_path / "oracle.pth", weights)
    model = load_checkpoint(path, seeded_classifier(read_spec(shared("oracle", "classifier-ytvis2019.json"))))
    with torch.no_grad():
        found = model.objects(model.encode(torch.zeros(1, 3, 32, 32)))
    assert tuple(found.class_logits.shape) == (1, 100, 41)
    assert torch.isfinite(found.mask_logits).all()
