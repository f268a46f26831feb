"""The ladder of checks that stand in for a phone: which tests make up each rung, and how a rung came out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

_WRONG: Final = "tests/apps/test_wrong_vector.py::test_the_wrong_vector_turns"


class Rung(NamedTuple):
    """A rung's name, and how the node ids of its tests begin."""

    name: str
    tests: tuple[str, ...]


RUNGS: Final[Mapping[int, Rung]] = {
    1: Rung("golden vectors, as Python answers", ("tests/test_vectors.py", f"{_WRONG}_python")),
    2: Rung("Kotlin and Swift parse", ("tests/apps/test_kotlin_sources.py", "tests/apps/test_swift_syntax.py")),
    3: Rung("Kotlin in ktlint's style", ("tests/apps/test_kotlin_style.py",)),
    4: Rung("Kotlin compiles, warnings are errors", ("tests/apps/test_kotlin_compiles.py",)),
    5: Rung("stubs say what API 36 says", ("tests/apps/test_android_stubs.py",)),
    6: Rung("Kotlin core on the JVM", ("tests/apps/test_kotlin_core.py", f"{_WRONG}_kotlin")),
    7: Rung("Android resources and manifest", ("tests/apps/test_android_resources.py",)),
    8: Rung("Xcode project and property lists", ("tests/apps/test_ios_project.py",)),
    9: Rung("bench --on android through adb", ("tests/apps/test_android_",)),
    10: Rung("bench --on host", ("tests/bench/test_host.py",)),
    11: Rung("bench --on ios with scripts for Xcode", ("tests/bench/test_ios.py",)),
    12: Rung("real Swift in a Debian 13 folder", ("tests/apps/test_swift_toolchain.py", f"{_WRONG}_swift")),
}


@dataclass
class Tally:
    """Counted tests of one rung, and why some did not run."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    reasons: list[str] = field(default_factory=list)

    @property
    def outcome(self) -> str:
        """``failed``, ``SKIPPED`` where any of its tests was, ``passed``, or ``not chosen`` where there was none."""
        if self.failed:
            return "failed"
        if self.skipped:
            return "SKIPPED"
        return "passed" if self.passed else "not chosen"

    def told(self) -> str:
        """The outcome with its numbers and reasons."""
        others = f", {self.passed} passed" if self.passed and self.outcome != "passed" else ""
        match self.outcome:
            case "failed":
                return f"failed ({self.failed} of its tests{others})"
            case "SKIPPED":
                return f"SKIPPED ({'; '.join(dict.fromkeys(self.reasons))}){others}"
            case "passed":
                return f"passed ({self.passed})"
        return "not chosen"


def rung_of(test: str) -> int | None:
    """The rung of a test by its node id; of two that fit, the one with the longer beginning."""
    fits = [(len(begin), number) for number, rung in RUNGS.items() for begin in rung.tests if test.startswith(begin)]
    return max(fits)[1] if fits else None


def tallies(outcomes: Iterable[tuple[str, str, str]]) -> dict[int, Tally]:
    """Count tests by rung.

    Args:
        outcomes: node id; ``passed``, ``failed`` or ``skipped``; the reason where it was skipped.
    """
    counted = {number: Tally() for number in RUNGS}
    for test, outcome, reason in outcomes:
        number = rung_of(test)
        if number is None:
            continue
        tally = counted[number]
        setattr(tally, outcome, getattr(tally, outcome) + 1)
        tally.reasons += [reason] * (outcome == "skipped")
    return counted


def lines(counted: Mapping[int, Tally]) -> list[str]:
    """One line a rung, and one that counts rungs."""
    widest = max(len(rung.name) for rung in RUNGS.values())
    told = [f"{number:>2}  {RUNGS[number].name:<{widest}}  {tally.told()}" for number, tally in counted.items()]
    kinds = [tally.outcome for tally in counted.values()]
    counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in ("passed", "failed", "SKIPPED", "not chosen"))
    return [*told, f"{len(kinds)} rungs: {counts}"]
