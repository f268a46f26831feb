"""The two adapters and what leads to them."""

import torch

from rmpsam_mobile.model.decoder import mask_product, masked_sum
from rmpsam_mobile.model.prompt import normalise_boxes
from tests.models import random_tensor, relative_error, small_model

FEATURES = random_tensor(2, 32, 8, 8, seed=1)
SIZE = torch.tensor([[30.0, 32.0]], dtype=torch.float64)
BOXES = torch.tensor([[[1.0, 2, 20, 25], [5, 5, 11, 11]]] * 2, dtype=torch.float64)


def test_an_object_is_its_own_mask_kernel_and_never_negative() -> None:
    head = small_model().panoptic_head
    state = head.objects(FEATURES)
    assert torch.equal(state.mask_logits, mask_product(state.queries, FEATURES))
    assert (state.queries >= 0).all()
    k, masks = state.steps[-1]
    assert torch.equal(state.queries, head.panoptic_attn(masked_sum(masks, FEATURES), k))
    assert torch.equal(state.class_embeddings, head.panoptic_cls(state.queries))


def test_all_pictures_start_from_the_same_learned_queries() -> None:
    head = small_model().panoptic_head
    first, _ = head.objects(FEATURES).steps[0]
    assert torch.equal(first[0], head.kernels.weight)
    assert torch.equal(first[1], head.kernels.weight)


def test_a_prompt_starts_from_its_place_one_embedding_and_one_token() -> None:
    head = small_model().panoptic_head
    place = head.pos_linear(head.sine_code(normalise_boxes(BOXES, SIZE)))
    wanted = place + head.pb_embedding.weight[1] + head.mask_tokens.weight[0]
    assert relative_error(head.prompt_queries(BOXES, SIZE), wanted) < 1e-12


def test_a_prompt_ends_in_one_look_at_all_cells() -> None:
    head = small_model().panoptic_head
    state = head.prompts(FEATURES, BOXES, SIZE)
    k, _ = state.steps[-1]
    cells = FEATURES.flatten(2).transpose(1, 2)
    queries = head.prompt_norm(k + head.prompt_attn.attn(k, cells, cells))
    assert relative_error(state.queries, queries) < 1e-12
    assert relative_error(state.iou, head.prompt_iou(queries)[..., 0]) < 1e-12
    assert relative_error(state.mask_logits, mask_product(queries, FEATURES)) < 1e-12


def test_unused_slots_become_zero_and_leave_the_others() -> None:
    head = small_model().panoptic_head
    used = torch.tensor([[[1.0], [0.0]]] * 2, dtype=torch.float64)
    masked, plain = head.prompts(FEATURES, BOXES, SIZE, used), head.prompts(FEATURES, BOXES, SIZE)
    assert torch.equal(masked.mask_logits[:, 0], plain.mask_logits[:, 0])
    assert not masked.mask_logits[:, 1].any()
    assert not masked.iou[:, 1].any()
