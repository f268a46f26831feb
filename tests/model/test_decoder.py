"""The decoder's parts against the formulas of the reference, written out."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from rmpsam_mobile.model.decoder import KernelUpdate, Stage, mask_product, masked_mean, masked_sum, run_stages
from rmpsam_mobile.model.heads import Ffn, Mlp, NormedLinear
from tests.models import SMALL, random_tensor, relative_error, small_model


@given(sides=st.tuples(st.integers(1, 4), st.integers(1, 5)), num=st.integers(1, 3), batch=st.integers(1, 2))
@settings(max_examples=20, deadline=None)
def test_a_mask_is_the_product_of_its_kernel_with_each_cell(sides: tuple[int, int], num: int, batch: int) -> None:
    kernels, features = random_tensor(batch, num, 6), random_tensor(batch, 6, *sides, seed=1)
    assert relative_error(mask_product(kernels, features), torch.einsum("bqc,bchw->bqhw", kernels, features)) < 1e-12


def test_pooling_is_a_sum_over_the_cells_above_zero() -> None:
    masks = torch.tensor([[[[1e-30, 5.0], [0.0, -1.0]]]], dtype=torch.float64)
    features = torch.tensor([[[[1.0, 10.0], [100.0, 1000.0]], [[2.0, 2.0], [2.0, 2.0]]]], dtype=torch.float64)
    assert masked_sum(masks, features).tolist() == [[[11.0, 4.0]]]


def test_an_empty_mask_pools_zeros() -> None:
    assert not masked_sum(torch.zeros(1, 2, 3, 3), torch.ones(1, 4, 3, 3)).any()


def test_masks_get_no_gradient_from_pooling() -> None:
    masks = random_tensor(1, 2, 3, 3).requires_grad_()
    features = random_tensor(1, 4, 3, 3).requires_grad_()
    masked_sum(masks, features).sum().backward()
    assert masks.grad is None
    assert features.grad is not None


def plain_update(m: KernelUpdate, f: Tensor, k: Tensor) -> Tensor:
    """Reference section 5.1."""
    p_in, p_out = m.dynamic_layer(f).split(m.width, -1)
    i_in, i_out = m.input_layer(k).split(m.width, -1)
    g = i_in * p_in
    gate_input = m.input_norm_in(m.input_gate(g)).sigmoid()
    gate_update = m.norm_in(m.update_gate(g)).sigmoid()
    out = gate_update * m.norm_out(p_out) + gate_input * m.input_norm_out(i_out)
    return F.relu(m.fc_norm(m.fc_layer(out)))


@torch.no_grad()
def test_the_update_is_the_gated_sum_of_pooled_features_and_query() -> None:
    update = KernelUpdate(8).double()
    for seed, parameter in enumerate(update.parameters()):
        parameter.copy_(random_tensor(*parameter.shape, seed=seed))  # distinct norms: a swap would show
    f, k = 30 * random_tensor(2, 5, 8, seed=91), random_tensor(2, 5, 8, seed=92)
    assert relative_error(update(f, k), plain_update(update, f, k)) < 1e-12
    assert (update(f, k) >= 0).all()


@torch.no_grad()
def test_stage_classes_are_divided_by_the_temperature_and_stage_masks_have_their_own_kernel() -> None:
    model = small_model()
    stage = model.panoptic_head.mask_heads[0]
    assert isinstance(stage, Stage)
    assert model.classifier is not None
    features, k = random_tensor(1, 32, 8, 8), random_tensor(1, 6, 32, seed=1)
    masks = stage.masks(features, k)
    read = stage.read(k, masks, model.classifier)
    assert read.class_logits is not None
    undivided = model.classifier(stage.cls_proj(stage.cls_fcs(k)))
    assert torch.equal(read.class_logits, undivided / SMALL.stage_temperature)
    assert relative_error(masks, mask_product(stage.fc_mask(stage.mask_fcs(k)), features)) < 1e-12
    assert read.iou.shape == (1, 6, 1)
    assert torch.equal(read.queries, k)  # not the mask kernel


@torch.no_grad()
def test_each_stage_pools_under_the_masks_of_the_one_before() -> None:
    head = small_model().panoptic_head
    features, k = random_tensor(1, 32, 8, 8), random_tensor(1, 6, 32, seed=1)
    steps = run_stages(head.mask_heads, features, k, mask_product(k, features))
    assert len(steps) == SMALL.num_stages + 1
    assert torch.equal(steps[0][1], mask_product(k, features))
    for stage, (before, masks), (after, _) in zip(head.mask_heads, steps, steps[1:], strict=False):
        assert isinstance(stage, Stage)
        assert torch.equal(after, stage.update(features, before, masks, None))


@pytest.mark.parametrize("widths", [(4, 4), (4, 6, 2), (3, 5, 5, 1)])
def test_a_perceptron_has_no_activation_at_its_end(widths: tuple[int, ...]) -> None:
    mlp = Mlp(*widths)
    assert [type(layer) for layer in mlp] == [nn.Linear, nn.ReLU] * (len(widths) - 2) + [nn.Linear]


def test_names_of_the_branches_are_the_official_ones() -> None:
    assert list(NormedLinear(4).state_dict()) == ["0.weight", "1.weight", "1.bias"]
    wanted = ["layers.0.0.weight", "layers.0.0.bias", "layers.1.weight", "layers.1.bias"]
    assert list(Ffn(4, 8).state_dict()) == wanted


def test_a_mean_over_a_mask_does_not_depend_on_its_area() -> None:
    masks = torch.tensor([[[[1.0, 1.0], [-1.0, 0.0]], [[-1.0, -1.0], [-1.0, -1.0]]]], dtype=torch.float64)
    features = torch.tensor([[[[1.0, 3.0], [100.0, 1000.0]]]], dtype=torch.float64)
    assert masked_mean(masks, features).tolist() == [[[2.0], [0.0]]]
