"""Rung 6: the core's JUnit tests on the JVM, with the golden vectors of Python and a bundle that it exported."""

import re
import shutil
from pathlib import Path

import pytest

from rmpsam_mobile.bundle import Bundle
from rmpsam_mobile.contracts import Graph
from tests.apps.exported import exported as exported
from tests.apps.exported import read_here, read_there
from tests.apps.kotlin_compiler import sources
from tests.apps.kotlin_core import run_junit
from tests.golden.renew_vectors import VECTORS

pytestmark = pytest.mark.apps

TESTS = [f"org.rmpsam.core.{path.stem}" for path in sources("core/src/test") if path.stem.endswith("Test")]
ON_BUNDLE = "org.rmpsam.core.PythonBundleTest"


def test_all_tests_of_the_core_pass() -> None:
    passed, said = run_junit(VECTORS, *TESTS)
    assert passed, said
    count = re.search(r"OK \((\d+) tests\)", said)
    assert count
    assert int(count[1]) >= 50


def test_a_bundle_that_python_exported_is_read_as_python_reads_it(exported: Bundle) -> None:
    passed, said = run_junit(VECTORS, ON_BUNDLE, bundle=exported.folder)
    assert passed, said
    assert read_there(said) == read_here(exported)


def test_a_changed_byte_in_such_a_bundle_is_found(exported: Bundle, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(exported.folder, tmp_path / "copy.bundle"))
    graph = copy / exported.manifest.graphs[Graph.ENCODER].path
    raw = bytearray(graph.read_bytes())
    raw[len(raw) // 2] ^= 1
    graph.write_bytes(raw)
    passed, said = run_junit(VECTORS, ON_BUNDLE, bundle=copy)
    assert not passed
    assert f"{graph.name}: its sha256 is not the one in the manifest" in said
