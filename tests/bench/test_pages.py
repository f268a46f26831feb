"""The report as pages: whole, well-formed, and honest about what was refused."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from rmpsam_mobile.bench.pages import document_of, html_page, json_text, markdown_page, page_writer
from rmpsam_mobile.bench.plots import heat_svg, samples_svg, threads_svg
from rmpsam_mobile.bench.verdict import judge
from rmpsam_mobile.errors import InputError
from tests.bench.reports import phone_report, steady
from tests.bundle.manifests import make_manifest

SVG = "{http://www.w3.org/2000/svg}"


def believed(threads: int = 4, median: float = 20.0) -> dict[str, object]:
    report = phone_report(steady(median), runner={"threads": threads})
    judge(report, make_manifest())
    return report


def refused() -> dict[str, object]:
    report = phone_report(conditions={"power_saver": True})
    judge(report, make_manifest())
    return report


def test_a_page_holds_the_verdict_the_figures_and_every_sample() -> None:
    report = believed()
    page = html_page([report])
    assert page.count("<svg") == page.count("</svg>") == 2
    for text in (
        "These figures can be believed",
        "Paper 9",
        "executorch 1.4.1 XnnpackBackend",
        "a further tap, all steps",
    ):
        assert text in page
    assert "http" not in re.sub(r'xmlns="[^"]*"', "", page)  # nothing is fetched
    assert f"{report['graphs'][0]['summary']['p50']:.4g}" in page  # type: ignore[index]


def test_where_it_ran_stands_there_where_it_is_known() -> None:
    plain = markdown_page([believed()])
    assert "Core ML's plan" not in plain
    assert "task profile" not in plain
    report = believed() | {"plan": {"ane": 0.931, "gpu": 0.0, "cpu": 0.069}}
    report["runner"]["task_profile"] = "MaxPerformance"  # type: ignore[index]
    page = markdown_page([report])
    assert re.search(r"Core ML's plan, by cost \| ANE 93 %, GPU 0 %, CPU 7 %", page)
    assert re.search(r"task profile \| MaxPerformance", page)


def test_a_refused_page_shows_samples_and_no_figure() -> None:
    for page in (html_page([refused()]), markdown_page([refused()])):
        assert "battery saver is on and holds the clocks down" in page
        assert "refused" in page.lower()
        assert not re.search(r"median \d", page)


def test_every_sample_is_a_dot_and_every_round_a_median() -> None:
    report = believed()
    drawing = ElementTree.fromstring(samples_svg(report["graphs"][0]))  # type: ignore[index]
    dots = drawing.findall(f"{SVG}circle")
    assert len(dots) == 150
    heights = [float(dot.attrib["cy"]) for dot in dots]
    samples = [sample for taken in steady() for sample in taken]
    # a slower run stands higher
    assert sorted(range(150), key=lambda i: -heights[i])[0] == samples.index(min(samples))
    labels = [text.text for text in drawing.findall(f"{SVG}text")]
    assert sum("median" in str(label) for label in labels) == 3


def test_samples_that_are_no_numbers_are_left_out_of_the_drawing() -> None:
    graph = phone_report([[float("nan"), -1.0, 5.0]])["graphs"][0]
    assert samples_svg(graph).count("<circle") == 1
    assert samples_svg(phone_report([[-1.0]])["graphs"][0]) == ""


def test_throttling_is_marked_in_the_drawing_of_heat() -> None:
    report = phone_report()
    assert heat_svg(report).count("#d62728") == 0
    report["conditions"]["thermal"][2]["status"] = 1
    assert heat_svg(report).count("#d62728") == 1
    assert heat_svg(phone_report(conditions={"thermal": []})) == ""


def test_a_sweep_is_one_page_with_a_bar_for_each_setting() -> None:
    reports = [believed(1, 60.0), believed(2, 35.0), believed(4, 20.0)]
    page = html_page(reports)
    assert page.count("<h1>Threads: ") == 3
    widths = [
        float(bar.attrib["width"]) for bar in ElementTree.fromstring(threads_svg(reports)).findall(f"{SVG}rect")[1:]
    ]
    assert widths[0] > widths[1] > widths[2] > 0
    assert document_of([*reports, refused()])["status"] == "refused"
    assert document_of(reports)["status"] == "ok"


def test_names_with_marks_stay_text() -> None:
    report = phone_report(target={"model": "<b>*x*|y"})
    judge(report, make_manifest())
    page = html_page([report])
    assert "&lt;b&gt;*x*|y" in page
    assert "<b>" not in page
    assert r"\<b\>\*x\*\|y" in markdown_page([report])


def test_the_suffix_decides(tmp_path: Path) -> None:
    assert page_writer(tmp_path / "a.JSON") is json_text
    with pytest.raises(InputError, match=r"a.txt: reports are written as .json, .md, .html; choose one of them"):
        page_writer(tmp_path / "a.txt")
