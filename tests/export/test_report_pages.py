"""The pages of a rewrite report: whole, well formed, and the same figures everywhere."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from rmpsam_mobile.bench import summarise
from rmpsam_mobile.bundle import Delegation, Leftover
from rmpsam_mobile.contracts import Graph
from rmpsam_mobile.export.deform_forms import exact_choice
from rmpsam_mobile.export.graph_cost import Cost
from rmpsam_mobile.export.report_bars import cost_svg, error_svg
from rmpsam_mobile.export.report_pages import html_page, markdown_page, write_report
from rmpsam_mobile.export.report_sections import bytes_text, count_text, error_text
from rmpsam_mobile.export.rewrite_report import (
    Errors,
    GraphChange,
    GraphTotal,
    LayerChange,
    LoweredGraph,
    RewriteEffect,
    RewriteReport,
)

BEFORE = Cost(operators=40, multiply_adds=2_000_000, weight_bytes=8_000)
AFTER = Cost(operators=10, multiply_adds=1_000_000, weight_bytes=6_000)
ERRORS = Errors(float32=2.5e-7, float64=0.0)
LOWERED = LoweredGraph(
    delegation=Delegation(
        delegate="XNNPACK",
        subgraphs=2,
        operators_delegated=30,
        operators_total=33,
        macs_delegated=3,
        macs_total=4,
        leftovers=(Leftover(operator="aten.index_select.default", count=3, mac_share=0.25),),
    ),
    planned_memory_bytes=123_456,
    file_bytes=7_890,
    latency_ms=summarise([4.0, 5.0, 6.0]),
)


ABOUT = {
    "tool": {"name": "rmpsam-mobile", "version": "1", "command": ["rewrite", "m", "-o", "out"]},
    "finished": "now",
    "versions": {"torch": "2", "executorch": "1"},
    "model": {"preset": "small", "trained": True, "sha256": "ab" * 32},
    "size": "64",
    "slots": 2,
    "target": "xnnpack",
}


@pytest.fixture
def report() -> RewriteReport:
    """One rewrite that did something, one that did not, one graph that was refused at first."""
    kinds = {"kind_before": "Old<1>", "kind_after": "New"}
    layer = LayerChange(path="neck.a|b", measured_at="neck", errors=ERRORS, before=BEFORE, after=AFTER, **kinds)
    change = GraphChange(
        graph=Graph.ENCODER,
        places={"neck.a|b": 1},
        errors=ERRORS,
        before=BEFORE,
        after=AFTER,
        removed={"aten.batch_norm.default": 31},
        added={"aten.add.Tensor": 1},
        layers=(layer,),
    )
    total = GraphTotal(
        graph=Graph.ENCODER,
        errors=ERRORS,
        before=BEFORE,
        after=AFTER,
        operators_before={},
        operators_after={},
        lowered_before=LoweredGraph(refused="no kernel for <grid_sampler>"),
        lowered_after=LOWERED,
    )
    return RewriteReport(
        about=ABOUT,
        deform={"encoder.dcn": exact_choice(1.0)},
        rewrites=(
            RewriteEffect(name="first_one", because="a norm is a scale", on="modules", graphs=(change,)),
            RewriteEffect(name="idle_one", because="there may be something", on="programs", graphs=()),
        ),
        not_applied={"skipped_one": "left out on request"},
        graphs=(total,),
        flips=(Graph.PROMPTS,),
        left_out={"clip": "not asked for"},
        machine=None,
    )


class Tags(HTMLParser):
    """Checks that tags are closed in order, and collects cells and addresses."""

    void = ("meta", "!doctype")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.cells: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in self.void:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "td":
            self.cells.append(data)


def test_the_page_is_well_formed_and_needs_nothing_else(report: RewriteReport) -> None:
    page = html_page(report)
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    assert tags.addresses == []
    for cell in (
        "40 → 10",
        "2 M → 1 M",
        "8 kB → 6 kB",
        "2.5e-07",
        "neck.a|b",
        "Old<1> → New",
        "30 of 33",
        "75.0 %",
        "5.0",
    ):
        assert cell in tags.cells, cell
    for text in ("first_one", "idle_one", "skipped_one", "not asked for", "A norm is a scale.", "No probe was found"):
        assert text in page
    assert "no kernel for &lt;grid_sampler&gt;" in page
    assert "index_select x3" in tags.cells


def test_markdown_rows_have_their_tables_columns(report: RewriteReport) -> None:
    page = markdown_page(report)
    blocks = re.findall(r"(?:^\|.*\|\n)+", page, re.MULTILINE)
    assert len(blocks) == 7
    for block in blocks:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1
    assert r"neck.a\|b" in page
    assert r"first\_one" in page
    assert "batch\\_norm x31" in page


def test_json_holds_every_figure(report: RewriteReport, tmp_path: Path) -> None:
    write_report(report, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "report.json", "report.md"]
    stored = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert stored["schema"] == "rmpsam.rewrites/1"
    (change,) = stored["rewrites"][0]["graphs"]
    assert change["errors"] == {"float32": 2.5e-7, "float64": 0.0}
    assert change["before"] == {"operators": 40, "multiply_adds": 2_000_000, "weight_bytes": 8_000}
    assert stored["graphs"][0]["lowered_after"]["delegation"]["leftovers"][0]["count"] == 3


def test_without_pages_there_is_json_alone(report: RewriteReport, tmp_path: Path) -> None:
    write_report(report, tmp_path, pages=False)
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_bars_are_as_long_as_what_they_show(report: RewriteReport) -> None:
    drawing = ElementTree.fromstring(cost_svg(report, Graph.ENCODER))
    widths = [float(bar.get("width", 0)) for bar in drawing.iter("{http://www.w3.org/2000/svg}rect")][1:]
    assert len(widths) == 6  # untouched and one rewrite, three figures each
    for untouched, rewritten, share in zip(widths[::2], widths[1::2], (0.25, 0.5, 0.75), strict=True):
        assert rewritten / untouched == pytest.approx(share, abs=1e-3)


def test_dots_stand_where_their_errors_are(report: RewriteReport) -> None:
    """Equal outputs at the left end, what is not finite at the right one, a decade as wide as any other."""

    def places(errors: Errors) -> list[float]:
        (change,) = report.rewrites[0].graphs
        effect = replace(report.rewrites[0], graphs=(replace(change, errors=errors),))
        drawing = ElementTree.fromstring(error_svg(replace(report, rewrites=(effect,)), Graph.ENCODER))
        return [float(dot.get("cx", 0)) for dot in drawing.iter("{http://www.w3.org/2000/svg}circle")]

    nothing, broken = places(Errors(float32=0.0, float64=None))
    ten, hundred = places(Errors(float32=1e-8, float64=1e-7))
    assert nothing < ten < hundred < broken
    assert (hundred - ten) * 17 == pytest.approx(broken - nothing, abs=2)


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        (count_text(999), "999"),
        (count_text(1_463_000_000), "1.46 G"),
        (count_text(18_455_296), "18.5 M"),
        (count_text(999_950), "1 M"),
        (bytes_text(640), "640 B"),
        (bytes_text(999_900), "1 MB"),
        (bytes_text(999_400), "999 kB"),
        (bytes_text(4_135_260), "4.14 MB"),
        (error_text(None), "not finite"),
        (error_text(0.0), "0"),
        (error_text(3.14e-7), "3.1e-07"),
    ],
)
def test_numbers_are_short(written: str, wanted: str) -> None:
    assert written == wanted
