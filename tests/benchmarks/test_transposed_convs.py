"""Forms of transposed convolutions: equal, and measured as real files."""

from pathlib import Path

import pytest
import torch
from torch import nn

from benchmarks import transposed_convs
from benchmarks.transposed_convs import forms_of, lower_forms, measure, show
from tests.models import random_tensor, relative_error


def test_all_forms_are_the_same_function() -> None:
    torch.manual_seed(0)
    conv = nn.ConvTranspose2d(3, 5, 4, 2, 1, bias=False).requires_grad_(requires_grad=False)
    x = random_tensor(1, 3, 4, 6, dtype=torch.float32)
    for form in forms_of(conv).values():
        assert relative_error(form(x), conv(x)) <= 1e-6


def test_a_measurement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    # other tests of this process may have graphs loaded, and a pool under loaded graphs cannot change
    monkeypatch.setattr(transposed_convs, "set_threads", lambda _: None)
    files = lower_forms(8, 4, tmp_path)
    assert not any(file.leftovers for file in files.values())
    rows = measure("small", files, threads=1, runs=3)
    assert {row["form"]: row["ratio"]["p50"] for row in rows}["transposed"] == 1
    show(rows)
    assert "small" in capsys.readouterr().out
