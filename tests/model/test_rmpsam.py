"""The assembled network: its public surface and what it refuses."""

import copy

import pytest
import torch

from rmpsam_mobile.errors import InputError
from rmpsam_mobile.model.rmpsam import RmpSam
from tests.models import SMALL, random_tensor, relative_error, small_model, unit_rows


@pytest.mark.parametrize(
    "shape",
    [(3, 64, 96), (1, 4, 64, 96), (1, 3, 60, 96), (1, 3, 64, 90), (1, 3, 64, 0), (0, 3, 64, 64), (1, 3, 16, 16)],
)
def test_pixel_values_that_the_encoder_cannot_halve_five_times_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError) as caught:
        small_model().encode(torch.zeros(shape, dtype=torch.float64))
    assert str(caught.value) == (
        f"pixel_values of shape {shape}; wanted (B, 3, H, W), H and W multiples of 32; pad them"
    )


@pytest.mark.parametrize("shape", [(1, 3, 32, 32), (2, 3, 32, 96), (1, 3, 96, 32)])
def test_shapes_of_all_answers(shape: tuple[int, int, int, int]) -> None:
    model, (batch, _, height, width) = small_model(), shape
    encoding = model.encode(random_tensor(*shape))
    objects = model.objects(encoding)
    prompted = model.prompts(encoding, torch.tensor([[[1.0, 2, 9, 9], [3, 3, 20, 30]]] * batch), (height, width))
    assert encoding.mask_features.shape == (batch, 32, height // 4, width // 4)
    assert objects.class_logits.shape == (batch, 6, 6)
    assert objects.mask_logits.shape == (batch, 6, height // 4, width // 4)
    assert objects.queries.shape == (batch, 6, 32)
    assert prompted.mask_logits.shape == (batch, 2, height // 4, width // 4)
    assert prompted.iou.shape == (batch, 2)


def test_pictures_of_a_batch_do_not_meet() -> None:
    model, pixels = small_model(), random_tensor(3, 3, 32, 64)
    together = model.objects(model.encode(pixels))
    for b in range(3):
        alone = model.objects(model.encode(pixels[b : b + 1]))
        assert relative_error(together.mask_logits[b : b + 1], alone.mask_logits) < 1e-9
        assert relative_error(together.class_logits[b : b + 1], alone.class_logits) < 1e-9


def test_single_precision_runs_and_comes_near() -> None:
    double = small_model()
    single = copy.deepcopy(double).float()
    pixels = random_tensor(1, 3, 32, 64)
    got = single.encode(pixels.float()).mask_features
    assert got.dtype == torch.float32
    # rounding of sums over up to 9 * 512 terms, layer after layer
    assert relative_error(got, double.encode(pixels).mask_features) < 1e-4
    assert single.objects(single.encode(pixels.float())).class_logits.dtype == torch.float32


def without_classes() -> RmpSam:
    model = copy.deepcopy(small_model())
    model.classifier = None
    return model


def test_objects_without_classes_are_refused() -> None:
    model = without_classes()
    encoding = model.encode(random_tensor(1, 3, 32, 32))
    wanted = (
        "small has no class embeddings, which official checkpoints leave out; "
        "pass classifier=FILE to load_checkpoint, or --classifier FILE to rmpsam-mobile import"
    )
    with pytest.raises(InputError) as of_picture:
        model.objects(encoding)
    with pytest.raises(InputError) as of_clip:
        model.clip(random_tensor(1, 1, 3, 32, 32))
    assert [str(of_picture.value), str(of_clip.value)] == [wanted, wanted]


def test_prompts_need_no_classes() -> None:
    model = without_classes()
    prompted = model.prompts(model.encode(random_tensor(1, 3, 32, 32)), torch.ones(1, 1, 4), (32, 32), with_stages=True)
    assert prompted.mask_logits.shape == (1, 1, 8, 8)
    assert [stage.class_logits for stage in prompted.stages] == [None, None]


@pytest.mark.parametrize("shape", [(5, 24), (5, 2, 23), (1, 5, 2, 24)])
def test_class_embeddings_of_another_width_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError) as caught:
        copy.deepcopy(small_model()).set_classifier(torch.ones(shape))
    assert str(caught.value) == f"class embeddings of shape {shape}; this model reads (classes, synonyms, 24)"


def test_classes_follow_the_model_into_its_precision() -> None:
    model = RmpSam(SMALL).double()
    model.set_classifier(unit_rows(3, 1, 24).float())
    assert model.classifier is not None
    assert model.classifier.text_embeddings.dtype == torch.float64
    assert model.float().classifier is not None
    assert model.classifier.text_embeddings.dtype == torch.float32
    assert not any("classifier" in name for name in model.state_dict())


def test_stage_outputs_do_not_change_the_answer() -> None:
    model = small_model()
    encoding = model.encode(random_tensor(1, 3, 32, 64))
    plain, with_stages = model.objects(encoding), model.objects(encoding, with_stages=True)
    assert (len(plain.stages), len(with_stages.stages)) == (0, 2)
    assert torch.equal(plain.class_logits, with_stages.class_logits)
    assert torch.equal(plain.mask_logits, with_stages.mask_logits)


def test_a_new_model_is_untrained_and_carries_its_presets_name() -> None:
    model = RmpSam(SMALL)
    assert (model.preset, model.trained, model.vocabulary) == ("small", False, None)
