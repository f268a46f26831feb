"""What a prompt may change: its own mask, and nothing else."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from rmpsam_mobile.errors import InputError
from rmpsam_mobile.model.rmpsam import Encoding, Prompted
from tests.models import random_tensor, small_model

IMAGE_SIZE = (60, 90)
FEATURES = random_tensor(1, 32, 16, 24, seed=3)
ENCODING = Encoding(mask_features=FEATURES)

box = st.tuples(st.floats(-20, 100), st.floats(-20, 80), st.floats(-20, 120), st.floats(-20, 90))
boxes_of = st.lists(box, min_size=1, max_size=7)


def prompted(boxes: list[tuple[float, float, float, float]]) -> Prompted:
    return small_model().prompts(ENCODING, torch.tensor([boxes], dtype=torch.float64), IMAGE_SIZE)


def same(got: Prompted, wanted: Prompted, order: list[int]) -> None:
    """``got``'s slots in that order are ``wanted``'s: equal masks, logits but for the order of sums."""
    assert torch.equal(got.mask_logits[:, order] > 0, wanted.mask_logits > 0)
    torch.testing.assert_close(got.mask_logits[:, order], wanted.mask_logits, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(got.iou[:, order], wanted.iou, rtol=1e-9, atol=1e-9)


@given(boxes=boxes_of, data=st.data())
@settings(max_examples=25, deadline=None)
def test_order_never_changes_a_mask(boxes: list[tuple[float, float, float, float]], data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(boxes))))
    same(prompted([boxes[i] for i in order]), prompted(boxes), [order.index(i) for i in range(len(boxes))])


@given(boxes=boxes_of, others=boxes_of)
@settings(max_examples=25, deadline=None)
def test_other_prompts_never_change_a_mask(
    boxes: list[tuple[float, float, float, float]], others: list[tuple[float, float, float, float]]
) -> None:
    same(prompted(boxes + others), prompted(boxes), list(range(len(boxes))))
    same(prompted(others + boxes), prompted(boxes), list(range(len(others), len(others) + len(boxes))))


@given(boxes=boxes_of)
@settings(max_examples=10, deadline=None)
def test_asking_one_by_one_is_asking_at_once(boxes: list[tuple[float, float, float, float]]) -> None:
    together = prompted(boxes)
    for i, one in enumerate(boxes):
        same(together, prompted([one]), [i])


@pytest.mark.parametrize(
    "box",
    [
        (0.0, 0.0, 0.0, 0.0),
        (30.0, 30.0, 30.0, 30.0),
        (90.0, 60.0, 90.0, 60.0),
        (50.0, 40.0, 20.0, 10.0),
        (-1e9, -1e9, -1e8, -1e8),
        (1e9, 1e9, 2e9, 2e9),
        (-1e30, -1e30, 1e30, 1e30),
    ],
    ids=["corner", "zero area", "last corner", "turned round", "far before", "far behind", "around all"],
)
def test_awkward_boxes_are_clamped_and_never_nan(box: tuple[float, float, float, float]) -> None:
    found = prompted([box])
    assert torch.isfinite(found.mask_logits).all()
    assert torch.isfinite(found.iou).all()


def test_a_box_outside_is_the_box_at_the_rim() -> None:
    assert torch.equal(prompted([(200, 100, 206, 106)]).iou, prompted([(400, 300, 406, 306)]).iou)


def refusal(boxes: Tensor, image_size: tuple[int, int] = IMAGE_SIZE) -> str:
    with pytest.raises(InputError) as caught:
        small_model().prompts(ENCODING, boxes, image_size)
    return str(caught.value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_coordinate_that_is_no_number_is_refused(value: float) -> None:
    boxes = torch.zeros(1, 2, 4)
    boxes[0, 1, 2] = value
    assert refusal(boxes) == "a box has a coordinate that is not a finite number; give pixels of the picture"


@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4), (1, 3, 2)])
def test_boxes_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    assert refusal(torch.zeros(shape)) == f"boxes of shape {shape}; wanted (1, N, 4)"


@pytest.mark.parametrize("size", [(0, 90), (60, 0), (-1, 5)])
def test_a_picture_without_pixels_is_refused(size: tuple[int, int]) -> None:
    wanted = f"image_size {size}; wanted height and width of the picture, at least 1"
    assert refusal(torch.zeros(1, 1, 4), size) == wanted


def test_boxes_in_single_precision_are_taken_by_a_double_model() -> None:
    found = small_model().prompts(ENCODING, torch.tensor([[[1.0, 2.0, 30.0, 40.0]]]), IMAGE_SIZE)
    assert found.mask_logits.dtype == torch.float64


def test_stages_are_returned_only_when_asked_for() -> None:
    boxes = torch.tensor([[[1.0, 2.0, 30.0, 40.0]]])
    assert prompted([(1, 2, 30, 40)]).stages == ()
    assert len(small_model().prompts(ENCODING, boxes, IMAGE_SIZE, with_stages=True).stages) == 2
