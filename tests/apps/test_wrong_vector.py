"""One wrong vector, and the tests of all three languages are red."""

import re
import sys
from pathlib import Path

import pytest

from tests.apps.kotlin_core import run_junit
from tests.apps.swift_folder import ON_REQUEST, Step
from tests.apps.swift_folder import prepared as prepared
from tests.apps.swift_folder import step as step
from tests.apps.tools import run
from tests.apps.wrong_vector import ANSWERS, copy_with_wrong
from tests.conftest import REPOSITORY
from tests.golden.renew_vectors import WRITERS

pytestmark = pytest.mark.apps

# Python's own tests of the vectors, against another folder.
PYTHON = """
import sys, pathlib, pytest
import tests.golden.renew_vectors as writer
writer.VECTORS = pathlib.Path(sys.argv[1])
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", "tests/test_vectors.py"]))
"""
# Which test of SegCore reads each file.
SWIFT = {
    "fits": "testPicturesAndPointsLieInTheInputAsTheVectorsSay",
    "resizes": "testResizingIsExact",
    "canvases": "testPixelValuesAreThoseOfTheVectors",
    "prompts": "testPromptsGoIntoTheSlotsOfTheVectors",
    "masks": "testMasksAreThoseOfTheVectors",
    "panoptics": "testMapsAndSegmentsAreThoseOfTheVectors",
    "latencies": "testQuantilesAreThoseOfTheVectors",
    "manifests": "testBadManifestsAreRefusedAsTheVectorsSay",
    "goldens": "testAnswersAreJudgedAsTheVectorsSay",
}


def test_every_file_of_vectors_has_an_answer_to_spoil() -> None:
    assert set(ANSWERS) == set(SWIFT) == set(WRITERS)


def test_the_wrong_vector_turns_python_red(tmp_path: Path) -> None:
    for names in (["fits"], list(ANSWERS)):
        folder = copy_with_wrong(names, tmp_path / f"{len(names)}")
        done = run([sys.executable, "-c", PYTHON, folder], cwd=REPOSITORY)
        assert done.returncode == 1, done.stdout
        red = re.findall(r"^FAILED .*test_the_files_are_what_the_code_answers\[(\w+)\]", done.stdout, re.MULTILINE)
        assert sorted(red) == sorted(names)


def test_the_wrong_vector_turns_kotlin_red(tmp_path: Path) -> None:
    for name in ANSWERS:
        folder = copy_with_wrong([name], tmp_path / name)
        passed, said = run_junit(folder, "org.rmpsam.core.VectorsTest")
        assert not passed, name
        assert "Failures: 1" in said, (name, said)


@ON_REQUEST
def test_the_wrong_vector_turns_swift_red(step: Step, tmp_path: Path) -> None:
    for names in (["fits"], list(ANSWERS)):
        folder = copy_with_wrong(names, tmp_path / f"{len(names)}")
        status, said = step("core", RMPSAM_VECTORS=str(folder))
        assert status != 0
        red = set(re.findall(r"error: \w+\.(test\w+)", said))
        assert red == {SWIFT[name] for name in names}, said[-4000:]
