"""Rung 2: every Swift file parses, is short, and shows a person nothing that is not in the string catalog."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import tree_sitter
import tree_sitter_swift

from tests.conftest import REPOSITORY

pytestmark = pytest.mark.apps

APP: Final = REPOSITORY / "demo_ios"
LANGUAGE: Final = tree_sitter.Language(tree_sitter_swift.language())
FILES: Final = sorted(path for path in APP.rglob("*.swift") if ".build" not in path.parts)
SCREENS: Final = [path for path in FILES if path.is_relative_to(APP / "RMPSAMDemo")]
FUNCTIONS: Final = {"function_declaration", "init_declaration", "computed_property"}
# What takes words for people. Arguments with other names (systemImage, verbatim, id) are not among them.
SPOKEN: Final = re.compile(
    r"\b(?:Text|Label|Button|Section|Picker|ProgressView|LabeledContent|ContentUnavailableView|navigationTitle|"
    r"accessibilityLabel|accessibilityHint|String)\(\s*(?:localized: )?$"
)


def parse(path: Path) -> tree_sitter.Node:
    return tree_sitter.Parser(LANGUAGE).parse(path.read_bytes()).root_node


def walk(node: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    yield node
    for child in node.children:
        yield from walk(child)


def literals(path: Path) -> list[tuple[str, str]]:
    """What stands before each string, and the string as a key: what is filled in becomes ``%@``."""
    source = path.read_bytes()
    found = []
    for node in walk(parse(path)):
        if node.type == "line_string_literal":
            text = source[node.start_byte + 1 : node.end_byte - 1].decode()
            filled = re.sub(r"\\\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)", "%@", text)
            found.append((source[: node.start_byte].decode()[-60:], filled))
    return found


def catalog() -> dict[str, Any]:
    text = (APP / "RMPSAMDemo" / "Resources" / "Localizable.xcstrings").read_text(encoding="utf-8")
    strings: dict[str, Any] = json.loads(text)["strings"]
    return strings


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_parses_and_is_short(path: Path) -> None:
    root = parse(path)
    wrong = [node.start_point.row + 1 for node in walk(root) if node.is_error or node.is_missing]
    assert not wrong, f"{path.name} lines {wrong}"
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 400
    assert max(map(len, lines)) <= 120
    for node in walk(root):
        if node.type in FUNCTIONS:
            length = node.end_point.row - node.start_point.row + 1
            assert length <= 42, f"{path.name}:{node.start_point.row + 1} has {length} lines"


def test_a_mistake_would_be_found(tmp_path: Path) -> None:
    broken = tmp_path / "broken.swift"
    broken.write_text(FILES[0].read_text(encoding="utf-8") + "\nfunc broken( { }\n", encoding="utf-8")
    assert parse(broken).has_error


def test_what_people_read_comes_from_the_catalog() -> None:
    known, unknown, spoken = catalog(), [], 0
    for path in SCREENS:
        for before, text in literals(path):
            if SPOKEN.search(before):
                spoken += 1
                unknown += [] if text in known else [f"{path.name}: {text!r}"]
            elif re.search(r"[A-Za-z]{2,} [a-z]{2,}", text):
                unknown.append(f"{path.name}: a sentence in code: {text!r}")
    assert not unknown
    assert spoken > 30


def test_no_string_of_the_catalog_is_left_over() -> None:
    used = {text for path in SCREENS for _, text in literals(path)}
    assert set(catalog()) <= used


def test_each_string_is_there_in_both_languages_with_the_same_gaps() -> None:
    folder = APP / "RMPSAMDemo" / "Resources"
    for file in ("Localizable.xcstrings", "InfoPlist.xcstrings"):
        document = json.loads((folder / file).read_text(encoding="utf-8"))
        assert document["sourceLanguage"] == "en"
        for key, entry in document["strings"].items():
            units = {name: unit["stringUnit"] for name, unit in entry["localizations"].items()}
            assert set(units) == {"en", "de"}, key
            assert all(unit["state"] == "translated" and unit["value"].strip() for unit in units.values()), key
            gaps = {name: len(re.findall(r"%(?:\d\$)?@", unit["value"])) for name, unit in units.items()}
            assert gaps["en"] == gaps["de"], key
            if file == "Localizable.xcstrings":
                assert gaps["en"] == key.count("%@"), key


def test_who_cannot_see_is_told_and_nothing_is_by_colour_alone() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in SCREENS)
    for needed in (
        "AccessibilityNotification.Announcement",
        "accessibilityVoiceOverEnabled",
        "accessibilityAction",
        "CursorGrid",
        "plus.circle.fill",
        "minus.circle.fill",
    ):
        assert needed in text
    assert not re.search(r"\.font\(\.system\(size:", text), "fixed sizes do not follow Dynamic Type"
    for path in SCREENS:
        for line in path.read_text(encoding="utf-8").splitlines():
            assert not re.search(r"URLSession|http://|https://", line), f"{path.name}: the app has no network"
