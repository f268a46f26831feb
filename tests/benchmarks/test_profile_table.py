"""The table of operator profiles: the dearest steps first, and the document as it was generated."""

from benchmarks.marked_text import marked
from benchmarks.profile_table import DOCUMENT, MARKER, settled, stored_profiles, table_of


def test_the_dearest_steps_come_first() -> None:
    times = [("inputs", 1.0), ("bmm b", 2.0), ("conv2d a", 2.0), ("bmm b", 3.0), ("relu c", 0.5), ("cat d", 1.5)]
    steps = [{"label": label, "ms": ms, "multiply_adds": 1} for label, ms in times]
    *_, line = table_of([{"what": "rmpsam-small encoder at 64", "steps": steps}]).splitlines()
    assert line == "| small encoder at 64 | 10.0 | 6 | 50% `bmm b`; 20% `conv2d a`; 15% `cat d`; 10% `inputs` |"


def test_a_step_below_nothing_joins_the_ones_before() -> None:
    steps = [
        {"label": "add", "ms": 1.0, "multiply_adds": 0},
        {"label": "mul", "ms": 5.0, "multiply_adds": 0},
        {"label": "bmm", "ms": -5.5, "multiply_adds": 9},
        {"label": "relu", "ms": 2.0, "multiply_adds": 0},
    ]
    assert [(step["label"], step["ms"]) for step in settled(steps)] == [("bmm", 0.5), ("relu", 2.0)]


def test_the_document_holds_the_stored_profiles() -> None:
    assert stored_profiles()
    assert marked(DOCUMENT.read_text(encoding="utf-8"), MARKER) == table_of(stored_profiles())
