"""The object branch on held-out pictures, on models whose answers are known."""

from dataclasses import replace
from typing import cast

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from rmpsam_mobile.data.samples import Sample
from rmpsam_mobile.distill.held_out_objects import HeldOutObjects, measure_objects
from rmpsam_mobile.model.rmpsam import Encoding, Objects, RmpSam
from tests.distill.small_runs import SIZE, disc_sample, small_presets, small_student

__all__ = ["small_presets"]
NUM_CLASSES = 3


def sample_of(labels: list[int], *, is_exhaustive: bool = True) -> Sample:
    """An object a label, 8 x 12 px each, apart from one another."""
    masks = np.zeros((len(labels), 1, SIZE, SIZE), np.bool_)
    for number, mask in enumerate(masks):
        y, x = 12 * (number // 4), 16 * (number % 4)
        mask[:, y : y + 8, x : x + 12] = True
    return replace(disc_sample(0), masks=masks, labels=np.array(labels, np.int64), is_exhaustive=is_exhaustive)


class Known(nn.Module):
    """Stands for a model: six queries, the last ones first, answer with a sample's objects and these classes."""

    def __init__(self, sample: Sample, classes: list[int], *, padding: bool = False) -> None:
        super().__init__()
        self.anchor = nn.Parameter(torch.zeros(1))
        masks = torch.full((1, 6, SIZE // 4, SIZE // 4), -20.0)
        class_logits = torch.zeros(1, 6, NUM_CLASSES + 1)
        class_logits[..., NUM_CLASSES] = 5.0
        for number, mask in enumerate(sample.masks[:6, 0]):
            masks[0, 5 - number] = 40.0 * torch.from_numpy(mask)[2::4, 2::4] - 20
            class_logits[0, 5 - number, classes[number]] = 9.0
        if padding:
            masks[:, :, 12:] = 20.0  # below the picture, where nothing is compared
        self.answer = Objects(class_logits=class_logits, mask_logits=masks, queries=torch.zeros(1, 6, 1))

    def encode(self, pixel_values: Tensor) -> Encoding:
        return Encoding(mask_features=pixel_values)

    def objects(self, encoding: Encoding) -> Objects:
        assert encoding.mask_features.shape == (1, 3, SIZE, SIZE)
        return self.answer


def measured(model: Known, *samples: Sample) -> HeldOutObjects | None:
    return measure_objects(cast(RmpSam, model), samples)


@pytest.mark.parametrize("padding", [False, True])
def test_everything_found_and_named(padding: bool) -> None:
    sample = sample_of([0, 1, 2, 1])
    found = measured(Known(sample, [0, 1, 2, 1], padding=padding), sample, sample)
    assert found == HeldOutObjects(object_iou=1.0, object_class=1.0, object_count=8)


def test_masks_and_names_are_told_apart() -> None:
    """A query is chosen by its mask, whatever it names; "no object" is a wrong name."""
    sample = sample_of([0, 1, 2, 1])
    assert measured(Known(sample, [0, 2, NUM_CLASSES, 1]), sample) == HeldOutObjects(1.0, 0.5, 4)
    moved = replace(sample, masks=np.roll(sample.masks, 4, axis=-1))  # 8 of 12 columns in common, 16 in either
    found = measured(Known(moved, [0, 1, 2, 1]), sample)
    assert found is not None
    assert found.object_iou == pytest.approx(0.5, abs=0.02)
    assert found.object_class == 1.0


def test_more_objects_than_queries_are_missed() -> None:
    sample = sample_of([0] * 8)
    assert measured(Known(sample, [0] * 8), sample) == HeldOutObjects(0.75, 0.75, 8)


def test_what_is_not_known_is_not_judged() -> None:
    sample = sample_of([0, -1, 2, -1])
    assert measured(Known(sample, [0, 1, 2, 1]), sample) == HeldOutObjects(1.0, 1.0, 2)
    assert measured(Known(sample, [0, 1, 2, 1]), replace(sample, is_exhaustive=False)) is None
    assert measured(Known(sample, [0, 1, 2, 1]), sample_of([-1]), sample_of([])) is None
    assert measured(Known(sample, [0, 1, 2, 1])) is None


@pytest.mark.usefixtures("small_presets")
def test_a_real_model_is_measured_the_same_twice() -> None:
    model = small_student().eval()
    samples = [disc_sample(3, seed=seed) for seed in range(2)]
    one, two = (measure_objects(model, samples) for _ in range(2))
    assert one == two
    assert one is not None
    assert one.object_count == 6
    assert 0 <= one.object_iou <= 1
    assert not any(parameter.grad is not None for parameter in model.parameters())
