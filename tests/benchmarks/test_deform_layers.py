"""The price of deformable layers: that the plain forms are what they say, and one real measurement of a small layer."""

from pathlib import Path

import pytest
import torch

from benchmarks import deform_layers
from benchmarks.deform_layers import FORMS, LAYERS, Layer, lower_forms, measure
from rmpsam_mobile.model.deform import NUM_TAPS, DeformConv
from tests.models import random_tensor, relative_error


@pytest.mark.parametrize("form", FORMS)
def test_all_forms_are_one_function_without_offsets(form: str) -> None:
    conv = DeformConv(5, 3).double().requires_grad_(requires_grad=False)
    x = random_tensor(1, 5, 8, 8)
    offsets, modulation = torch.zeros(1, 2 * NUM_TAPS, 8, 8).double(), torch.ones(1, NUM_TAPS, 8, 8).double()
    wanted = torch.nn.functional.conv2d(x, conv.weight, padding=1)
    assert relative_error(FORMS[form](conv, 8)(x, offsets, modulation), wanted) <= 1e-9


def test_the_necks_halve_their_widths_and_double_their_maps() -> None:
    for name in ("mobile-tiny", "seaformer-base", "r50"):
        sides = [layer.side for layer in LAYERS[name]]
        assert sides == [16, 32, 64]
        for coarse, fine in zip(LAYERS[name], LAYERS[name][1:], strict=False):
            assert coarse.width == fine.in_width


def test_a_measurement_has_every_form_and_its_ratios(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # other tests of this process may have graphs loaded, and a pool under loaded graphs cannot change
    monkeypatch.setattr(deform_layers, "set_threads", lambda _: None)
    layer = Layer(4, 3, 8)
    rows = measure("small", layer, lower_forms(layer, tmp_path), threads=1, runs=3)
    assert [row["form"] for row in rows] == list(FORMS)
    assert {(row["layers"], row["layer"], row["threads"]) for row in rows} == {("small", "4 -> 3 at 8 px", 1)}
    assert all(row["ms"]["n"] == 3 and row["ms"]["p50"] > 0 for row in rows)
    assert next(row for row in rows if row["form"] == "im2col")["over_im2col"] == {"p10": 1.0, "p50": 1.0, "p90": 1.0}
