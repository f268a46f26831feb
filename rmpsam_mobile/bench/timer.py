"""Timing that survives a noisy machine: several things in turn, warm-up first, medians last."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from rmpsam_mobile.errors import InputError


@dataclass(frozen=True)
class Summary:
    """Milliseconds of ``n`` runs."""

    n: int
    min: float
    p50: float
    mean: float
    p90: float
    max: float
    stdev: float


def time_interleaved(
    actions: Mapping[str, Callable[[], object]],
    *,
    runs: int,
    warmup: int,
    progress: Callable[[int], None] | None = None,
) -> dict[str, list[float]]:
    """Run the actions in turn, A B C A B C, so that a slow moment meets all of them.

    Args:
        actions: what to run, by name, in this order.
        runs: timed rounds.
        warmup: rounds before, not counted.
        progress: called with 1 after each round.

    Returns:
        Milliseconds of each timed run, by name.

    Raises:
        InputError: no run, or a negative warm-up.
    """
    if runs < 1 or warmup < 0:
        raise InputError(f"{runs} runs after {warmup} of warm-up; at least 1 run; try --runs 30 --warmup 5")
    samples: dict[str, list[float]] = {name: [] for name in actions}
    for round_ in range(warmup + runs):
        for name, action in actions.items():
            start = time.perf_counter_ns()
            action()
            if round_ >= warmup:
                samples[name].append((time.perf_counter_ns() - start) / 1e6)
        if progress is not None:
            progress(1)
    return samples


def summarise(samples_ms: list[float]) -> Summary:
    """Quantiles by linear interpolation, as numpy has them; a single run has no spread."""
    values = np.asarray(samples_ms)
    p50, p90 = np.percentile(values, [50, 90])
    return Summary(
        n=len(values),
        min=float(values.min()),
        p50=float(p50),
        mean=float(values.mean()),
        p90=float(p90),
        max=float(values.max()),
        stdev=float(values.std(ddof=1)) if len(values) > 1 else 0.0,
    )
