"""Rung 12: the real compiler, in a Debian 13 folder. Minutes long, so behind a switch: ``RMPSAM_SWIFT=1``."""

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from rmpsam_mobile.bench.schema import check_report
from rmpsam_mobile.bundle import Manifest
from rmpsam_mobile.bundle.golden import Golden, write_golden
from rmpsam_mobile.bundle.store import write_bundle
from tests.apps import tools
from tests.bundle.manifests import make_manifest
from tests.conftest import REPOSITORY
from tests.golden.renew_vectors import VECTORS

pytestmark = [
    pytest.mark.apps,
    pytest.mark.skipif(not os.environ.get("RMPSAM_SWIFT"), reason="minutes long; RMPSAM_SWIFT=1 runs it"),
]

SCRIPT: Final = REPOSITORY / "tests" / "apps" / "swift_folder.sh"
ROOT: Final = Path(os.environ.get("RMPSAM_SWIFT_ROOT", tools.TOOLS / "trixie"))

Step = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def step() -> Step:
    """Run one step of the script: exit status and all that it said."""

    def run(name: str, **switches: str) -> tuple[int, str]:
        done = tools.run([SCRIPT, name], env={**os.environ, **switches})
        return done.returncode, done.stdout + done.stderr

    tools.debian_program("debootstrap", "debootstrap")
    status, said = run("prepare")
    if status == 77:
        pytest.skip(said.strip().splitlines()[-1])
    assert status == 0, said
    return run


def bundle_from_python(folder: Path) -> Path:
    """A bundle as the exporter writes it; its graphs' files hold no graphs."""
    manifest = make_manifest()

    def fill(temporary: Path) -> Manifest:
        for artifact in manifest.graphs.values():
            (temporary / artifact.path).write_bytes(b"not a graph!")
        write_golden(Golden({"encoder/mask_features": np.arange(-3, 3, dtype=np.float32)}), temporary)
        return manifest

    return write_bundle(folder / "small.bundle", fill).folder


def counted(said: str) -> int:
    """Tests that XCTest and Swift Testing passed."""
    return sum(map(int, re.findall(r"Executed (\d+) tests?, with (?:\d+ tests? skipped and )?0 failures", said)[-1:]))


def test_the_code_is_as_swift_format_wants_it(step: Step) -> None:
    status, said = step("lint")
    assert status == 0, said


def test_the_core_builds_and_answers_as_the_vectors_say(step: Step, tmp_path: Path) -> None:
    status, said = step("core", RMPSAM_BUNDLE=str(bundle_from_python(tmp_path)))
    assert status == 0, said[-4000:]
    assert counted(said) >= 50, said[-4000:]
    assert "skipped" not in said, "the bundle that Python wrote was not opened"


def test_one_wrong_vector_makes_the_core_red(step: Step, tmp_path: Path) -> None:
    spoilt = tmp_path / "vectors"
    shutil.copytree(VECTORS, spoilt)
    cases = json.loads((spoilt / "fits.json").read_text(encoding="utf-8"))
    cases[3]["points_in_input"][1][0] += 0.5
    (spoilt / "fits.json").write_text(json.dumps(cases), encoding="utf-8")
    status, said = step("core", RMPSAM_VECTORS=str(spoilt))
    assert status != 0
    assert "GeometryTests.testPicturesAndPointsLieInTheInputAsTheVectorsSay" in said


def test_the_engine_layer_builds_and_its_report_is_one_that_python_reads(step: Step) -> None:
    status, said = step("engine")
    assert status == 0, said[-4000:]
    assert counted(said) >= 18
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
