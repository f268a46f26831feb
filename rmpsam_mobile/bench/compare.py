"""Two reports beside each other, and only where that means something."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rmpsam_mobile.bench.reasons import meaning
from rmpsam_mobile.errors import GateError, InputError

# What must be equal for two times to be comparable; the bundle is what may differ.
_KEYS: Final[tuple[tuple[str, ...], ...]] = (
    ("target", "kind"),
    ("target", "model"),
    ("runner", "kind"),
    ("runner", "runtime"),
    ("runner", "runtime_version"),
    ("runner", "threads"),
    ("runner", "compute_units"),
    ("runner", "cpu_mask"),
    ("runner", "task_profile"),
    ("runner", "debuggable"),
    ("conditions", "clocks"),
    ("protocol", "rounds"),
    ("protocol", "warmup"),
    ("protocol", "runs"),
    ("protocol", "min_round_s"),
    ("protocol", "input"),
)


@dataclass(frozen=True)
class Difference:
    """A key that must be equal and is not."""

    key: str
    a: Any
    b: Any


@dataclass(frozen=True)
class Row:
    """One figure of both reports: milliseconds, or MB of memory; the ratio is b / a."""

    name: str
    a: float
    b: float

    @property
    def ratio(self) -> float:
        """How much larger b is."""
        return self.b / self.a


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The largest b / a of medians, of nine tenths and of peak memory; None is not judged.

    Raises:
        InputError: a limit that is not above 0.
    """

    median: float | None = None
    p90: float | None = None
    memory: float | None = None

    def __post_init__(self) -> None:
        """Refuse what no ratio can be."""
        for name, value in (("--max-ratio", self.median), ("--max-p90", self.p90), ("--max-memory", self.memory)):
            if value is not None and not value > 0:
                raise InputError(f"{name} {value:g}; a ratio above 0; for 5 % slower write {name} 1.05")


def pairs(a: Sequence[dict[str, Any]], b: Sequence[dict[str, Any]]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Reports of two files that belong together: the only ones, or of two sweeps those of equal threads.

    Raises:
        GateError: two sweeps without a number of threads in common.
    """
    if len(a) == len(b) == 1:
        return [(a[0], b[0])]
    by_threads = {report["runner"]["threads"]: report for report in b}
    found = [(one, by_threads[key]) for one in a if (key := one["runner"]["threads"]) in by_threads]
    if not found:
        counts = [sorted(str(report["runner"]["threads"]) for report in side) for side in (a, b)]
        raise GateError(f"threads {', '.join(counts[0])} and {', '.join(counts[1])} have none in common; measure again")
    return found


def differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[Difference]:
    """What forbids a comparison: keys that differ, the system's major version, and reports without figures."""
    found = []
    for name, report in (("first", a), ("second", b)):
        if report["status"] != "ok":
            why = "; ".join(meaning(code) for code in report["reasons"])
            found.append(Difference(f"status of the {name}", report["status"], why))
    for path in _KEYS:
        left: Any = a
        right: Any = b
        for key in path:
            left, right = left.get(key), right.get(key)  # reports of the apps know no task profile
        if left != right:
            found.append(Difference(".".join(path), left, right))
    majors = [str(report["target"]["os"]).split(".")[0] for report in (a, b)]
    if majors[0] != majors[1]:
        found.append(Difference("target.os (major)", *majors))
    return found


def rows(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[Row]:
    """Medians and nine tenths of the graphs that both have, from tap to mask, and peak memory where both know it."""
    found = []
    graphs = {row["graph"]: row["summary"] for row in b["graphs"]}
    for row in a["graphs"]:
        other = graphs.get(row["graph"])
        if row["summary"] and other:
            found += [Row(f"{row['graph']} {level}", row["summary"][level], other[level]) for level in ("p50", "p90")]
    further = (("tap to mask p50", "pipeline", "tap_to_mask_ms_p50"), ("peak memory MB", "memory", "peak_mb"))
    for name, part, key in further:
        if a[part][key] and b[part][key]:
            found.append(Row(name, a[part][key], b[part][key]))
    return found


def left_out(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[str]:
    """Graphs that only one of the two has."""
    names = [{row["graph"] for row in report["graphs"]} for report in (a, b)]
    return sorted(names[0] ^ names[1])


def exceeded(found: Sequence[Row], limits: Limits) -> list[str]:
    """Sentences for the ratios that are above their limit."""
    said = []
    for row in found:
        limit = limits.p90 if row.name.endswith("p90") else limits.median
        limit = limits.memory if row.name.startswith("peak memory") else limit
        if limit is not None and row.ratio > limit:
            said.append(f"{row.name}: {row.a:.4g} to {row.b:.4g}, ratio {row.ratio:.3f}, limit {limit:g}")
    return said
