"""Rung 12: the real compiler, in a Debian 13 folder. Minutes long, so behind a switch: ``RMPSAM_SWIFT=1``."""

import json
import re
import shutil
from pathlib import Path

import pytest

from rmpsam_mobile.bench.schema import check_report
from rmpsam_mobile.bundle import Bundle
from tests.apps.exported import exported as exported
from tests.apps.exported import read_here, read_there
from tests.apps.swift_folder import ON_REQUEST, ROOT, Step
from tests.apps.swift_folder import prepared as prepared
from tests.apps.swift_folder import step as step
from tests.conftest import REPOSITORY

pytestmark = [pytest.mark.apps, ON_REQUEST]


def counted(said: str) -> int:
    """Tests that XCTest and Swift Testing passed."""
    return sum(map(int, re.findall(r"Executed (\d+) tests?, with (?:\d+ tests? skipped and )?0 failures", said)[-1:]))


def test_the_code_is_as_swift_format_wants_it(step: Step) -> None:
    status, said = step("lint")
    assert status == 0, said


def test_the_core_answers_as_the_vectors_say_and_reads_what_python_exported(step: Step, exported: Bundle) -> None:
    status, said = step("core", RMPSAM_BUNDLE=str(exported.folder))
    assert status == 0, said[-4000:]
    assert counted(said) >= 50, said[-4000:]
    assert "skipped" not in said
    assert read_there(said) == read_here(exported)


def test_the_engine_layer_builds_and_its_report_is_one_that_python_reads(step: Step) -> None:
    status, said = step("engine")
    assert status == 0, said[-4000:]
    assert counted(said) >= 19
    assert re.search(r"Test run with [1-9]\d* tests passed", said)
    written = json.loads((ROOT / "check" / "report.json").read_text(encoding="utf-8"))
    assert check_report(written, "the app's report")["status"] == "ok"


def test_engines_and_screens_fit_the_stubs_of_apples_frameworks(step: Step) -> None:
    status, said = step("types")
    assert status == 0, said[-4000:]
    assert "engines and screens fit the stubs" in said


def test_a_wrong_argument_on_a_screen_would_be_found(step: Step, tmp_path: Path) -> None:
    spoilt = tmp_path / "demo_ios"
    shutil.copytree(REPOSITORY / "demo_ios", spoilt)
    bar = spoilt / "RMPSAMDemo" / "Parts" / "PromptBar.swift"
    bar.write_text(bar.read_text(encoding="utf-8").replace("session.undo()", "session.undo(1)"), encoding="utf-8")
    status, said = step("types", RMPSAM_APP=str(spoilt))
    assert status != 0
    assert re.search(r"PromptBar.swift:\d+:\d+: error: argument passed to call that takes no arguments", said)
