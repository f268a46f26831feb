"""The pages of a quantization: drops by hand, and every figure on both pages."""

from collections.abc import Sequence

from benchmarks.quantization import Stage, _times, with_drops
from benchmarks.quantization_pages import html_page, markdown_page
from rmpsam_mobile.contracts import Graph
from rmpsam_mobile.runtime import Array
from tests.bundle.manifests import make_contract

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


def test_times_are_taken_in_turn() -> None:
    asked: list[str] = []

    class Runner:
        contract, graphs = make_contract(), (Graph.ENCODER, Graph.OBJECTS, Graph.PROMPTS)

        def __init__(self, name: str) -> None:
            self.name = name

        def run(self, graph: Graph, inputs: Sequence[Array]) -> tuple[Array, ...]:
            asked.append(f"{self.name} {graph}")
            return (inputs[0],)

    stages = [Stage(name, Runner(name), 1) for name in ("a", "b")]  # type: ignore[arg-type]
    assert _times(stages).keys() == {"a", "b"}
    assert asked[:7] == [f"{name} {graph}" for name in "ab" for graph in Runner.graphs] + ["a encoder"]


def test_both_pages_hold_every_figure() -> None:
    for page in (markdown_page(report()), html_page(report())):
        for text in ("290", "0.290", "1.20", "71.50", "-0.25", "not measured", "encoder/neck", "percentile"):
            assert text in page, text
    assert html_page(report()) == html_page(report())
    assert "<svg" in html_page(report())
    assert "http" not in html_page(report()).replace("http://www.w3.org", "").replace("http://purl.org", "").replace(
        "http://creativecommons.org", ""
    ).replace("https://matplotlib.org", "")
