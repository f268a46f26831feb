"""At the end of a run, the outcome of every rung of the ladder."""

from collections.abc import Iterator

import pytest

from tests.apps.ladder import lines, tallies

_OF: dict[str, str] = {"passed": "passed", "failed": "failed", "error": "failed", "skipped": "skipped"}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print a line for each rung, where tests of the apps were chosen at all."""
    outcomes = list(_outcomes(terminalreporter))
    if not any(test.startswith("tests/apps/") for test, _, _ in outcomes):
        return
    terminalreporter.section("rungs of the ladder")
    for line in lines(tallies(outcomes)):
        terminalreporter.write_line(line)


def _outcomes(reporter: pytest.TerminalReporter) -> Iterator[tuple[str, str, str]]:
    for kind, outcome in _OF.items():
        for report in reporter.stats.get(kind, ()):
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple | list) else ""
            yield report.nodeid, outcome, reason.removeprefix("Skipped: ")
