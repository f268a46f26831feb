"""The app's texts, by language."""

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from functools import cache
from typing import Final

from tests.apps.kotlin_compiler import RESOURCES

LANGUAGES: Final = {"en": "values", "de": "values-de"}


@dataclass(frozen=True)
class Texts:
    """Every text of one language; a list has several, and so has a plural, one for each quantity."""

    all: dict[str, list[str]]
    untranslated: set[str]


@cache
def texts(language: str) -> Texts:
    """Read ``strings.xml`` of a language."""
    root = ET.parse(RESOURCES / LANGUAGES[language] / "strings.xml").getroot()
    found: dict[str, list[str]] = {}
    for element in root:
        own = [element.text or ""] if element.tag == "string" else [item.text or "" for item in element]
        found[element.get("name", "")] = own
    untranslated = {element.get("name", "") for element in root if element.get("translatable") == "false"}
    return Texts(found, untranslated)
