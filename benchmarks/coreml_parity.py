"""Float32 Core ML packages in the reference interpreter against the eager model, graph by graph.

python -m benchmarks.coreml_parity

The shipped student, and official presets with seeded weights, each with every rewrite of the target. Export itself
refuses a tensor that is off by more than 1e-4 where no mask can flip; here stands by how much they are.
"""

import json
import tempfile
from pathlib import Path
from typing import Any, Final

from benchmarks.marked_text import replace_marked
from rmpsam_mobile.bench.machine import describe_machine
from rmpsam_mobile.checkpoint import save_checkpoint, seeded_checkpoint
from rmpsam_mobile.contracts import Precision, Size, Target
from rmpsam_mobile.export.lower import EngineOptions
from rmpsam_mobile.export.pipeline import export_bundle, plan_export
from rmpsam_mobile.validate.parity import FLOAT_LIMIT

ROOT: Final = Path(__file__).parents[1]
REPORT: Final = ROOT / "benchmarks" / "results" / "coreml_parity.json"
DOCUMENT: Final = ROOT / "docs" / "targets.md"
MARKER: Final = "coreml parity"
SHIPPED: Final = "rmpsam-mobile-tiny"
MODELS: Final = {SHIPPED: Size(512, 512), "rmpsam-r18": Size(128, 128), "rmpsam-seaformer-base": Size(128, 128)}


def main() -> None:
    """Measure all models, store the report, write the table."""
    rows = [row for model, size in MODELS.items() for row in measure(model, size)]
    command = "python -m benchmarks.coreml_parity"
    report = {"command": command, "limit": FLOAT_LIMIT, "machine": describe_machine(), "rows": rows}
    REPORT.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    text = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(replace_marked(text, MARKER, table_of(report)), encoding="utf-8")


def measure(model: str, size: Size) -> list[dict[str, Any]]:
    """One row a tensor."""
    with tempfile.TemporaryDirectory() as folder:
        source: str | Path = model
        if model != SHIPPED:
            source = Path(folder, "seeded.safetensors")
            save_checkpoint(seeded_checkpoint(model), source)
        options = EngineOptions(precision=Precision.FP32)
        plan = plan_export(source, target=Target.COREML_PACKAGE, size=size, num_slots=4, clip_frames=2, options=options)
        parity = export_bundle(plan, Path(folder, "bundle")).parity
    assert parity is not None
    print(model, max(tensor.excess for tensor in parity.tensors), flush=True)
    return [
        {
            "model": model,
            "size": list(size),
            "graph": tensor.graph,
            "tensor": tensor.name,
            "whole_picture": tensor.max_error,
            "near_zero": tensor.near_zero,
            "without_flips": tensor.max_error if tensor.probe_error is None else tensor.probe_error,
        }
        for tensor in parity.tensors
    ]


def table_of(report: dict[str, Any]) -> str:
    """A line a model, a column a graph: the largest error of its tensors where no mask can flip."""
    worst: dict[tuple[str, str], dict[str, float]] = {}
    for row in report["rows"]:
        cells = worst.setdefault((row["model"], str(Size(*row["size"]))), {})
        cells[row["graph"]] = max(cells.get(row["graph"], 0.0), row["without_flips"])
    graphs = list(dict.fromkeys(row["graph"] for row in report["rows"]))
    about = (
        f"Float32 packages against eager, largest error over the largest value where no mask can flip (limit "
        f"{report['limit']:.0e}); presets other than `{SHIPPED}` have seeded weights; "
        f"[report](../benchmarks/results/{REPORT.name}), by `{report['command']}`."
    )
    lines = [
        f"| `{model}` | {size} | {' | '.join(f'{cells[graph]:.1e}' for graph in graphs)} |"
        for (model, size), cells in worst.items()
    ]
    return "\n".join(
        [about, "", f"| model | size | {' | '.join(graphs)} |", f"|---|---|{'---|' * len(graphs)}", *lines]
    )


if __name__ == "__main__":
    main()
