"""The comparison of layers in 8 bit: real files of small ones."""

from pathlib import Path

import pytest
import torch
from torch import nn

from benchmarks import int8_layers
from benchmarks.int8_layers import KINDS, Kind, lower_kind, measure, show
from rmpsam_mobile.bench.machine import describe_machine


def test_a_measurement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    # other tests of this process may have graphs loaded, and a pool under loaded graphs cannot change
    monkeypatch.setattr(int8_layers, "set_threads", lambda _: None)
    small = Kind(lambda: nn.Conv2d(64, 64, 1), (1, 64, 8, 8))
    monkeypatch.setattr(int8_layers, "KINDS", {"small": small})
    files = lower_kind(small, tmp_path / "a")
    assert files["int8"].stat().st_size < 0.5 * files["fp32"].stat().st_size
    rows = measure({"small": files}, 1, 3)
    assert rows[0]["times_as_fast"]["p10"] <= rows[0]["times_as_fast"]["p50"] <= rows[0]["times_as_fast"]["p90"]
    show({"machine": describe_machine(), "rows": rows})
    assert "small" in capsys.readouterr().out


def test_kinds_read_what_they_return() -> None:
    """Four of them follow each other; a transposed one doubles the side."""
    for name, kind in KINDS.items():
        once = kind.build()(torch.zeros(kind.shape))
        assert once.shape[:2] == kind.shape[:2], name
