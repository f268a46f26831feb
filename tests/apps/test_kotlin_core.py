"""Rung 6: the core's JUnit tests on the JVM with the golden vectors of Python; a wrong vector turns them red."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.apps.kotlin_compiler import core_classes, core_test_classes, junit, library, sources
from tests.apps.tools import debian_program, run
from tests.golden.renew_vectors import VECTORS, WRITERS

pytestmark = pytest.mark.apps

TESTS = [f"org.rmpsam.core.{path.stem}" for path in sources("core/src/test") if path.stem.endswith("Test")]


def run_tests(vectors: Path, *names: str) -> tuple[bool, str]:
    """Run JUnit classes against a folder of vectors: whether all passed, and what JUnit printed."""
    classes = [core_test_classes(), core_classes(), library("kotlin-stdlib"), *junit()]
    java = debian_program("java", "default-jdk-headless")
    options = [f"-Drmpsam.vectors={vectors}", "-cp", ":".join(map(str, classes))]
    done = run([java, *options, "org.junit.runner.JUnitCore", *names])
    return done.returncode == 0, done.stdout


def test_all_tests_of_the_core_pass() -> None:
    passed, said = run_tests(VECTORS, *TESTS)
    assert passed, said
    count = re.search(r"OK \((\d+) tests\)", said)
    assert count
    assert int(count[1]) >= 50


def changed(value: Any) -> Any:
    """The first number of the first answer, changed; structure and inputs stay."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 7
    if isinstance(value, str):
        return value + "x"
    if isinstance(value, list):
        return [changed(value[0]), *value[1:]] if value else ["x"]
    first = next(iter(value))
    return value | {first: changed(value[first])}


ANSWERS = {
    "fits": (0, "fitted"),
    "resizes": (0, "resized", "values"),
    "canvases": (0, "pixel_values", "values"),
    "prompts": ("cases", 0, "filled", "points", "values"),
    "masks": (0, "mask", "runs"),
    "panoptics": (0, "map", "values"),
    "latencies": ("quantiles", 0, "quantile"),
    "manifests": ("bad", 0, "error"),
    "goldens": ("judged", 0, "passes", "encoder/mask_features"),
}


def test_every_file_of_vectors_has_an_answer_to_spoil() -> None:
    assert set(ANSWERS) == set(WRITERS)


def test_each_wrong_vector_turns_the_tests_red(tmp_path: Path) -> None:
    for name, path in ANSWERS.items():
        folder = Path(shutil.copytree(VECTORS, tmp_path / name))
        document = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        place = document
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = "input" if name == "manifests" else changed(place[path[-1]])
        (folder / f"{name}.json").write_text(json.dumps(document), encoding="utf-8")
        passed, said = run_tests(folder, "org.rmpsam.core.VectorsTest")
        assert not passed, name
        assert "Failures: 1" in said, (name, said)
