"""Rung 7: resources and manifest link; every text in both languages, none in code; touch targets are large enough."""

import re
import runpy
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Final

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.apps.android_strings import LANGUAGES, Texts, texts
from tests.apps.kotlin_compiler import (
    ANDROID,
    MANIFEST,
    RESOURCES,
    app_classes,
    link_resources,
    linked_resources,
    merged_manifest,
    sources,
)
from tests.apps.kotlin_syntax import nodes, tree
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.apps

A: Final = "{http://schemas.android.com/apk/res/android}"
LAYOUTS: Final = sorted((RESOURCES / "layout").glob("*.xml"))
SPEAKING: Final = ("text", "hint", "contentDescription", "title", "label", "tooltipText", "stateDescription")
TOUCHED: Final = ("Button", "RadioButton", "CheckBox", "Switch", "ImageButton", "ToggleButton")
SAYS_ITSELF: Final = ("org.rmpsam.demo.screens.PictureView", "ListView", "ProgressBar", "RadioGroup", "ImageButton")
THROWS: Final = re.compile(r"(Exception|Error|error|require\w*|check\w*|missing|unusable)$")


def elements(path: Path) -> list[ET.Element]:
    return list(ET.parse(path).getroot().iter())


def attribute(element: ET.Element, name: str) -> str | None:
    """An attribute of a view, or of its style, or of that style's own parent in this app."""
    given = element.get(A + name)
    if given is None and (style := element.get("style", "").removeprefix("@style/")):
        given = styles().get(style, {}).get(name)
    return given


def styles() -> dict[str, dict[str, str]]:
    root = ET.parse(RESOURCES / "values/styles.xml").getroot()
    return {
        style.get("name", ""): {item.get("name", "").removeprefix("android:"): item.text or "" for item in style}
        for style in root.findall("style")
    }


def dp(value: str | None) -> float:
    root = ET.parse(RESOURCES / "values/styles.xml").getroot()
    if value and value.startswith("@dimen/"):
        value = next(item.text for item in root.findall("dimen") if item.get("name") == value.removeprefix("@dimen/"))
    return float((value or "0dp").removesuffix("dp"))


def test_resources_and_manifest_link() -> None:
    assert list(linked_resources().rglob("R.java"))


def test_a_missing_string_is_found(tmp_path: Path) -> None:
    copy = Path(shutil.copytree(RESOURCES, tmp_path / "res"))
    for folder in ("values", "values-de"):
        path = copy / folder / "strings.xml"
        kept = [line for line in path.read_text("utf-8").splitlines() if 'name="undo"' not in line]
        path.write_text("\n".join(kept), "utf-8")
    assert "string/undo" in link_resources(copy, tmp_path)


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_every_text_is_there_in_every_language(language: str) -> None:
    english, other = texts("en"), texts(language)
    assert set(other.all) == {key for key in english.all if key not in english.untranslated}
    for key, wanted in english.all.items():
        if key in other.all:
            assert len(other.all[key]) == len(wanted), key
            for one, two in zip(wanted, other.all[key], strict=True):
                assert placeholders(one) == placeholders(two), key
                assert two.strip(), key


def placeholders(text: str) -> list[str]:
    return sorted(re.findall(r"%(?:\d+\$)?[\d.]*[a-zA-Z%]", text))


def test_german_is_no_copy_of_english() -> None:
    english, german = texts("en"), texts("de")
    same = [key for key, value in german.all.items() if value == english.all[key]]
    assert same == []


def test_every_text_is_used() -> None:
    code = "".join(path.read_text("utf-8") for path in [*sources("app/src/main"), MANIFEST, *RESOURCES.rglob("*.xml")])
    unused = [key for key in texts("en").all if not re.search(rf"(R\.\w+\.|@string/){key}\b", code)]
    assert unused == []


def test_lists_are_as_long_as_what_they_name() -> None:
    english: Texts = texts("en")
    step = (ANDROID / "core/src/main/kotlin/org/rmpsam/core/StepTimings.kt").read_text("utf-8")
    steps = re.findall(r"^    [A-Z]+,", step.partition("public class")[0], re.MULTILINE)
    assert len(english.all["steps"]) == len(steps) == 5
    assert len(english.all["thermal_states"]) == 7  # PowerManager.THERMAL_STATUS_NONE to _SHUTDOWN


@pytest.mark.parametrize("path", [*LAYOUTS, RESOURCES / "menu/main.xml", MANIFEST], ids=lambda path: path.stem)
def test_no_text_stands_in_a_layout(path: Path) -> None:
    for element in elements(path):
        for name in SPEAKING:
            assert element.get(A + name, "@string/").startswith("@string/"), (element.tag, name)


@pytest.mark.parametrize("path", sources("app/src/main"), ids=lambda path: path.stem)
def test_no_text_stands_in_code(path: Path) -> None:
    """Sentences for people are resources; only messages of exceptions may be written out."""
    if path.parent.name == "bench":  # speaks to a computer
        return
    for node in nodes(tree(path.read_bytes()), "string_literal"):
        text = (node.text or b"").decode()
        plain = re.sub(r"\$\{[^}]*\}|\$\w+", "", text)
        if not re.search(r"[A-Za-z]{2,} |[A-Z][a-z]+", plain):
            continue
        callers = []
        parent = node.parent
        while parent is not None:
            if parent.type == "annotation":
                callers.append("error")  # speaks to a tool
            if parent.type == "call_expression" and parent.children[0].text:
                callers.append(parent.children[0].text.decode())
            parent = parent.parent
        assert any(THROWS.search(caller) for caller in callers), f"line {node.start_point.row + 1}: {text}"


@pytest.mark.parametrize("path", LAYOUTS, ids=lambda path: path.stem)
def test_what_can_be_touched_is_48_dp_large_and_says_what_it_is(path: Path) -> None:
    for element in elements(path):
        if element.tag in TOUCHED:
            assert dp(attribute(element, "minHeight")) >= 48, element.attrib
            assert dp(attribute(element, "minWidth")) >= 48, element.attrib
            assert attribute(element, "text") or attribute(element, "contentDescription"), element.attrib
        if element.tag in SAYS_ITSELF:
            assert attribute(element, "contentDescription"), element.attrib


@pytest.mark.parametrize("path", LAYOUTS, ids=lambda path: path.stem)
def test_layouts_can_be_mirrored(path: Path) -> None:
    text = path.read_text("utf-8")
    assert not re.search(r"android:\w*(Left|Right)\w*=", text)
    assert not re.search(r'gravity="[^"]*\b(left|right)\b', text)


def test_what_changes_is_announced() -> None:
    live = [
        element
        for name in ("main", "models", "latency")
        for element in elements(RESOURCES / f"layout/{name}.xml")
        if element.get(A + "accessibilityLiveRegion") == "polite"
    ]
    assert len(live) == 3


def test_the_app_asks_for_the_camera_and_nothing_else() -> None:
    asked = [element.get(A + "name") for element in elements(MANIFEST) if element.tag.startswith("uses-permission")]
    assert asked == ["android.permission.CAMERA"]
    required = [element.get(A + "required") for element in elements(MANIFEST) if element.tag == "uses-feature"]
    assert required == ["false"]


def test_only_the_launcher_is_open_to_other_apps() -> None:
    exported = [element.get(A + "name") for element in elements(MANIFEST) if element.get(A + "exported") == "true"]
    assert exported == [".screens.MainActivity"]
    for element in elements(MANIFEST):
        if element.tag in ("activity", "provider", "service", "receiver"):
            assert element.get(A + "exported") in ("true", "false"), element.attrib
    (application,) = (element for element in elements(MANIFEST) if element.tag == "application")
    assert application.get(A + "allowBackup") == "false"
    assert application.get(A + "supportsRtl") == "true"


def test_what_the_manifest_names_is_there() -> None:
    package = ET.fromstring(merged_manifest()).get("package", "")
    tags = ("application", "activity", "provider", "instrumentation")
    named = [element.get(A + "name", "") for element in elements(MANIFEST) if element.tag in tags]
    classes = [app_classes().joinpath(*package.split("."), *name.strip(".").split(".")) for name in named]
    assert len(classes) == 8
    assert [path.name for path in classes if not path.with_suffix(".class").is_file()] == []
    views = {element.tag for path in LAYOUTS for element in elements(path) if "." in element.tag}
    assert views == {"org.rmpsam.demo.screens.PictureView"}


def test_the_drawn_screens_are_todays_layouts() -> None:
    script = runpy.run_path(str(ANDROID / "draw_screens.py"))
    stored = (REPOSITORY / "docs/figures/android_screens.svg").read_text("utf-8")
    assert script["draw"]() == stored, "python demo_android/draw_screens.py docs/figures/android_screens.svg"
    ET.fromstring(stored)


# How eyes without long-wave or middle-wave cones see linear RGB (Vienot, Brettel and Mollon 1999).
BLIND: Final = {
    "none": np.eye(3),
    "protan": np.array([[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]]),
    "deutan": np.array([[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]]),
}


@pytest.mark.parametrize("eyes", BLIND)
def test_mask_colours_stay_apart_for_colour_blind_eyes(eyes: str) -> None:
    root = ET.parse(RESOURCES / "values/colours.xml").getroot()
    items = [item.text or "" for item in root.findall("integer-array/item")]
    rgb = np.array([[int(item[4 + 2 * i : 6 + 2 * i], 16) for i in range(3)] for item in items]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) @ BLIND[eyes].T
    lab = _lab(np.clip(linear, 0, 1))
    distances = np.linalg.norm(lab[:, None] - lab[None], axis=-1)[np.triu_indices(len(lab), 1)]
    assert len(items) == 7
    assert distances.min() > 10


def _lab(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    """CIELAB of linear sRGB, D65."""
    matrix = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    scaled = linear @ matrix.T / np.array([0.9505, 1.0, 1.089])
    root = np.where(scaled > 0.008856, np.cbrt(scaled), 7.787 * scaled + 16 / 116)
    x, y, z = root.T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)
