"""The matrix of targets.md is the stored evidence, and a cell says what its row found."""

import json
from typing import Any

import pytest

from benchmarks import coreml_compression, support_matrix
from benchmarks.marked_text import marked, replace_marked
from benchmarks.support_table import MARKER, matrix_of, text_of
from rmpsam_mobile.contracts import Target
from rmpsam_mobile.errors import InputError
from tests.conftest import REPOSITORY


def document() -> str:
    return (REPOSITORY / "docs" / "targets.md").read_text(encoding="utf-8")


def test_the_tables_in_the_document_are_the_stored_evidence() -> None:
    stored = support_matrix.REPORT.read_text(encoding="utf-8")
    report = json.loads(stored)
    assert text_of(report) == stored
    assert marked(document(), MARKER) == matrix_of(report, support_matrix.REPORT.name, support_matrix.cases())
    sizes = json.loads(coreml_compression.REPORT.read_text(encoding="utf-8"))
    assert marked(document(), coreml_compression.MARKER) == coreml_compression.table_of(sizes)


def row(status: str, **more: Any) -> dict[str, Any]:
    found = {"size_bytes": 1_500_000, "delegated": 0.9999, "errors": {"a": 2e-6, "b": 1e-7}, "mask_iou": 0.75}
    about = {"graph": "objects", "target": "xnnpack", "precision": "fp32", "message": "", "status": status}
    return about | found | {"delegate": "X", "leftovers": []} | more


def test_a_cell_says_what_its_row_found_and_links_to_it() -> None:
    left = [{"operator": "aten.topk.default", "count": 2, "reason": "no shader"}]
    placed = [{"operator": "gather", "count": 3, "because": "it reads", "unit": "CPU", "instead": ""}]
    refused = {"target": "qnn", "precision": "fp16", "message": "--target qnn needs a kit, and A is not set; set A"}
    rows = [
        row("validated here"),
        row("validated here", target="coreml-package", precision="palette-6"),
        row("validated here", target="coreml-package", precision="fp16", placement=placed),
        row("lowers, cannot run here", target="vulkan", delegate="Vulkan", leftovers=left),
        row("lowers, cannot run here", target="vulkan", delegate="Vulkan", leftovers=left, precision="fp16"),
        {"graph": "objects", "status": "blocked"} | refused,
    ]
    report = {"model": "m", "size": [64, 96], "command": "c", "rows": rows}
    stored = text_of(report).splitlines()
    links = [f"../benchmarks/results/r.json#L{n}" for n, line in enumerate(stored) if line.startswith('   "graph"')]
    cases = [("xnnpack", "fp32"), ("onnx", "fp32"), ("xnnpack", "int8")]
    assert matrix_of(report, "r.json", cases).splitlines() == [
        "`m` at 64x96, by `c`.",
        "",
        "| target | precision | objects |",
        "|---|---|---|",
        f"| `xnnpack` | fp32 | [validated here]({links[0]})<br>1.50 MB, off by 2e-06 |",
        f"| `coreml-package` | palette-6 | [validated here]({links[1]})<br>1.50 MB, mask IoU 0.750 |",
        f"| `coreml-package` | fp16 | [validated here]({links[2]})<br>1.50 MB, mask IoU 0.750 |",
        f"| `vulkan` | fp32 | [lowers, cannot run here]({links[3]})<br>1.50 MB, 99.9 % delegated |",
        f"| `vulkan` | fp16 | [lowers, cannot run here]({links[4]})<br>1.50 MB, 99.9 % delegated |",
        f"| `qnn` | fp16 | [blocked]({links[5]}): needs a kit |",
        "",
        "- Left by X, fp32: nothing.",
        "- Off the Neural Engine by forecast, fp16: of objects `gather` x3 (it reads).",
        "- Left by Vulkan, fp32, fp16: of objects `topk` x2 (no shader).",
        "- Not tried yet: `onnx` fp32, `xnnpack` int8.",
    ]


def test_every_engine_and_precision_is_a_case() -> None:
    cases = list(support_matrix.cases())
    assert len(set(cases)) == len(cases)
    assert {target for target, _ in cases} == set(Target)
    assert ("xnnpack", "int8-static") in cases


def test_the_smallest_within_the_bound_is_named() -> None:
    all_of, third = {"every": 1, "pictures": 9, "objects": 30}, {"every": 3, "pictures": 3, "objects": 9}
    rows = [
        {"precision": "eager", "size_bytes": None, "box": [71.0], "click": [51.0, 61.0]} | all_of,
        {"precision": "fp16", "size_bytes": 5_000_000, "box": [71.0], "click": [50.9, 61.1]} | all_of,
        {"precision": "eager", "size_bytes": None, "box": [70.0], "click": [50.0, 60.0]} | third,
        {"precision": "palette-6", "size_bytes": 2_000_000, "box": [69.6], "click": [50.0, 60.0]} | third,
        {"precision": "palette-4", "size_bytes": 1_000_000, "box": [70.0], "click": [50.0, 59.0]} | third,
    ]
    report = {"model": "m", "size": [64, 64], "clicks": 2, "command": "c", "rows": rows}
    lines = coreml_compression.table_of(report).splitlines()
    assert lines[-1] == "Smallest files that lose at most 0.5 points: **palette-6**, 2.00 MB. " + (
        "Not measured yet: fp32, int8-weights, palette-8, int4-weights, w8a8."
    )
    assert "| fp16 | 5.00 | 9, 30 | 71.00 | 50.90 | 61.10 | +0.10 |" in lines
    assert "| palette-4 | 1.00 | 3, 9 | 70.00 | 50.00 | 59.00 | +1.00 |" in lines


def test_markers() -> None:
    document = "a\n<!-- x: begin -->\nold\n<!-- x: end -->\nb\n"
    made = replace_marked(document, "x", "new")
    assert made == "a\n<!-- x: begin -->\n\nnew\n\n<!-- x: end -->\nb\n"
    assert marked(made, "x") == "new"
    assert replace_marked(made, "x", "new") == made
    with pytest.raises(InputError, match="no pair of markers"):
        replace_marked("a", "x", "new")
