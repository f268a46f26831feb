"""Rung 2: every Kotlin file parses, and is short enough to be read."""

import re
from pathlib import Path

import pytest

from tests.apps.kotlin_compiler import sources
from tests.apps.kotlin_syntax import errors, nodes, tree

pytestmark = pytest.mark.apps

ALL = [*sources("core", "app", "stubs"), Path(__file__).parent / "android_program" / "Program.kt"]
LARGEST_FILE, LONGEST_FUNCTION = 400, 40


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_every_file_parses(path: Path) -> None:
    assert errors(path.read_bytes()) == []


def test_a_syntax_error_is_found() -> None:
    source = ALL[0].read_bytes()
    assert errors(source + b"\nfun broken( {\n")
    assert errors(b"val x = \n")


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
