"""How large half-precision values get: against what is known of a program, and where float16 ends."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from rmpsam_mobile.contracts import Graph, GraphSizes, Precision, Size, graph_spec
from rmpsam_mobile.errors import GateError
from rmpsam_mobile.export import prove
from rmpsam_mobile.export.capture import capture
from rmpsam_mobile.export.lower import EngineOptions
from rmpsam_mobile.export.lower.coreml_package import lower_to_coreml_package
from rmpsam_mobile.export.split import Part
from rmpsam_mobile.runtime.eager import contract_of
from rmpsam_mobile.runtime.mil import Arithmetic, MilRunner
from rmpsam_mobile.runtime.mil.ranges import LARGEST_FLOAT16, half_ranges
from tests.models import small_model

SIZES = GraphSizes(size=Size(32, 32), channels=32)


class _Peak(nn.Module):
    """Ones, raised to ``peak`` and lowered again."""

    def __init__(self, peak: float) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.full((1,), peak))

    def forward(self, pixels: Tensor) -> Tensor:
        """[1, 3, 32, 32] -> [1, 32, 8, 8]."""
        high = torch.relu(pixels[:, :1, ::4, ::4] * self.factor).expand(1, 32, 8, 8)
        return high * 1e-4


def package(peak: float, path: Path, precision: Precision) -> MilRunner:
    spec = graph_spec(Graph.ENCODER, SIZES)
    part = Part(_Peak(peak).eval(), spec)
    lower_to_coreml_package(capture(part), spec, EngineOptions(precision=precision)).write(path)
    contract = contract_of(small_model(), SIZES)
    return MilRunner({Graph.ENCODER: path}, contract, arithmetic=Arithmetic.FLOAT32)


@pytest.mark.parametrize(("peak", "fits"), [(60_000.0, True), (70_000.0, False)])
def test_the_largest_value_and_its_operator_are_found(tmp_path: Path, peak: float, fits: bool) -> None:
    # float16 cannot hold the factor itself: it is asked for as 1,000 times a value of 60 or 70
    runner = package(1000.0, tmp_path / "x.mlpackage", Precision.FP16)
    pixels = np.full((1, 3, 32, 32), peak / 1000, np.float32)
    found = half_ranges(runner, {Graph.ENCODER: [pixels]})[Graph.ENCODER]
    assert found is not None
    assert found.largest == pytest.approx(peak, rel=1e-3)
    assert found.fits == fits == (found.largest <= LARGEST_FLOAT16)
    assert found.operator in ("mul", "relu")


def test_a_float32_package_has_no_half_precision(tmp_path: Path) -> None:
    runner = package(1e6, tmp_path / "x.mlpackage", Precision.FP32)
    assert half_ranges(runner, {Graph.ENCODER: [np.ones((1, 3, 32, 32), np.float32)]}) == {Graph.ENCODER: None}


def test_the_gate_names_the_operator(tmp_path: Path) -> None:
    runner = package(60_000.0, tmp_path / "x.mlpackage", Precision.FP16)  # times normalised pixels of over 1
    with pytest.raises(GateError) as caught:
        prove.require_half_ranges({Graph.ENCODER: tmp_path / "x.mlpackage"}, runner.contract)
    message = str(caught.value)
    assert message.startswith("float16: ")
    assert message.endswith("and float16 ends at 65,504; export with --precision fp32")
    assert "of the encoder graph reaches" in message
