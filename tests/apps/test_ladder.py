"""What the end of a run says of the rungs."""

import pytest

from tests.apps.ladder import RUNGS, lines, rung_of, tallies
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.apps


def test_every_test_file_of_the_apps_belongs_to_a_rung() -> None:
    files = {path.relative_to(REPOSITORY).as_posix() for path in (REPOSITORY / "tests/apps").glob("test_*.py")}
    split = {"tests/apps/test_wrong_vector.py", "tests/apps/test_ladder.py", "tests/apps/test_tools.py"}
    assert [name for name in sorted(files - split) if rung_of(f"{name}::test_x") is None] == []


def test_the_longer_beginning_decides() -> None:
    assert rung_of("tests/apps/test_android_stubs.py::test_x") == 5
    assert rung_of("tests/apps/test_android_trouble.py::test_x[y]") == 9
    assert rung_of("tests/apps/test_wrong_vector.py::test_the_wrong_vector_turns_swift_red") == 12
    assert rung_of("tests/cli/test_bench.py::test_x") is None


def test_a_rung_that_cannot_run_is_counted_as_skipped() -> None:
    outcomes = [
        ("tests/apps/test_kotlin_style.py::test_a", "skipped", "no java"),
        ("tests/apps/test_kotlin_style.py::test_b", "skipped", "no java"),
        ("tests/apps/test_kotlin_core.py::test_a", "passed", ""),
        ("tests/apps/test_kotlin_core.py::test_b", "skipped", "no junit"),
        ("tests/apps/test_ios_project.py::test_a", "passed", ""),
        ("tests/bench/test_host.py::test_a", "failed", ""),
        ("tests/bench/test_host.py::test_b", "passed", ""),
    ]
    said = lines(tallies(outcomes))
    assert len(said) == len(RUNGS) + 1
    assert said[2].endswith("  SKIPPED (no java)")
    assert said[5].endswith("  SKIPPED (no junit), 1 passed")
    assert said[7].endswith("  passed (1)")
    assert said[9].endswith("  failed (1 of its tests, 1 passed)")
    assert said[11].endswith("  not chosen")
    assert said[-1] == "12 rungs: 1 passed, 1 failed, 2 SKIPPED, 8 not chosen"
