"""Prices of prompt slots: both forms are lowered at every number of slots, and empty slots are told apart."""

from functools import partial
from pathlib import Path

import pytest

from benchmarks import prompt_slots
from benchmarks.prompt_slots import measure_forms, measure_used, prompt_file
from rmpsam_mobile.contracts import Size
from tests.distill.small_runs import SMALL_MOBILE, small_presets

__all__ = ["small_presets"]


@pytest.mark.slow
@pytest.mark.usefixtures("small_presets")
def test_a_measurement(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lower = partial(prompt_file, SMALL_MOBILE.name, Size(64, 64), tmp_path)
    used = measure_used(lower(16, []), runs=2)
    assert [row["used"] for row in used] == [1, 2, 4, 8, 16]
    assert used[0]["ratio"]["p50"] == 1
    forms = measure_forms(lower, 2, runs=2)
    assert forms["ms"] > 0
    prompt_slots.show("used", used)
    assert "p10 to p90" in capsys.readouterr().out
