"""The neck's parts; its numbers as a whole are held by the official tensors."""

import pytest
import torch
from torch.nn import functional as F

from rmpsam_mobile.model.neck import Coordinates, DeformUpsample, Neck
from tests.models import enliven_norms, random_tensor, relative_error, small_model


@pytest.mark.parametrize(("height", "width"), [(3, 5), (8, 8), (1, 4)])
def test_coordinates_run_from_minus_one_to_one_x_first(height: int, width: int) -> None:
    grid = Coordinates()(torch.empty(2, 7, height, width, dtype=torch.float64))
    assert grid.shape == (2, 2, height, width)
    for r in range(height):
        for c in range(width):
            y = -1 + 2 * r / (height - 1) if height > 1 else -1
            assert grid[1, :, r, c].tolist() == pytest.approx([-1 + 2 * c / (width - 1), y])


@torch.no_grad()
def test_upsampling_bends_moves_and_doubles() -> None:
    module = DeformUpsample(6, 4).double().eval()
    enliven_norms(module)
    x = random_tensor(2, 6, 5, 3)
    predicted = F.conv2d(x, module.dcn_offset.weight, module.dcn_offset.bias, padding=1)
    y = module.dcn(x, predicted[:, :18], predicted[:, 18:].sigmoid())
    y = F.conv_transpose2d(module.dcn_bn(y).relu(), module.up_sample.weight, stride=2, padding=1)
    assert module(x).shape == (2, 4, 10, 6)
    assert relative_error(module(x), module.up_bn(y).relu()) < 1e-12


@torch.no_grad()
def test_deep_maps_pass_through_deformable_steps_and_shallow_ones_are_linear() -> None:
    neck = small_model().neck
    assert isinstance(neck, Neck)
    maps = [random_tensor(1, w, 16 >> i, 24 >> i, seed=i) for i, w in enumerate((64, 128, 256, 512))]
    zero = neck([torch.zeros_like(maps[0]), *maps[1:]])
    once, twice = neck(maps) - zero, neck([2 * maps[0], *maps[1:]]) - zero
    assert relative_error(twice, 2 * once) < 1e-10  # c2 enters by a convolution alone
    deep = neck([*maps[:3], 2 * maps[3]]) - neck(maps)
    assert relative_error(deep, neck(maps) - neck([*maps[:3], torch.zeros_like(maps[3])])) > 1e-3
