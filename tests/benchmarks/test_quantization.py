"""The pages of a quantization: drops by hand, and every figure on both pages."""

from benchmarks.quantization import with_drops
from benchmarks.quantization_pages import html_page, markdown_page

ROWS = [
    {"stage": "eager", "bytes": 1000, "ms": 10.0, "metrics": {"box": 72.0, "click": 50.0, "PQ": None}},
    {"stage": "int8 .pte", "bytes": 290, "ms": 12.0, "metrics": {"box": 71.5, "click": 50.25, "PQ": None}},
]


def report() -> dict[str, object]:
    return {
        "recipe": "mixed",
        "note": "host, not a phone",
        "command": "python -m benchmarks.quantization",
        "limit": None,
        "ranges": "percentile",
        "in_float": ["encoder/neck"],
        "calibration": {"pictures": 48},
        "stages": with_drops(ROWS),
    }


def test_ratios_and_drops_are_against_the_first_stage() -> None:
    first, last = with_drops(ROWS)
    assert (first["bytes_ratio"], first["time_ratio"]) == (1, 1)
    assert (last["bytes_ratio"], last["time_ratio"]) == (0.29, 1.2)
    assert last["drop"] == {"box": 0.5, "click": -0.25, "PQ": None}


def test_both_pages_hold_every_figure() -> None:
    for page in (markdown_page(report()), html_page(report())):
        for text in ("290", "0.290", "1.20", "71.50", "-0.25", "not measured", "encoder/neck", "percentile"):
            assert text in page, text
    assert html_page(report()) == html_page(report())
    assert "<svg" in html_page(report())
    assert "http" not in html_page(report()).replace("http://www.w3.org", "").replace("http://purl.org", "").replace(
        "http://creativecommons.org", ""
    ).replace("https://matplotlib.org", "")
