"""The rates of phones.md are the stored ones, and a short simulation agrees with them."""

import json

from benchmarks import false_refusals
from benchmarks.marked_text import marked


def test_the_tables_in_the_document_are_the_stored_evidence() -> None:
    report = json.loads(false_refusals.REPORT.read_text(encoding="utf-8"))
    document = false_refusals.DOCUMENT.read_text(encoding="utf-8")
    assert marked(document, false_refusals.MARKER) == false_refusals.tables_of(report)


def test_a_short_simulation_finds_what_the_long_one_found() -> None:
    calm = [row["refused"] for row in false_refusals.false_refusals(20) if row["noise"] <= 0.02]
    assert calm == [0.0] * 6
    bad = {
        row["fault"].partition(":")[0]: row["missed"] for row in false_refusals.missed_runs(20) if row["size"] == 0.3
    }
    assert len(bad) == 4
    assert max(bad.values()) <= 0.05
