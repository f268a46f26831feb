"""Ranges from histograms, against what can be counted by hand."""

import pytest
import torch
from torch import Tensor

from rmpsam_mobile.quantization import Ranges
from rmpsam_mobile.quantization.observers import LEVELS, chosen_range

BINS = 2048


def histogram(values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    low, high = values.min(), values.max()
    return torch.histc(values, BINS, float(low), float(high)), low, high


def error(values: Tensor, low: float, high: float) -> float:
    step = (max(high, 0.0) - min(low, 0.0)) / LEVELS
    rounded = min(low, 0.0) + step * ((values - min(low, 0.0)) / step).round().clamp(0, LEVELS)
    return float((rounded - values).square().mean())


def outlier() -> Tensor:
    values = torch.randn(100_000, generator=torch.Generator().manual_seed(0))
    return torch.cat((values, torch.tensor([60.0])))


def test_minmax_keeps_all() -> None:
    assert chosen_range(*histogram(outlier()), Ranges.MINMAX, 99.9) == pytest.approx((float(outlier().min()), 60.0))


@pytest.mark.parametrize("share", [99.0, 99.9])
def test_percentile_cuts_half_of_the_rest_at_each_end(share: float) -> None:
    values = outlier()
    low, high = chosen_range(*histogram(values), Ranges.PERCENTILE, share)
    width = float(values.max() - values.min()) / BINS
    cut = (1 - share / 100) / 2
    assert low == pytest.approx(float(values.quantile(cut)), abs=1.5 * width)
    assert high == pytest.approx(float(values.quantile(1 - cut)), abs=1.5 * width)


def test_all_of_it_at_a_hundred_percent() -> None:
    values = outlier()
    low, high = chosen_range(*histogram(values), Ranges.PERCENTILE, 100.0)
    assert (low, high) == pytest.approx((float(values.min()), float(values.max())))


def test_least_error_beats_minmax_where_one_value_lies_far_out() -> None:
    values = outlier()
    low, high = chosen_range(*histogram(values), Ranges.MSE, 99.9)
    assert high < 60
    assert error(values, low, high) < error(values, float(values.min()), 60.0)


def test_least_error_clips_nothing_of_an_even_spread() -> None:
    values = torch.linspace(-1, 3, 40_000)
    assert chosen_range(*histogram(values), Ranges.MSE, 99.9) == pytest.approx((-1, 3), abs=0.1)
