"""Ratios of interleaved rounds."""

import pytest

from benchmarks.ratios import ratio_cells, ratio_of


def test_ratios_are_taken_round_by_round() -> None:
    ratio = ratio_of([2.0, 30.0, 8.0], [1.0, 10.0, 2.0])  # 2, 3, 4: a slow round meets both
    assert ratio == {"p10": pytest.approx(2.2), "p50": 3.0, "p90": pytest.approx(3.8)}
    assert ratio_cells(ratio) == ("3.00", "2.20 to 3.80")
