"""How often steady phones are refused and bad runs pass: the rules of ``bench/series.py`` on simulated rounds.

python -m benchmarks.false_refusals [--trials 1000] [--output FILE]

Three rounds of 50 samples around 20 ms; noise is a normal or a skewed (log-normal) one of 1 to 10 %, with or without
pauses (one sample in 50 takes twice as long). Nothing is measured here: it is arithmetic, the same on any machine.
"""

import argparse
import json
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rmpsam_mobile.bench.series import refusals
from rmpsam_mobile.cli.console import print_table, table

RESULT: Final = Path(__file__).parent / "results" / "false_refusals.json"
ROUNDS, RUNS, MEDIAN_MS, CLOCK_MS = 3, 50, 20.0, 5e-5
NOISES: Final = (0.01, 0.02, 0.05, 0.07, 0.10)

Rounds = NDArray[np.float64]
Draw = Callable[[np.random.Generator, float], Rounds]


class Fault(NamedTuple):
    """What a bad run does to a steady one, and the codes that tell of it."""

    spoil: Callable[[Rounds, float], Rounds]
    codes: frozenset[str]


def _normal(rng: np.random.Generator, noise: float) -> Rounds:
    return MEDIAN_MS * (1 + noise * rng.standard_normal((ROUNDS, RUNS)))


def _skewed(rng: np.random.Generator, noise: float) -> Rounds:
    """Runs are late more often than early."""
    return MEDIAN_MS * np.exp(noise * np.abs(rng.standard_normal((ROUNDS, RUNS))) * 1.6)


def _pauses(rng: np.random.Generator, noise: float) -> Rounds:
    return _skewed(rng, noise) * np.where(rng.random((ROUNDS, RUNS)) < 0.02, 2.0, 1.0)


STEADY: Final[Mapping[str, Draw]] = MappingProxyType({"normal": _normal, "skewed": _skewed, "with pauses": _pauses})

RAMP: Final = np.linspace(0, 1, RUNS)
FAULTS: Final[Mapping[str, Fault]] = MappingProxyType(
    {
        "heats up: the end of each round slower by": Fault(
            lambda rounds, size: rounds * (1 + size * RAMP), frozenset({"slows-down"})
        ),
        "cold: the start of each round slower by": Fault(
            lambda rounds, size: rounds * (1 + size * np.exp(-8 * RAMP)), frozenset({"still-warming-up"})
        ),
        "clocks drop in the middle of the last round by": Fault(
            lambda rounds, size: rounds * (1 + size * (np.arange(ROUNDS)[:, None] == ROUNDS - 1) * (RAMP > 0.5)),
            frozenset({"slows-down", "rounds-disagree"}),
        ),
        "one round of three slower by": Fault(
            lambda rounds, size: rounds * (1 + size * (np.arange(ROUNDS)[:, None] == 1)), frozenset({"rounds-disagree"})
        ),
    }
)
SIZES: Final = (0.05, 0.10, 0.15, 0.20, 0.30)
FAULT_NOISE: Final = 0.03


def false_refusals(trials: int) -> list[dict[str, Any]]:
    """Share of steady series that are refused, and by which codes."""
    rows = []
    for name, draw in STEADY.items():
        for noise in NOISES:
            rng, codes = np.random.default_rng(11), Counter[str]()
            refused = 0
            for _ in range(trials):
                found = refusals(draw(rng, noise).tolist(), CLOCK_MS)
                refused += bool(found)
                codes.update(found)
            rows.append({"series": name, "noise": noise, "refused": refused / trials, "codes": dict(codes)})
    return rows


def missed_runs(trials: int) -> list[dict[str, Any]]:
    """Share of bad series that pass, or are refused for another reason alone, by the size of the fault."""
    rows = []
    for name, fault in FAULTS.items():
        for size in SIZES:
            rng, passed = np.random.default_rng(12), 0
            for _ in range(trials):
                spoiled = fault.spoil(_skewed(rng, FAULT_NOISE), size)
                passed += not fault.codes & set(refusals(spoiled.tolist(), CLOCK_MS))
            rows.append({"fault": name, "size": size, "noise": FAULT_NOISE, "missed": passed / trials})
    return rows


def main() -> None:
    """Simulate, store and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--output", type=Path, default=RESULT)
    options = parser.parse_args()
    steady, bad = false_refusals(options.trials), missed_runs(options.trials)
    report = {
        "command": f"python -m benchmarks.false_refusals --trials {options.trials}",
        "note": "simulated series; nothing was measured",
        "rounds": ROUNDS,
        "runs": RUNS,
        "false_refusals": steady,
        "missed": bad,
    }
    options.output.parent.mkdir(exist_ok=True)
    options.output.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    _print(steady, bad)


def _print(steady: list[dict[str, Any]], bad: list[dict[str, Any]]) -> None:
    shown = table("steady series that were refused, %", "series", *(f"{noise:.0%} noise" for noise in NOISES))
    for name in STEADY:
        shares = [row["refused"] for row in steady if row["series"] == name]
        shown.add_row(name, *(f"{100 * share:.1f}" for share in shares))
    print_table(shown)
    shown = table(f"bad series that passed, %, at {FAULT_NOISE:.0%} noise", "fault", *(f"{size:.0%}" for size in SIZES))
    for name in FAULTS:
        shown.add_row(name, *(f"{100 * row['missed']:.1f}" for row in bad if row["fault"] == name))
    print_table(shown)


if __name__ == "__main__":
    main()
