"""JUnit tests of ``:core`` on this computer's JVM."""

from pathlib import Path

from tests.apps.kotlin_compiler import core_classes, core_test_classes, junit, library
from tests.apps.tools import debian_program, run


def run_junit(vectors: Path, *names: str, bundle: Path | None = None) -> tuple[bool, str]:
    """Run JUnit classes against a folder of vectors: whether all passed, and what was printed."""
    classes = [core_test_classes(), core_classes(), library("kotlin-stdlib"), *junit()]
    java = debian_program("java", "default-jdk-headless")
    options = [f"-Drmpsam.vectors={vectors}", *([f"-Drmpsam.bundle={bundle}"] if bundle else [])]
    done = run([java, *options, "-cp", ":".join(map(str, classes)), "org.junit.runner.JUnitCore", *names])
    return done.returncode == 0, done.stdout
