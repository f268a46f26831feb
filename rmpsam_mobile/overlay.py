"""Results drawn over the picture for a person to look at: tinted masks, outlines, labels and prompt marks.

H, W the picture in pixels; all coordinates are xy of the source-image frame.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from rmpsam_mobile.errors import InputError

MIN_SHOWN: Final = 640  # a smaller picture is enlarged by a whole factor until its longer side has this

_TINT: Final = 0.42  # opacity of a mask: its texture stays visible
_STUFF_TINT: Final = 0.34  # background classes step back behind things
_CHROMA: Final = 0.16
_STUFF_CHROMA: Final = 0.10
_DARK: Final = (16, 18, 22)
_LIGHT: Final = (255, 255, 255)
_GREEN: Final = (22, 163, 74)
_RED: Final = (220, 38, 38)
_FARTHEST: Final = 1_000_000  # pixels; drawing libraries overflow somewhere beyond
_GOLDEN_ANGLE: Final = 137.50776  # degrees: any run of consecutive ids lies well apart on the colour wheel
_THUMBNAIL: Final = 160  # longer side of the grid on which places for labels are searched

Colour = tuple[int, int, int]
_Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Shape:
    """One mask to draw.

    Attributes:
        mask: bool [H, W].
        label: text on its plate; empty for none.
        id: picks the colour; the same id has the same colour in every picture.
        is_thing: countable objects are drawn stronger than stuff.
    """

    mask: NDArray[np.bool_]
    label: str = ""
    id: int = 0
    is_thing: bool = True


def draw_overlay(
    picture: NDArray[np.uint8],
    shapes: Sequence[Shape],
    *,
    points: Sequence[tuple[float, float, int]] = (),
    boxes: Sequence[tuple[float, float, float, float]] = (),
    banner: str = "",
) -> Image.Image:
    """Draw masks, labels and prompts over a picture.

    Large masks are drawn first, so that small ones stay visible. Labels sit at the deepest point of their mask and
    avoid one another.

    Args:
        picture: uint8 RGB [H, W, 3].
        shapes: masks of the picture's size; empty masks are skipped.
        points: x, y, label of each click; label 1 is foreground (green plus), 0 is background (red minus).
        boxes: x1, y1, x2, y2 of each prompt box.
        banner: a remark at the bottom edge, such as what the weights are.

    Returns:
        RGB, of the picture's size; enlarged by a whole factor if its longer side has fewer than 640 pixels, because
        text of a readable size would cover a smaller one.

    Raises:
        InputError: a picture, mask, point or box that cannot be drawn.
    """
    _check(picture, shapes, [*points, *boxes])
    factor = max(1, math.ceil(MIN_SHOWN / max(picture.shape[:2])))
    canvas = _enlarge(picture, factor)
    pen = max(math.sqrt(canvas.shape[0] * canvas.shape[1]) / 650, 0.6)  # one unit of line width
    drawn = sorted((shape for shape in shapes if shape.mask.any()), key=lambda shape: -np.count_nonzero(shape.mask))
    for shape in drawn:
        _paint(canvas, shape, factor, pen)
    image = Image.fromarray(canvas)
    layout = _Layout(image, ImageFont.load_default(max(11.0, 15 * pen)))
    if banner:
        layout.write_banner(banner)
    for box in boxes:
        _draw_box(image, [value * factor for value in box], pen)
    for x, y, label in points:
        _draw_click(image, (x * factor, y * factor), label == 1, pen)
        layout.reserve((x * factor, y * factor), 13 * pen)
    # Small masks choose their place first: a large one has room elsewhere.
    for shape in reversed(drawn):
        if shape.label:
            layout.write_label(shape)
    return image


def label_map_image(label_map: NDArray[np.integer], void: int = 133) -> Image.Image:
    """Colour a panoptic map [H, W]: one colour a value, void dark grey, thin dark borders between segments."""
    values, where = np.unique(label_map, return_inverse=True)
    table = np.array([_DARK if value == void else colour_of(int(value)) for value in values], np.uint8)
    colours = table[where.reshape(label_map.shape)]
    border = np.zeros(label_map.shape, np.bool_)
    border[:, 1:] |= label_map[:, 1:] != label_map[:, :-1]
    border[1:] |= label_map[1:] != label_map[:-1]
    colours[border] = _DARK
    return Image.fromarray(colours)


def colour_of(identity: int, lightness: float = 0.0, chroma: float = _CHROMA) -> Colour:
    """Return the RGB colour of an id: golden-angle hues in the perceptual space OKLCH, on three levels of lightness.

    ``lightness`` is added to the level; the space runs from 0 to 1. ``chroma`` 0 is grey.
    """
    hue = math.radians(25 + identity * _GOLDEN_ANGLE)
    light = (0.70, 0.62, 0.78)[identity % 3] + lightness
    a, b = chroma * math.cos(hue), chroma * math.sin(hue)
    # OKLab to linear sRGB (Bjorn Ottosson, 2020)
    long = (light + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (light - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (light - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short,
    )
    red, green, blue = (round(255 * _gamma(min(max(value, 0.0), 1.0))) for value in linear)
    return red, green, blue


def _gamma(linear: float) -> float:
    return 12.92 * linear if linear <= 0.0031308 else float(1.055 * linear ** (1 / 2.4) - 0.055)


def _check(picture: NDArray[np.uint8], shapes: Sequence[Shape], prompts: Sequence[tuple[float, ...]]) -> None:
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
        raise InputError(f"picture is {picture.dtype} {picture.shape}; needed is uint8 (H, W, 3); use read_picture")
    for shape in shapes:
        if shape.mask.dtype != np.bool_ or shape.mask.shape != picture.shape[:2]:
            raise InputError(
                f"mask {shape.label!r} is {shape.mask.dtype} {shape.mask.shape}; needed is bool {picture.shape[:2]}; "
                "bring it to the picture with masks_to_picture and compare with 0"
            )
    for prompt in prompts:
        if not all(abs(value) <= _FARTHEST for value in prompt):  # false for NaN, too
            raise InputError(f"prompt {prompt} is not within +-{_FARTHEST}; give coordinates in pixels of the picture")


def _enlarge(values: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    if factor == 1:
        return values.copy()
    size = (values.shape[1] * factor, values.shape[0] * factor)
    return np.array(Image.fromarray(values).resize(size, Image.Resampling.BICUBIC))


def _paint(canvas: NDArray[np.uint8], shape: Shape, factor: int, pen: float) -> None:
    """Tint a mask and draw its outline: a light line inside the edge, a dark one outside."""
    width = max(1.0, (2.0 if shape.is_thing else 1.4) * pen)
    margin = math.ceil(4 * width / factor) + 1
    rows, columns = (np.flatnonzero(shape.mask.any(axis=axis)) for axis in (1, 0))
    top, left = max(int(rows[0]) - margin, 0), max(int(columns[0]) - margin, 0)
    cut = shape.mask[top : int(rows[-1]) + 1 + margin, left : int(columns[-1]) + 1 + margin]
    # A mask enlarged from few pixels has soft slopes, which would pass for a wide line.
    crisp = cut if factor == 1 else _enlarge(cut.astype(np.uint8) * 255, factor) > 127
    soft = Image.fromarray(crisp.astype(np.uint8) * 255).filter(ImageFilter.GaussianBlur(width))
    edge = np.asarray(soft)
    region = canvas[top * factor :, left * factor :][: edge.shape[0], : edge.shape[1]]
    keep, ink = _edge_tables(shape)
    for channel in range(3):
        mixed = region[:, :, channel] * keep[edge]  # uint16: 255 * 256 at most, what ink adds included
        mixed += ink[:, channel][edge]
        region[:, :, channel] = mixed >> 8


def _edge_tables(shape: Shape) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
    """Return by the value of the blurred mask how much of the picture stays [256] and the ink over it [256, 3].

    A Gaussian blur turns a straight edge into the normal distribution of the distance to it, so the value tells the
    distance in line widths, and lines drawn by distance come out smooth. Both tables are in 1/256.
    """
    share = (np.arange(256) + 0.5) / 256
    grid = np.linspace(-3, 3, 601)
    normal = np.array([0.5 * (1 + math.erf(value / math.sqrt(2))) for value in grid])
    distance = np.interp(share, normal, grid)  # negative outside
    tint = (_TINT if shape.is_thing else _STUFF_TINT) * np.clip(distance + 0.5, 0, 1)
    dark = 0.62 * np.clip(1.1 - np.abs(distance + 0.75), 0, 1)
    light = 0.95 * np.clip(1.1 - np.abs(distance - 0.35) * 1.3, 0, 1)
    chroma = _CHROMA if shape.is_thing else _STUFF_CHROMA
    inks = colour_of(shape.id, chroma=chroma), _DARK, colour_of(shape.id, 0.14, chroma)
    stays, ink = np.ones(256), np.zeros((256, 3))
    for opacity, colour in zip((tint, dark, light), inks, strict=True):
        stays *= 1 - opacity
        ink += (np.array(colour) - ink) * opacity[:, None]
    return np.rint(stays * 256).astype(np.uint16), np.floor(ink * 256).astype(np.uint16)


def _draw_box(image: Image.Image, box: Sequence[float], pen: float) -> None:
    """Draw a dashed rectangle: light dashes on a dark line."""
    draw = ImageDraw.Draw(image)
    x1, y1, x2, y2 = box
    width, dash = max(1, round(2 * pen)), 9 * pen
    corners = [(x1, y1), (x2, y1), (x2, y2), (x1, y2), (x1, y1)]
    for start, end in pairwise(corners):
        draw.line([start, end], fill=_DARK, width=width + 2 * max(1, round(pen)))
    for start, end in pairwise(corners):
        length = math.dist(start, end)
        num_dashes = max(1, min(round(length / (2 * dash)), 4000))
        for number in range(num_dashes):
            begin, finish = (number + 0.25) / num_dashes, (number + 0.75) / num_dashes
            places = [
                (start[0] + (end[0] - start[0]) * part, start[1] + (end[1] - start[1]) * part)
                for part in (begin, finish)
            ]
            draw.line(places, fill=_LIGHT, width=width)


def _draw_click(image: Image.Image, centre: tuple[float, float], is_foreground: bool, pen: float) -> None:
    """Draw a disc with a plus or a minus, ringed in white and dark."""
    fine = 4  # drawn larger and reduced, since Pillow's circles have steps
    radius = max(6.0, 9 * pen)
    side = 2 * math.ceil(1.15 * radius) + 1  # odd: the mark has a middle pixel
    mark = Image.new("RGBA", (side * fine, side * fine))
    draw = ImageDraw.Draw(mark)
    middle = side * fine / 2
    for reach, ink in ((1.12, _DARK), (1.0, _LIGHT), (0.78, _GREEN if is_foreground else _RED)):
        draw.circle((middle, middle), radius * reach * fine, fill=(*ink, 255))
    arm, half = 0.46 * radius * fine, 0.11 * radius * fine
    draw.rectangle((middle - arm, middle - half, middle + arm, middle + half), fill=_LIGHT)
    if is_foreground:
        draw.rectangle((middle - half, middle - arm, middle + half, middle + arm), fill=_LIGHT)
    mark = mark.resize((side, side), Image.Resampling.BOX)
    image.paste(mark, (round(centre[0]) - side // 2, round(centre[1]) - side // 2), mark)


@dataclass
class _Layout:
    """Places text so that it does not cover other text."""

    image: Image.Image
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont
    taken: list[_Box] = field(default_factory=list)

    def reserve(self, centre: tuple[float, float], radius: float) -> None:
        """Keep labels off a square."""
        x, y = centre
        self.taken.append((round(x - radius), round(y - radius), round(x + radius), round(y + radius)))

    def write_banner(self, text: str) -> None:
        """Write a remark into the lower right corner."""
        text = self._shortened(text)
        width, height = self._plate_size(text)
        corner = (max(self.image.width - width - height // 3, 0), self.image.height - height - height // 3)
        self._write(text, corner, _DARK, 150)

    def write_label(self, shape: Shape) -> None:
        """Write a label where it covers no other text, as deep inside its mask as that allows."""
        text = self._shortened(shape.label)
        width, height = self._plate_size(text)
        limit = (max(self.image.width - width, 0), max(self.image.height - height, 0))
        best = min(
            (
                (self._covered((x, y, x + width, y + height)), rank, (x, y))
                for rank, (x, y) in enumerate(self._places(shape.mask, (width, height), limit))
            ),
        )
        self._write(text, best[2], colour_of(shape.id, -0.30), 225)

    def _places(self, mask: NDArray[np.bool_], plate: tuple[int, int], limit: tuple[int, int]) -> list[tuple[int, int]]:
        """List upper left corners for a plate, best first; a mask too small for it gets the plate outside."""
        width, height = plate
        scale = self.image.width / mask.shape[1]
        inside = [(x * scale - width / 2, y * scale - height / 2) for x, y in _deep_points(mask)]
        rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
        left, right = columns[0] * scale, (columns[-1] + 1) * scale
        top, bottom = rows[0] * scale, (rows[-1] + 1) * scale
        middle, gap = (left + right - width) / 2, height * 0.25
        outside = [
            (middle, top - height - gap),
            (middle, bottom + gap),
            (right + gap, (top + bottom - height) / 2),
            (left - width - gap, (top + bottom - height) / 2),
        ]
        is_tight = right - left < 1.3 * width or bottom - top < 2.2 * height
        places = outside + inside if is_tight else inside + outside
        return [(round(min(max(x, 0), limit[0])), round(min(max(y, 0), limit[1]))) for x, y in places]

    def _shortened(self, text: str) -> str:
        """Cut a text that is wider than the picture."""
        text = " ".join(text.split())
        shorter = text
        while len(shorter) > 1 and self._plate_size(shorter)[0] > 0.96 * self.image.width:
            text = text[:-1]
            shorter = text + "..."
        return shorter

    def _plate_size(self, text: str) -> tuple[int, int]:
        left, _, right, _ = self.font.getbbox(text)
        top, bottom = self.font.getbbox("Ag")[1::2]
        line = bottom - top
        return math.ceil(right - left + 0.9 * line), math.ceil(1.55 * line)

    def _covered(self, box: _Box) -> int:
        return sum(
            max(0, min(box[2], other[2]) - max(box[0], other[0]))
            * max(0, min(box[3], other[3]) - max(box[1], other[1]))
            for other in self.taken
        )

    def _write(self, text: str, corner: tuple[int, int], ink: Colour, opacity: int) -> None:
        width, height = self._plate_size(text)
        plate = Image.new("RGBA", (width, height))
        ImageDraw.Draw(plate).rounded_rectangle((0, 0, width - 1, height - 1), height * 0.28, fill=(*ink, opacity))
        self.image.paste(plate, corner, plate)
        place = (corner[0] + width / 2, corner[1] + height / 2)
        ImageDraw.Draw(self.image).text(place, text, fill=_LIGHT, font=self.font, anchor="mm")
        self.taken.append((corner[0], corner[1], corner[0] + width, corner[1] + height))


def _deep_points(mask: NDArray[np.bool_], num_points: int = 12) -> list[tuple[float, float]]:
    """Return xy of points far from the mask's outline, the farthest first, in pixels of the mask."""
    step = max(1, math.ceil(max(mask.shape) / _THUMBNAIL))
    small = np.pad(mask[step // 2 :: step, step // 2 :: step], 1)
    depth = np.zeros(small.shape, np.int32)
    while small.any():
        depth += small
        # alternating square and cross erosion: their mix is an octagon, close enough to a disc
        small = _eroded(small, is_square=bool(depth.max() % 2))
    found = []
    for _ in range(num_points):
        deepest = depth.max()
        if deepest == 0:
            break
        # A long shape is deepest along a whole line: its middle looks best.
        line = np.argwhere(depth == deepest)
        y, x = line[np.square(line - line.mean(axis=0)).sum(axis=1).argmin()].tolist()
        found.append(((x - 1 + 0.5) * step, (y - 1 + 0.5) * step))
        reach = max(3, int(deepest))
        depth[max(y - reach, 0) : y + reach + 1, max(x - reach, 0) : x + reach + 1] = 0
    return found


def _eroded(mask: NDArray[np.bool_], is_square: bool) -> NDArray[np.bool_]:
    smaller = mask.copy()
    smaller[1:-1] &= mask[2:] & mask[:-2]
    across = smaller if is_square else mask
    smaller[:, 1:-1] &= across[:, 2:].copy() & across[:, :-2].copy()
    return smaller
