"""How often steady phones are refused and bad runs pass: the rules of ``bench/series.py`` on simulated rounds.

python -m benchmarks.false_refusals [--trials 1000]

Three rounds of 50 samples around 20 ms; noise is a normal or a skewed (log-normal) one of 1 to 10 %, with or without
pauses (one sample in 50 takes twice as long). Nothing is measured here: it is arithmetic, the same on any machine.
What comes out is stored and written into docs/phones.md.
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

from benchmarks.marked_text import replace_marked
from rmpsam_mobile.bench.series import refusals

REPORT: Final = Path(__file__).parent / "results" / "false_refusals.json"
DOCUMENT: Final = Path(__file__).parent.parent / "docs" / "phones.md"
MARKER: Final = "false refusals"
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
    """Simulate, store, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=1000)
    options = parser.parse_args()
    report = {
        "command": f"python -m benchmarks.false_refusals --trials {options.trials}",
        "note": "simulated series; nothing was measured",
        "rounds": ROUNDS,
        "runs": RUNS,
        "false_refusals": false_refusals(options.trials),
        "missed": missed_runs(options.trials),
    }
    REPORT.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    text = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(replace_marked(text, MARKER, tables_of(report)), encoding="utf-8")


def tables_of(report: Mapping[str, Any]) -> str:
    """Shares of steady series that are refused and of spoiled ones that pass, in percent, as Markdown."""
    steady, spoiled = report["false_refusals"], report["missed"]
    noises = [f"{row['noise']:.0%} noise" for row in steady if row["series"] == steady[0]["series"]]
    sizes = [f"{row['size']:.0%}" for row in spoiled if row["fault"] == spoiled[0]["fault"]]
    noise = f"spoiled, not noticed, % ({spoiled[0]['noise']:.0%} noise)"
    return "\n".join(
        [
            f"`{report['command']}`, [numbers](../benchmarks/results/{REPORT.name}).",
            "",
            *_table("steady, refused by mistake, %", noises, steady, ("series", "refused")),
            "",
            *_table(noise, sizes, spoiled, ("fault", "missed")),
        ]
    )


def _table(title: str, head: list[str], rows: list[dict[str, Any]], keys: tuple[str, str]) -> list[str]:
    name, share = keys
    shares: dict[str, list[str]] = {}
    for row in rows:
        shares.setdefault(row[name], []).append(f"{100 * row[share]:.1f}")
    lines = [f"| {' | '.join(cells)} |" for cells in ([title, *head], ["---"] * (1 + len(head)))]
    return [*lines, *(f"| {' | '.join([key, *found])} |" for key, found in shares.items())]


if __name__ == "__main__":
    main()
