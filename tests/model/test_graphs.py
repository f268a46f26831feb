"""The separately run parts against the network's own calls."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from rmpsam_mobile.contracts import Graph, PointLabel
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.model.graphs import ClipGraph, ObjectsGraph, PromptsGraph, build_graph
from rmpsam_mobile.model.rmpsam import Encoding, Prompted
from tests.models import SMALL, random_tensor, relative_error, small_model

FEATURES = random_tensor(1, 32, 16, 24, seed=3)
SIZE = torch.tensor([[60.0, 90.0]], dtype=torch.float64)
EMPTY = PointLabel.EMPTY
PRESENT = PointLabel.FOREGROUND


def prompted(boxes: list[list[float]]) -> Prompted:
    given = torch.tensor([boxes], dtype=torch.float64)
    return small_model().prompts(Encoding(mask_features=FEATURES), given, (60, 90))


def slots(rows: list[tuple[list[float], list[int], list[float]]]) -> tuple[Tensor, Tensor]:
    """Run the prompt graph on rows of (point, labels, box)."""
    points = torch.tensor([[[point] for point, _, _ in rows]], dtype=torch.float64)
    labels = torch.tensor([[labels for _, labels, _ in rows]], dtype=torch.float64)
    boxes = torch.tensor([[box for _, _, box in rows]], dtype=torch.float64)
    masks, iou = PromptsGraph(small_model())(FEATURES, points, labels, boxes, SIZE)
    return masks, iou


def test_the_encoder_graph_is_encode() -> None:
    pixels = random_tensor(1, 3, 64, 96)
    got = build_graph(small_model(), Graph.ENCODER)(pixels)
    assert torch.equal(got, small_model().encode(pixels).mask_features)


def test_the_objects_graph_is_objects() -> None:
    class_logits, mask_logits, queries = build_graph(small_model(), Graph.OBJECTS)(FEATURES)
    objects = small_model().objects(Encoding(mask_features=FEATURES))
    assert torch.equal(class_logits, objects.class_logits)
    assert torch.equal(mask_logits, objects.mask_logits)
    assert torch.equal(queries, objects.queries)


def test_the_clip_graph_is_clip() -> None:
    frames = random_tensor(1, 3, 3, 32, 64)
    tall = small_model().encode_clip(frames).mask_features
    class_logits, mask_logits, queries = build_graph(small_model(), Graph.CLIP, 3)(tall)
    clip = small_model().clip(frames)
    assert torch.equal(class_logits, clip.class_logits)
    assert torch.equal(mask_logits, clip.mask_logits)
    assert torch.equal(queries, clip.queries)


@pytest.mark.parametrize("frames", [1, 2])
def test_a_short_clip_is_filled_up_with_zeros_exactly(frames: int) -> None:
    tall = random_tensor(1, 32, 8 * frames, 16, seed=6)
    filled = torch.cat((tall, torch.zeros(1, 32, 8 * (3 - frames), 16, dtype=torch.float64)), 2)
    short, long = ClipGraph(small_model(), frames)(tall), ClipGraph(small_model(), 3)(filled)
    assert relative_error(long[0], short[0]) < 1e-12
    assert relative_error(long[1][:, :, :frames], short[1]) < 1e-12
    assert relative_error(long[2], short[2]) < 1e-12
    assert not long[1][:, :, frames:].any()


def test_a_slot_holds_a_box_or_a_click() -> None:
    box, point, half = [10.0, 20.0, 50.0, 40.0], [33.0, 21.0], SMALL.click_half_width
    masks, iou = slots(
        [
            (point, [PRESENT, EMPTY], box),
            (point, [EMPTY, PRESENT], box),
            (point, [PRESENT, PRESENT], box),
        ]
    )
    click = [point[0] - half, point[1] - half, point[0] + half, point[1] + half]
    wanted = prompted([click, box, box])  # a box that is there is read before the point
    assert relative_error(masks, wanted.mask_logits) < 1e-12
    assert relative_error(iou, wanted.iou) < 1e-12


def test_an_empty_slot_answers_zero_whatever_lies_in_it() -> None:
    masks, iou = slots([([7.0, 7.0], [EMPTY, EMPTY], [1.0, 2.0, 3.0, 4.0]), ([7.0, 7.0], [PRESENT, EMPTY], [0.0] * 4)])
    assert not masks[:, 0].any()
    assert iou[0, 0] == 0
    assert masks[:, 1].any()


number = st.floats(-50, 150)
slot = st.tuples(
    st.tuples(number, number).map(list),
    st.sampled_from([[PRESENT, EMPTY], [EMPTY, PRESENT]]),
    st.tuples(number, number, number, number).map(list),
)


@given(used=st.lists(slot, min_size=1, max_size=4), data=st.data())
@settings(max_examples=30, deadline=None)
def test_padding_order_and_number_of_slots_never_change_a_mask(
    used: list[tuple[list[float], list[int], list[float]]], data: st.DataObject
) -> None:
    empty = ([0.0, 0.0], [EMPTY, EMPTY], [0.0] * 4)
    order = data.draw(st.permutations(range(6)))
    padded = [*used, *[empty] * (6 - len(used))]
    masks, iou = slots([padded[i] for i in order])
    plain_masks, plain_iou = slots(used)
    for i in range(len(used)):
        at = order.index(i)
        assert torch.equal(masks[:, at] > 0, plain_masks[:, i] > 0)
        torch.testing.assert_close(masks[:, at], plain_masks[:, i], rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(iou[:, at], plain_iou[:, i], rtol=1e-9, atol=1e-9)


def test_graphs_share_the_weights_of_the_model() -> None:
    model = small_model()
    assert set(map(id, build_graph(model, Graph.ENCODER).parameters())) <= set(map(id, model.parameters()))
    assert not build_graph(model, Graph.PROMPTS).training


def test_an_objects_graph_needs_classes() -> None:
    model = copy.deepcopy(small_model())
    model.classifier = None
    with pytest.raises(InputError) as caught:
        ObjectsGraph(model)
    assert str(caught.value) == ("small has no class embeddings for its object graph; import it with --classifier FILE")
