"""The matrix of phones.md is the stored evidence, and a part's standing is that of its tests."""

import json
from pathlib import Path

import pytest

from benchmarks import apps_matrix
from benchmarks.marked_text import marked
from tests.apps.ladder import RUNGS
from tests.conftest import REPOSITORY


def test_the_table_in_the_document_is_the_stored_evidence() -> None:
    report = json.loads(apps_matrix.REPORT.read_text(encoding="utf-8"))
    document = apps_matrix.DOCUMENT.read_text(encoding="utf-8")
    assert marked(document, apps_matrix.MARKER) == apps_matrix.table_of(report)


def test_what_is_stored_is_of_todays_parts_and_rungs() -> None:
    report = json.loads(apps_matrix.REPORT.read_text(encoding="utf-8"))
    assert [row["part"] for row in report["parts"]] == [part.name for part in apps_matrix.PARTS]
    assert [row["name"] for row in report["rungs"]] == [rung.name for rung in RUNGS.values()]


@pytest.mark.parametrize("part", apps_matrix.PARTS, ids=lambda part: part.name)
def test_every_part_names_tests_that_exist_or_was_never_run(part: apps_matrix.Part) -> None:
    assert (part.standing == apps_matrix.NEVER) == (not part.tests)
    for test in part.tests:
        file, _, function = test.partition("::")
        text = (REPOSITORY / file).read_text(encoding="utf-8")
        assert f"def {function}" in text


RESULTS = """<testsuites><testsuite>
<testcase classname="tests.apps.test_kotlin_core" name="test_a[x]"/>
<testcase classname="tests.apps.test_android_program" name="test_b"><failure message="no"/></testcase>
<testcase classname="tests.apps.test_android_stubs" name="test_c"><skipped message="no javac"/></testcase>
<testcase classname="tests.apps.test_android_stubs" name="test_d"/>
</testsuite></testsuites>"""


def test_standing_follows_the_tests(tmp_path: Path) -> None:
    results = tmp_path / "results.xml"
    results.write_text(RESULTS, encoding="utf-8")
    report = apps_matrix.report_of([results])
    standing = {row["part"]: row["standing"] for row in report["parts"]}
    assert standing["Kotlin core"] == "ran here"
    assert standing["Android app: measuring entry"] == "failed (1 tests)"
    assert standing["Android app: stubs"] == "not run: no javac"
    assert standing["SegCore (Swift)"] == "not run: no such test"
    assert standing["an Android phone or emulator, its `adbd`, any latency of it"] == "never run"
    told = {row["rung"]: row["told"] for row in report["rungs"]}
    assert (told[5], told[6], told[9]) == ("SKIPPED (no javac), 1 passed", "passed (1)", "failed (1 of its tests)")
