"""Draw the screens of the app from its own layouts and strings: ``python demo_android/draw_screens.py OUT.svg``.

No Android renders here: sizes, weights, gravity and texts come from ``app/src/main/res``, letter shapes and colours are
approximations, and what code draws (picture, masks) is a sketch. It shows what stands where in both languages.
"""

import re
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Final

RES: Final = Path(__file__).parent / "app/src/main/res"
A: Final = "{http://schemas.android.com/apk/res/android}"
WIDTH, HEIGHT, GAP = 360.0, 760.0, 24.0  # dp of a common phone
SHAPE: Final = f'width="{WIDTH:g}" height="{HEIGHT:g}" rx="16"'
BAR, LETTER = 48.0, 0.51  # height of the action bar, mean width of a letter as a share of its size
SMALL, MEDIUM = 14, 18  # sp of buttons and rows, and of the style Status
SAMPLES: Final = {  # what code writes into a view, as a string of the resources with its values
    ("main", "status"): ("status_mask", (12.0, 0.91)),
    ("camera", "status"): ("live_status", (8.3, "person, dog")),
    ("models", "status"): ("models_found", (1,)),
}
TIMES: Final = ((9.1, 8.8, 9.6), (31.2, 30.4, 33.0), (3.1, 2.9, 3.4), None, (2.4, 2.2, 2.7))  # of the steps, in ms
TITLES: Final = {"main": "app_name", "camera": "live", "models": "models", "latency": "latency"}


@dataclass
class Box:
    """A view with its place in dp."""

    view: ET.Element
    x: float
    y: float
    width: float
    height: float
    inside: list["Box"] = field(default_factory=list)


class Screen:
    """One layout in one language."""

    def __init__(self, name: str, language: str) -> None:
        """Args: name: of a file in ``layout``; language: the ending of ``values``, empty for English."""
        self.name = name
        self.point = "," if language else "."
        self.strings = _strings("") | _strings(language)
        self.root = ET.parse(RES / "layout" / f"{name}.xml").getroot()

    def svg(self, left: float) -> str:
        """The screen as SVG with its left edge at ``left``."""
        frame = f'<g transform="translate({left:g} {GAP:g})" clip-path="url(#screen)">'
        paper = f'<rect {SHAPE} fill="#fafafa" stroke="#888"/>'
        title = _text(self.strings[TITLES[self.name]], 16, BAR / 2, 18, "start", "#222", "bold")
        if self.name == "main":
            title += _text(self.strings["share"] + "   ⋮", WIDTH - 16, BAR / 2, 14, "end", "#0072b2")
        body = self._draw(self._place(self.root, 0, BAR, WIDTH, HEIGHT - BAR))
        return f"{frame}{paper}{title}{body}</g>"

    def _place(self, view: ET.Element, x: float, y: float, width: float, height: float) -> Box:
        box = Box(view, x, y, width, height)
        kind = view.tag.rpartition(".")[2]
        if kind in ("LinearLayout", "RadioGroup"):
            self._stack(box, is_vertical=view.get(A + "orientation") == "vertical")
        elif kind in ("FrameLayout", "ScrollView", "HorizontalScrollView"):
            for child in view:
                wide, high = self._wish(child, width, height)
                is_centred = self._value(child, "layout_gravity") == "center"
                dx, dy = ((width - wide) / 2, (height - high) / 2) if is_centred else (0, 0)
                box.inside.append(self._place(child, x + dx, y + dy, wide, high))
        return box

    def _stack(self, box: Box, *, is_vertical: bool) -> None:
        children = list(box.view)
        wishes = [self._wish(child, box.width, box.height) for child in children]
        weights = [float(self._value(child, "layout_weight") or 0) for child in children]
        along = [high if is_vertical else wide for wide, high in wishes]
        rest = (box.height if is_vertical else box.width) - sum(
            length for length, weight in zip(along, weights, strict=True) if not weight
        )
        at = box.y if is_vertical else box.x
        for child, (wide, high), length, weight in zip(children, wishes, along, weights, strict=True):
            length = rest * weight / sum(weights) if weight else length
            if is_vertical:
                box.inside.append(self._place(child, box.x, at, wide, length))
            else:
                box.inside.append(self._place(child, at, box.y, length, high))
            at += length

    def _wish(self, view: ET.Element, width: float, height: float) -> tuple[float, float]:
        """The size a view asks for, given its parent's."""
        kind = view.tag.rpartition(".")[2]
        text, size = self._label(view), _size(view)
        own_wide = max(LETTER * size * max(map(len, text.split("\n"))) + 24, 48.0)
        own_high = 1.3 * size * len(_wrapped(text, width - 24, size)) + 24
        if kind in ("LinearLayout", "RadioGroup") and len(view):
            sizes = [self._wish(child, width, height) for child in view]
            is_vertical = view.get(A + "orientation") == "vertical"
            own_wide = max(w for w, _ in sizes) if is_vertical else sum(w for w, _ in sizes)
            own_high = sum(h for _, h in sizes) if is_vertical else max(h for _, h in sizes)
        elif kind in ("ScrollView", "HorizontalScrollView", "FrameLayout") and len(view):
            own_wide, own_high = self._wish(view[0], width, height)
        elif kind == "ProgressBar":
            own_high = 4.0
        asked = (self._value(view, "layout_width"), self._value(view, "layout_height"))
        sizes_of = {"match_parent": (width, height), "wrap_content": (own_wide, own_high), "0dp": (0.0, 0.0)}
        return tuple(sizes_of[value or "wrap_content"][axis] for axis, value in enumerate(asked))  # type: ignore[return-value]

    def _draw(self, box: Box) -> str:
        kind = box.view.tag.rpartition(".")[2]
        inside = "".join(map(self._draw, box.inside))
        middle = box.y + box.height / 2
        if kind == "PictureView":
            return (_named(box, ("1", "2")) if self.name == "camera" else _pointed_at(box)) + inside
        if kind == "ListView":
            facts = self._format(
                "model_facts",
                ("rmpsam-mobile-tiny_512", 512, 512, "int8", "4f1c09ab77e2", self.strings["model_trained"]),
            )
            test = self._format("self_test_passed", (0.03, 99.9))
            return _paragraph(f"{facts}\n{test}", box.x, box.y, box.width, MEDIUM)
        if kind == "RadioButton":
            circle = (
                f'<circle cx="{box.x + 16:g}" cy="{middle:g}" r="8" fill="none" stroke="#0072b2" stroke-width="2"/>'
            )
            dot = f'<circle cx="{box.x + 16:g}" cy="{middle:g}" r="4" fill="#0072b2"/>'
            is_on = box.view.get(A + "id") == "@id/tool_object"
            return circle + dot * is_on + _text(self._label(box.view), box.x + 32, middle, SMALL, "start", "#222")
        if kind == "Button":
            colour = "#999" if box.view.get(A + "enabled") == "false" else "#0072b2"
            return _text(self._label(box.view), box.x + box.width / 2, middle, SMALL, "middle", colour, "bold")
        if kind == "TextView":
            if box.view.get(A + "id") == "@+id/empty":  # gone once there is a picture
                return ""
            return _paragraph(self._label(box.view), box.x, box.y, box.width, _size(box.view))
        return inside

    def _label(self, view: ET.Element) -> str:
        place = (self.name, (view.get(A + "id") or "").rpartition("/")[2])
        if place in SAMPLES:
            return self._format(*SAMPLES[place])
        if place == ("latency", "steps"):
            return "\n\n".join(self._times())
        return self.strings.get((self._value(view, "text") or "").removeprefix("@string/"), "")

    def _times(self) -> Iterator[str]:
        facts = self._format("latency_facts", ("rmpsam-mobile-tiny_512", "4f1c09ab77e2", 4))
        heat = self._format("latency_thermal", (self.strings["thermal_states"].split("\n")[0],))
        yield f"{facts}\n{heat}"
        for name, times in zip(self.strings["steps"].split("\n"), TIMES, strict=True):
            known = self._format("latency_step", (name, *times)) if times else None
            yield known or self._format("latency_step_unknown", (name,))

    def _format(self, key: str, values: tuple[object, ...]) -> str:
        text = self.strings[key].replace("\\n", "\n")
        order = [int(index) - 1 for index in re.findall(r"%(\d)\$", text)]
        filled = re.sub(r"%\d\$", "%", text) % tuple(values[index] for index in order)
        return re.sub(r"(?<=\d)\.(?=\d)", self.point, filled)

    def _value(self, view: ET.Element, name: str) -> str | None:
        style = view.get("style", "").removeprefix("@style/")
        return view.get(A + name) or _styles().get(style, {}).get(name)


def _strings(language: str) -> dict[str, str]:
    root = ET.parse(RES / f"values{language}" / "strings.xml").getroot()
    found = {}
    for element in root:
        items = [item.text or "" for item in element]
        many = "\n".join(items) if element.tag == "string-array" else items[0] if items else ""
        found[element.get("name", "")] = (element.text or "") if element.tag == "string" else many
    return found


def _styles() -> dict[str, dict[str, str]]:
    root = ET.parse(RES / "values/styles.xml").getroot()
    styles = root.findall("style")
    return {
        style.get("name", ""): {item.get("name", "").removeprefix("android:"): item.text or "" for item in style}
        for style in styles
    }


def _size(view: ET.Element) -> int:
    return MEDIUM if view.get("style") == "@style/Status" else SMALL


def _pointed_at(box: Box) -> str:
    """A picture with one mask, its outline, a point and the cursor."""
    cx, cy = box.x + 0.45 * box.width, box.y + 0.5 * box.height
    plus = f'<path d="M{cx - 5:g} {cy:g}h10M{cx:g} {cy - 5:g}v10" stroke="#000" stroke-width="2"/>'
    ring = f'<circle cx="{cx:g}" cy="{cy:g}" r="10" fill="none" stroke="#000" stroke-width="2"/>'
    return _ground(box) + _mask(cx, cy, (0.22 * box.width, 0.3 * box.height), "#e69f00", "1") + ring + plus


def _named(box: Box, numbers: tuple[str, str]) -> str:
    """A picture with two objects that were found in it."""
    size = (0.17 * box.width, 0.25 * box.height)
    left = _mask(box.x + 0.28 * box.width, box.y + 0.45 * box.height, size, "#e69f00", numbers[0])
    return _ground(box) + left + _mask(box.x + 0.7 * box.width, box.y + 0.6 * box.height, size, "#56b4e9", numbers[1])


def _ground(box: Box) -> str:
    place = f'x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}"'
    return f'<rect {place} fill="#cfd8dc"/>'


def _mask(x: float, y: float, radii: tuple[float, float], colour: str, number: str) -> str:
    shape = f'<ellipse cx="{x:g}" cy="{y:g}" rx="{radii[0]:g}" ry="{radii[1]:g}"'
    tint = f'{shape} fill="{colour}" fill-opacity="0.5" stroke="#fff" stroke-width="4"/>'
    line = f'{shape} fill="none" stroke="{colour}" stroke-width="2"/>'
    return tint + line + _text(number, x, y - 0.6 * radii[1], 16, "middle", "#fff", "bold")


def _wrapped(text: str, width: float, size: int) -> list[str]:
    lines, longest = [], max(int(width / (LETTER * size)), 1)
    for part in text.split("\n"):
        line = ""
        for word in part.split():
            if len(line) + len(word) >= longest:
                lines.append(line)
                line = ""
            line = f"{line} {word}".strip()
        lines.append(line)
    return lines


def _paragraph(text: str, x: float, y: float, width: float, size: int) -> str:
    """Wrapped text with the padding of the style Status."""
    lines = enumerate(_wrapped(text, width - 24, size))
    return "".join(_text(line, x + 12, y + 12 + 1.3 * size * (i + 0.5), size, "start", "#222") for i, line in lines)


def _text(text: str, x: float, y: float, size: int, anchor: str, fill: str, weight: str = "normal") -> str:
    place = f'x="{x:g}" y="{y + 0.35 * size:g}" font-size="{size}" text-anchor="{anchor}" font-weight="{weight}"'
    return f'<text {place} fill="{fill}">{escape(text)}</text>'


def draw() -> str:
    """All screens, English above German."""
    rows = []
    for row, language in enumerate(("", "-de")):
        screens = [Screen(name, language).svg(GAP + i * (WIDTH + GAP)) for i, name in enumerate(TITLES)]
        rows.append(f'<g transform="translate(0 {row * (HEIGHT + GAP):g})">{"".join(screens)}</g>')
    width, height = GAP + len(TITLES) * (WIDTH + GAP), GAP + 2 * (HEIGHT + GAP)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" font-family="sans-serif">'
    head += f'<clipPath id="screen"><rect {SHAPE}/></clipPath>'
    return f'{head}<rect width="100%" height="100%" fill="#fff"/>{"".join(rows)}</svg>\n'


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(draw(), encoding="utf-8")
