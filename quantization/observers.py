"""What calibration saw of a tensor, and the range that a recipe makes of it.

Every static recipe keeps the same histograms, so one calibration serves all choices of ranges.
"""

from functools import cache
from typing import Any, Final

import torch
from torch import Tensor

from rmpsam_mobile.quantization.recipes import QuantRecipe, Ranges

LEVELS: Final = 255  # steps of 8 bit
SHARES: Final = 33  # tried cuts of each end, MSE


def quantization_config(recipe: QuantRecipe) -> Any:
    """The configuration of XNNPACK's quantizer that a recipe means."""
    from dataclasses import replace

    from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import get_symmetric_quantization_config

    is_dynamic = recipe.activations == "dynamic"
    config = get_symmetric_quantization_config(is_per_channel=recipe.is_per_channel, is_dynamic=is_dynamic)
    if is_dynamic or recipe.ranges is Ranges.HISTOGRAM:
        return config
    observer = _range_observer(recipe.ranges, recipe.percentile).with_args(eps=2**-12)
    spec = replace(config.input_activation, observer_or_fake_quant_ctr=observer)
    return replace(config, input_activation=spec, output_activation=spec)


def chosen_range(
    histogram: Tensor, low: Tensor, high: Tensor, ranges: Ranges, percentile: float
) -> tuple[float, float]:
    """Lower and upper end of what 8 bit will hold.

    Args:
        histogram: [bins], counts of values between ``low`` and ``high``.
        low: smallest value seen.
        high: largest value seen.
        ranges: how to choose; ``HISTOGRAM`` is torchao's own and not computed here.
        percentile: see ``QuantRecipe``.
    """
    first, last = float(low), float(high)
    if ranges is Ranges.PERCENTILE:
        return _percentile(histogram, first, last, percentile)
    return _least_error(histogram, first, last) if ranges is Ranges.MSE else (first, last)


def _percentile(histogram: Tensor, low: float, high: float, percentile: float) -> tuple[float, float]:
    counts = histogram.double().cumsum(0)
    cut = float(counts[-1]) * (100 - percentile) / 200
    begin = int(torch.searchsorted(counts, torch.tensor(cut, dtype=torch.float64), right=True))
    end = int(torch.searchsorted(counts, torch.tensor(float(counts[-1]) - cut, dtype=torch.float64)))
    width = (high - low) / len(histogram)
    return low + begin * width, low + (min(end, len(histogram) - 1) + 1) * width


def _least_error(histogram: Tensor, low: float, high: float) -> tuple[float, float]:
    """Of ranges that keep a share of each end, the one with the least squared error; zero is always inside."""
    width = (high - low) / len(histogram)
    values = low + width * (torch.arange(len(histogram), dtype=torch.float64) + 0.5)
    counts, best = histogram.double(), (float("inf"), low, high)
    shares = torch.linspace(0.2, 1.0, SHARES, dtype=torch.float64).tolist()
    for below in shares if low < 0 else [1.0]:
        for above in shares if high > 0 else [1.0]:
            start, stop = min(below * low, 0.0), max(above * high, 0.0)
            step = (stop - start) / LEVELS
            if not step:
                continue
            rounded = start + step * ((values - start) / step).round().clamp(0, LEVELS)
            error = float((counts * (rounded - values).square()).sum())
            best = min(best, (error, below * low, above * high))
    return best[1], best[2]


@cache
def _range_observer(ranges: Ranges, percentile: float) -> Any:
    """torchao's histogram observer with another choice at its end."""
    from torchao.quantization.pt2e import HistogramObserver

    class RangeObserver(HistogramObserver):  # type: ignore[misc]
        """Same histogram, own range."""

        def _non_linear_param_search(self) -> tuple[Tensor, Tensor]:
            ends = chosen_range(self.histogram, self.min_val, self.max_val, ranges, percentile)
            return tuple(self.min_val.new_tensor(end) for end in ends)

    return RangeObserver
