"""Whether a series of latencies can be believed: quantiles, refusals, warnings, the same in Python, Kotlin and Swift.

A round is a list of milliseconds in the order in which they were measured. ``tests/golden/vectors`` pins all of it.
"""

import math
from collections.abc import Sequence
from statistics import median
from typing import Final

FEWEST_SAMPLES: Final = 20  # a round
CLOCK_STEPS: Final = 50  # a median needs at least this many steps of the clock
ROUND_RATIO: Final = 1.10  # of the slowest round's median to the fastest one's
DRIFT: Final = (0.90, 1.10)  # of the last quarter's median to the first one's
SPREAD: Final = 0.20  # interquartile range / median
LONG_TAIL: Final = 3.0  # p99 / p50
FEWEST_FOR_P99: Final = 100


def quantile(values: Sequence[float], share: float) -> float:
    """Linear interpolation between order statistics at index (n - 1) * share, as numpy has it by default."""
    ordered = sorted(values)
    position = (len(ordered) - 1) * share
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def refusals(rounds: Sequence[Sequence[float]], clock_step_ms: float) -> list[str]:
    """Codes of what makes the rounds unfit for a figure, in a fixed order; none for a steady series.

    A broken sample ends the list: nothing can be computed from it.
    """
    samples = [sample for taken in rounds for sample in taken]
    if any(not math.isfinite(sample) or sample <= 0 for sample in samples):
        return ["nonpositive-sample"]
    if not rounds or min(len(taken) for taken in rounds) < FEWEST_SAMPLES:
        return ["too-few-samples"]
    medians = [median(taken) for taken in rounds]
    drifts = [_drift(taken) for taken in rounds]
    found = {
        "below-timer-resolution": median(samples) < CLOCK_STEPS * clock_step_ms,
        "samples-repeat": len(set(samples)) <= max(2, len(samples) / 20),
        "rounds-disagree": max(medians) / min(medians) > ROUND_RATIO,
        "slows-down": max(drifts) > DRIFT[1],
        "still-warming-up": min(drifts) < DRIFT[0],
    }
    return [code for code, holds in found.items() if holds]


def warnings(rounds: Sequence[Sequence[float]]) -> list[str]:
    """Codes of what a reader should know of rounds that were not refused."""
    samples = [sample for taken in rounds for sample in taken]
    middle = quantile(samples, 0.5)
    found = {
        "spread": (quantile(samples, 0.75) - quantile(samples, 0.25)) / middle > SPREAD,
        "long-tail": len(samples) >= FEWEST_FOR_P99 and quantile(samples, 0.99) / middle > LONG_TAIL,
    }
    return [code for code, holds in found.items() if holds]


def _drift(taken: Sequence[float]) -> float:
    quarter = len(taken) // 4
    return median(taken[-quarter:]) / median(taken[:quarter])
