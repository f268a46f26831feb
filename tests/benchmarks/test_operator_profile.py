"""A profile made of cuts: every operator is in one of them, and together they are the graph."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from benchmarks import operator_profile
from benchmarks.operator_profile import profile
from rmpsam_mobile.quiet import muted_warnings


class Small(nn.Module):
    """A convolution, a small side branch that is read late, and a product."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)

    def forward(self, x: Tensor, k: Tensor) -> Tensor:
        side = k * k + 1.0
        cells = self.conv(x).relu().flatten(2)
        return torch.bmm(side, cells).softmax(-1)


def test_cuts_add_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    # other tests of this process may have graphs loaded, and a pool under loaded graphs cannot change
    monkeypatch.setattr(operator_profile, "set_threads", lambda _: None)
    inputs = (torch.rand(1, 3, 32, 32), torch.rand(1, 2, 8))
    with muted_warnings(), torch.no_grad():
        program = torch.export.export(Small().eval(), inputs, strict=False).run_decompositions({})
    steps = profile(program, inputs, runs=2, cuts=9, folder=tmp_path)
    assert [step.label.split()[0] for step in steps] == ["inputs", "conv2d", "relu", "bmm", "softmax"]
    assert steps[1].label == "conv2d 1x3x32x32 8x3x3x3 8 -> 1x8x32x32"
    assert steps[1].multiply_adds == 9 * 3 * 8 * 32 * 32
    assert sum(step.operators for step in steps) == 6
    assert all((tmp_path / f"{number}.pte").is_file() for number in range(5))
    operator_profile.show("small", steps, top=2)
    out = capsys.readouterr().out
    assert "all others" in out
    assert "the whole file" in out


def test_neighbours_share_a_cut_where_few_are_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operator_profile, "set_threads", lambda _: None)
    inputs = (torch.rand(1, 3, 32, 32), torch.rand(1, 2, 8))
    with muted_warnings(), torch.no_grad():
        program = torch.export.export(Small().eval(), inputs, strict=False).run_decompositions({})
    steps = profile(program, inputs, runs=1, cuts=1, folder=tmp_path)
    assert len(steps) == 2
    assert steps[1].operators == 6
