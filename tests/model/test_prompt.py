"""From boxes to prompt queries, against plain loops."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rmpsam_mobile.model.prompt import MARGIN, SineCode, click_boxes, normalise_boxes
from tests.models import random_tensor

SIZE = torch.tensor([[60.0, 90.0]], dtype=torch.float64)  # height, width
LOW, HIGH = MARGIN / (1 + MARGIN), 1 / (1 + MARGIN)


def official(value: float) -> float:
    """The official clamp: an inverse sigmoid with its margins, and a sigmoid of the result."""
    value = min(max(value, 0.0), 1.0)
    logit = math.log(max(value, 1e-5) / max(1 - value, 1e-5))
    return 1 / (1 + math.exp(-logit))


coordinate = st.floats(-1e4, 1e4, allow_nan=False)


@given(corners=st.tuples(coordinate, coordinate, coordinate, coordinate))
@settings(max_examples=100, deadline=None)
def test_boxes_become_centre_and_size_of_the_picture(corners: tuple[float, float, float, float]) -> None:
    x1, y1, x2, y2 = corners
    got = normalise_boxes(torch.tensor([[corners]], dtype=torch.float64), SIZE)[0, 0].tolist()
    plain = ((x1 + x2) / 2 / 90, (y1 + y2) / 2 / 60, (x2 - x1) / 90, (y2 - y1) / 60)
    assert got == pytest.approx([official(value) for value in plain], abs=1e-12)
    assert all(LOW <= value <= HIGH for value in got)


def test_each_picture_of_a_batch_has_its_own_size() -> None:
    boxes = torch.tensor([[[0.0, 0.0, 30.0, 30.0]]] * 2, dtype=torch.float64)
    sizes = torch.tensor([[60.0, 120.0], [120.0, 60.0]], dtype=torch.float64)
    got = normalise_boxes(boxes, sizes)[:, 0].tolist()
    assert got[0] == pytest.approx([0.125, 0.25, 0.25, 0.5], abs=1e-9)
    assert got[1] == pytest.approx([0.25, 0.125, 0.5, 0.25], abs=1e-9)


def test_a_click_is_the_box_around_it_unclipped() -> None:
    points = torch.tensor([[[0.0, 1.0], [50.0, 20.5]]])
    assert click_boxes(points, 3.0).tolist() == [[[-3, -2, 3, 4], [47, 17.5, 53, 23.5]]]


@pytest.mark.parametrize("num_features", [4, 32, 128])
def test_the_code_is_sines_and_cosines_in_turn(num_features: int) -> None:
    boxes = random_tensor(2, 3, 4).sigmoid()
    got = SineCode(num_features)(boxes)
    assert got.shape == (2, 3, 4 * num_features)
    for b in range(2):
        for n in range(3):
            cx, cy, w, h = boxes[b, n].tolist()
            wanted = []
            for value in (cy, cx, w, h):
                for i in range(num_features // 2):
                    angle = 2 * math.pi * value / 10000 ** (2 * i / num_features)
                    wanted += [math.sin(angle), math.cos(angle)]
            assert got[b, n].tolist() == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize(("dtype", "limit"), [(torch.float32, 1e-6), (torch.float64, 1e-14)])
def test_wavelengths_have_the_precision_of_the_model(dtype: torch.dtype, limit: float) -> None:
    table = SineCode(128).frequencies(torch.zeros(1, dtype=dtype))
    assert table.dtype == dtype
    wanted = [2 * math.pi / 10000 ** (i / 64) for i in range(64)]
    assert table.double().tolist() == pytest.approx(wanted, rel=limit)
