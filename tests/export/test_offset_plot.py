"""The drawing of an audit."""

from pathlib import Path
from xml.etree import ElementTree

from rmpsam_mobile.export.offset_audit import NUM_BINS, LayerOffsets, OffsetAudit
from rmpsam_mobile.export.offset_plot import offsets_svg, save_offsets_svg

COUNTS = (*[0] * 19, 75, 25, *[0] * (NUM_BINS - 21))
LAYER = LayerOffsets("encoder.neck.deconv.deform_conv1.dcn", 96, 56, (2, 2), 1.0, 0.7, COUNTS, COUNTS, (), (), ())
AUDIT = OffsetAudit("small", (64, 64), 1, "", (LAYER, LAYER))


def test_each_layer_has_a_panel_with_both_axes(tmp_path: Path) -> None:
    save_offsets_svg(AUDIT, tmp_path / "offsets.svg")
    root = ElementTree.fromstring((tmp_path / "offsets.svg").read_text())
    paths = [element for element in root if element.tag.endswith("path") and element.get("fill")]
    assert len(paths) == 4
    assert root.get("viewBox") == "0 0 600 180"
    assert "deform_conv1: 96 to 56, largest 0.70 px" in offsets_svg(AUDIT)


def test_heights_are_shares_on_a_square_root_scale() -> None:
    # the floor lies at 150 and a share of 1 would reach 28
    assert f"V{150 - 0.25**0.5 * 122:.1f}H" in offsets_svg(AUDIT)
    assert f"V{150 - 0.75**0.5 * 122:.1f}H" in offsets_svg(AUDIT)
