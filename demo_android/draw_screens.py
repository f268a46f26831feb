"""Draw the screens of the app from its own layouts and strings: ``python demo_android/draw_screens.py OUT.svg``.

No Android renders here: sizes, weights, gravity and texts come from ``app/src/main/res``, letter shapes and colours are
approximations, and what code draws (picture, masks) is a sketch. It shows what stands where in both languages.
"""

import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Final

RES: Final = Path(__file__).parent / "app/src/main/res"
A: Final = "{http://schemas.android.com/apk/res/android}"
WIDTH, HEIGHT, GAP = 360.0, 640.0, 24.0  # dp of a common phone
BAR, LETTER = 48.0, 7.2  # height of the action bar, mean width of a letter of 14 sp
SAMPLES: Final = {  # what code writes into a view, as a string of the resources with its values
    ("main", "status"): ("status_mask", (12.0, 0.91)),
    ("camera", "status"): ("live_status", (8.3, "person, dog")),
    ("models", "status"): ("models_found", (1,)),
    ("latency", "steps"): ("latency_step", ("Encoder", 31.2, 30.4, 33.0)),
}
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
        self.strings = _strings("") | _strings(language)
        self.root = ET.parse(RES / "layout" / f"{name}.xml").getroot()

    def svg(self, left: float) -> str:
        """The screen as SVG with its left edge at ``left``."""
        frame = f'<g transform="translate({left:g} {GAP:g})">'
        paper = f'<rect width="{WIDTH:g}" height="{HEIGHT:g}" rx="16" fill="#fafafa" stroke="#888"/>'
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
        lines = self._label(view).split("\n")
        own_wide = max(LETTER * max(map(len, lines)) + 24, 48.0)
        own_high = 18.0 * sum(1 + int(LETTER * len(line) / (width - 24)) for line in lines) + 24
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
            return _sketch(box) + inside
        if kind == "ListView":
            facts = self._format(
                "model_facts",
                ("rmpsam-mobile-tiny_512", 512, 512, "int8", "4f1c09ab77e2", self.strings["model_trained"]),
            )
            test = self._format("self_test_passed", (0.03, 99.9))
            return _paragraph(f"{facts}\n{test}", box.x + 12, box.y + 24, box.width - 24)
        if kind == "RadioButton":
            circle = (
                f'<circle cx="{box.x + 16:g}" cy="{middle:g}" r="8" fill="none" stroke="#0072b2" stroke-width="2"/>'
            )
            dot = f'<circle cx="{box.x + 16:g}" cy="{middle:g}" r="4" fill="#0072b2"/>'
            is_on = box.view.get(A + "id") == "@id/tool_object"
            return circle + dot * is_on + _text(self._label(box.view), box.x + 32, middle, 14, "start", "#222")
        if kind == "Button":
            return _text(self._label(box.view), box.x + box.width / 2, middle, 14, "middle", "#0072b2", "bold")
        if kind == "TextView":
            if box.view.get(A + "id") == "@+id/empty":  # gone once there is a picture
                return ""
            return _paragraph(self._label(box.view), box.x + 12, box.y + 24, box.width - 24)
        return inside

    def _label(self, view: ET.Element) -> str:
        sample = SAMPLES.get((self.name, (view.get(A + "id") or "").rpartition("/")[2]))
        if sample:
            return self._format(*sample)
        return self.strings.get((self._value(view, "text") or "").removeprefix("@string/"), "")

    def _format(self, key: str, values: tuple[object, ...]) -> str:
        text = self.strings[key].replace("\\n", "\n")
        for index in range(len(values), 0, -1):
            text = text.replace(f"%{index}$", "%")
        return text % values

    def _value(self, view: ET.Element, name: str) -> str | None:
        style = view.get("style", "").removeprefix("@style/")
        return view.get(A + name) or _styles().get(style, {}).get(name)


def _strings(language: str) -> dict[str, str]:
    root = ET.parse(RES / f"values{language}" / "strings.xml").getroot()
    return {e.get("name", ""): (e.text or "") if e.tag == "string" else (e[0].text or "") for e in root}


def _styles() -> dict[str, dict[str, str]]:
    root = ET.parse(RES / "values/styles.xml").getroot()
    styles = root.findall("style")
    return {
        style.get("name", ""): {item.get("name", "").removeprefix("android:"): item.text or "" for item in style}
        for style in styles
    }


def _sketch(box: Box) -> str:
    """A picture with one mask, its outline, a point and the cursor."""
    x, y, w, h = box.x, box.y, box.width, box.height
    ground = f'<rect x="{x:g}" y="{y:g}" width="{w:g}" height="{h:g}" fill="#cfd8dc"/>'
    cx, cy = x + 0.45 * w, y + 0.5 * h
    shape = f'<ellipse cx="{cx:g}" cy="{cy:g}" rx="{0.22 * w:g}" ry="{0.3 * h:g}"'
    mask = f'{shape} fill="#e69f00" fill-opacity="0.5" stroke="#fff" stroke-width="4"/>'
    line = f'{shape} fill="none" stroke="#e69f00" stroke-width="2"/>'
    plus = f'<path d="M{cx - 5:g} {cy:g}h10M{cx:g} {cy - 5:g}v10" stroke="#000" stroke-width="2"/>'
    ring = f'<circle cx="{cx:g}" cy="{cy:g}" r="10" fill="none" stroke="#000" stroke-width="2"/>'
    return ground + mask + line + ring + plus + _text("1", cx, cy - 0.2 * h, 16, "middle", "#fff", "bold")


def _paragraph(text: str, x: float, y: float, width: float) -> str:
    lines, per_line = [], max(int(width / LETTER), 1)
    for part in text.split("\n"):
        line = ""
        for word in part.split():
            if len(line) + len(word) >= per_line:
                lines.append(line)
                line = ""
            line = f"{line} {word}".strip()
        lines.append(line)
    return "".join(_text(line, x, y + 18 * index, 14, "start", "#222") for index, line in enumerate(lines))


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
    return f'{head}<rect width="100%" height="100%" fill="#fff"/>{"".join(rows)}</svg>\n'


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(draw(), encoding="utf-8")
