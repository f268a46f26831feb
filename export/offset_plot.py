"""Histograms of an offset audit as one SVG: a panel for each layer, both axes on top of one another."""

from pathlib import Path
from typing import Final

from rmpsam_mobile.atomic import write_file
from rmpsam_mobile.export.offset_audit import HISTOGRAM_LIMIT, NUM_BINS, LayerOffsets, OffsetAudit

PANEL_WIDTH: Final = 300
PANEL_HEIGHT: Final = 180
_MARGIN: Final = 30
_COLOURS: Final = (("dy", "#4269d0"), ("dx", "#efb118"))


def offsets_svg(audit: OffsetAudit) -> str:
    """Draw the audit; heights are shares of all samples, on a square-root scale so that rare offsets are seen."""
    panels = "".join(_panel(layer, index * PANEL_WIDTH) for index, layer in enumerate(audit.layers))
    width = PANEL_WIDTH * len(audit.layers)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {PANEL_HEIGHT}" font-family="sans-serif" '
        f'font-size="11"><title>Offsets of {audit.preset} over {audit.pictures} pictures</title>'
        f'<rect width="{width}" height="{PANEL_HEIGHT}" fill="white"/>{panels}</svg>\n'
    )


def save_offsets_svg(audit: OffsetAudit, path: Path) -> None:
    """Write the drawing, whole or not at all."""
    write_file(path, offsets_svg(audit).encode())


def _panel(layer: LayerOffsets, left: int) -> str:
    right, floor = left + PANEL_WIDTH - _MARGIN // 2, PANEL_HEIGHT - _MARGIN
    start = left + _MARGIN
    name = layer.path.split(".")[-2]
    text = f'<text x="{start}" y="16">{name}: {layer.in_width} to {layer.width}, largest {layer.largest:.2f} px</text>'
    scale = (right - start) / (2 * HISTOGRAM_LIMIT)
    ticks = "".join(
        f'<text x="{start + (tick + HISTOGRAM_LIMIT) * scale:.1f}" y="{floor + 14}" text-anchor="middle">{tick}</text>'
        for tick in range(-4, 5, 2)
    )
    lines = "".join(
        _outline(counts, colour, start, right, floor)
        for (_, colour), counts in zip(_COLOURS, (layer.rows, layer.columns), strict=True)
    )
    keys = "".join(
        f'<text x="{right - 18}" y="{34 + 14 * i}" fill="{colour}">{axis}</text>'
        for i, (axis, colour) in enumerate(_COLOURS)
    )
    axis = f'<path d="M{start} {floor}H{right}" stroke="#555"/>'
    return text + lines + axis + ticks + keys + f'<text x="{start - 24}" y="{floor + 28}">offset, px</text>'


def _outline(counts: tuple[int, ...], colour: str, start: int, right: int, floor: int) -> str:
    """The histogram's steps as one path."""
    total, step = max(sum(counts), 1), (right - start) / NUM_BINS
    tops = [floor - (count / total) ** 0.5 * (floor - 28) for count in counts]
    steps = "".join(f"V{top:.1f}H{start + (i + 1) * step:.1f}" for i, top in enumerate(tops))
    return f'<path d="M{start} {floor}{steps}V{floor}" fill="{colour}" fill-opacity="0.25" stroke="{colour}"/>'
