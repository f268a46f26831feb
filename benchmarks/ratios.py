"""Ratios of two things that were timed in turn: their median, and how far the rounds spread."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

COLUMN: Final = "p10 to p90"


def ratio_of(taken: ArrayLike, against: ArrayLike) -> dict[str, float]:
    """Percentiles 10, 50 and 90 of the ratios, round by round, of times (rounds,)."""
    low, middle, high = np.percentile(np.divide(taken, against), [10, 50, 90]).tolist()
    return {"p10": low, "p50": middle, "p90": high}


def ratio_cells(ratio: Mapping[str, float]) -> tuple[str, str]:
    """For a table: the median, and its ``COLUMN``."""
    return f"{ratio['p50']:.2f}", f"{ratio['p10']:.2f} to {ratio['p90']:.2f}"
