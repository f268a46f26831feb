"""What every graph becomes for every engine and precision, tried one by one; and the table of docs/targets.md.

python -m benchmarks.support_matrix --calib ../shared/data/train.json.gz [--targets ...] [--precisions ...]

Each pair is exported, then each graph's file is loaded and run in a fresh process. Rows that are not asked for stay as
they were stored. ``--table`` writes the stored rows into the document and measures nothing. Pictures are for w8a8 and
XNNPACK's 8-bit recipes, which are left out without them.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, NamedTuple

from benchmarks.load_bundle import WHOLE
from benchmarks.marked_text import replace_marked
from benchmarks.support_table import BLOCKED, LOWERS, MARKER, VALIDATED, matrix_of, text_of
from rmpsam_mobile.bench.machine import describe_machine
from rmpsam_mobile.checkpoint import import_checkpoint
from rmpsam_mobile.contracts import Graph, GraphSizes, Precision, Size, Target
from rmpsam_mobile.errors import RmpSamError
from rmpsam_mobile.export.lower import ENGINES, EngineOptions
from rmpsam_mobile.export.lowering_record import read_record
from rmpsam_mobile.export.pipeline import Exported, export_bundle, plan_export
from rmpsam_mobile.export.plan import ExportPlan
from rmpsam_mobile.export.quantized import quantize
from rmpsam_mobile.quantization import Calibration, find_recipe, read_calibration

ROOT: Final = Path(__file__).parents[1]
REPORT: Final = ROOT / "benchmarks" / "results" / "support_matrix.json"
DOCUMENT: Final = ROOT / "docs" / "targets.md"
RECIPES: Final = ("int8-static", "int8-dynamic")  # of ``quantize``, for XNNPACK
PICTURES: Final = 8


class Case(NamedTuple):
    """One line of the matrix; ``precision`` is one of ``Precision`` or of ``RECIPES``."""

    target: Target
    precision: str

    @property
    def is_calibrated(self) -> bool:
        """Whether it takes pictures."""
        return self.precision in (*RECIPES, Precision.W8A8)


def main(arguments: Sequence[str] | None = None) -> None:
    """Try what is asked for, store it beside what was stored, and write the table."""
    known = [*Precision, *RECIPES]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="rmpsam-mobile-tiny")
    parser.add_argument("--size", type=Size.parse, default="256")
    parser.add_argument("--targets", type=Target, nargs="+", default=list(Target))
    parser.add_argument("--precisions", choices=known, nargs="+", default=known)
    parser.add_argument("--calib", type=Path, help=f"labelled data or a folder, of which {PICTURES} pictures are taken")
    parser.add_argument("--table", action="store_true", help="only write the table")
    options = parser.parse_args(arguments)
    report = _stored()
    if not options.table:
        calibration = read_calibration(options.calib, PICTURES) if options.calib else None
        for case in cases():
            if case.target not in options.targets or case.precision not in options.precisions:
                continue
            if case.is_calibrated and calibration is None:
                continue
            rows = measure(options.model, options.size, case, calibration)
            report = _merged(report, rows, options.model, options.size)
            REPORT.write_text(text_of(report), encoding="utf-8")
            print(*case, ", ".join(row["status"] for row in rows), flush=True)
    text = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(replace_marked(text, MARKER, matrix_of(report, REPORT.name, cases())), encoding="utf-8")


def cases() -> Iterator[Case]:
    """Every line of the matrix, in the order of the engines."""
    for target, engine in ENGINES.items():
        yield from (Case(target, precision) for precision in engine.precisions)
        if target is Target.XNNPACK:
            yield from (Case(target, recipe) for recipe in RECIPES)


def measure(model: str, size: Size, case: Case, calibration: Calibration | None) -> list[dict[str, Any]]:
    """One row a graph: what became of it, and the evidence."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            plan = _plan(model, size, case, calibration, Path(folder))
            exported = export_bundle(plan, Path(folder, "bundle"))
        except RmpSamError as error:
            refused = case._asdict() | {"status": BLOCKED, "message": str(error).replace(folder, "FOLDER")}
            return [{"graph": graph} | refused for graph in (Graph.ENCODER, Graph.OBJECTS, Graph.PROMPTS)]
        said = load_and_run(exported.bundle.folder, plan.graphs)
        return [_row(exported, graph, case, said[graph]) for graph in plan.graphs]


def _plan(model: str, size: Size, case: Case, calibration: Calibration | None, folder: Path) -> ExportPlan:
    if case.precision in RECIPES:
        assert calibration is not None
        checkpoint, made = import_checkpoint(model), folder / "quantized"
        quantize(checkpoint, find_recipe(case.precision), calibration, made, sizes=GraphSizes(size=size))
        return plan_export(made, target=case.target)
    precision = Precision(case.precision)
    options = EngineOptions(precision=precision, ios=18 if precision is Precision.INT4_WEIGHTS else 17)
    own = calibration if case.is_calibrated else None
    return plan_export(model, size=size, target=case.target, options=options, calibration=own, min_delegated=0.0)


def _row(exported: Exported, graph: Graph, case: Case, said: str) -> dict[str, Any]:
    artifact = exported.bundle.manifest.graphs[graph]
    record = (read_record(exported.bundle.folder) or {})["graphs"][graph]
    tensors = [t for t in (exported.parity.tensors if exported.parity else ()) if t.graph == graph]
    runs = ENGINES[case.target].runs_here is not None
    return (
        {"graph": graph}
        | case._asdict()
        | {
            "status": (VALIDATED if said == WHOLE else BLOCKED) if runs else LOWERS,
            "message": said,
            "size_bytes": artifact.size_bytes,
            "delegate": artifact.delegation.delegate,
            "delegated": artifact.delegation.mac_share,
            "leftovers": record["leftovers"],
            "placement": record["placement"],
            "errors": {tensor.name: tensor.max_error for tensor in tensors},
            "mask_iou": min((t.mask_iou for t in tensors if t.mask_iou is not None), default=None),
        }
    )


def load_and_run(folder: Path, graphs: Sequence[Graph]) -> dict[Graph, str]:
    """What a fresh process says to each graph's file: that it answers its golden pair, or why not."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load_bundle", str(folder)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [""])[-1]
        return dict.fromkeys(graphs, f"its process came down with exit code {done.returncode}: {last}")
    found = json.loads(done.stdout.splitlines()[-1])
    return {graph: found[graph].replace(str(folder), "BUNDLE") for graph in graphs}


def _stored() -> dict[str, Any]:
    return dict(json.loads(REPORT.read_text(encoding="utf-8"))) if REPORT.is_file() else {"rows": []}


def _merged(report: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], model: str, size: Size) -> dict[str, Any]:
    """The report with ``rows`` in the place of those of the same graph, target and precision; in the engines' order."""
    if report["rows"] and (report["model"], list(report["size"])) != (model, list(size)):
        raise SystemExit(f"{REPORT} is of {report['model']} at {report['size']}; remove it first, or measure the same")
    order = list(cases())
    fresh = {(row["target"], row["precision"], row["graph"]): dict(row) for row in (*report["rows"], *rows)}
    return {
        "command": "python -m benchmarks.support_matrix --calib ../shared/data/train.json.gz",
        "model": model,
        "size": list(size),
        "calibration_pictures": PICTURES,
        "machine": describe_machine(),
        "versions": {name: version(name) for name in ("torch", "executorch", "coremltools", "torchao", "onnxruntime")},
        "rows": sorted(fresh.values(), key=lambda row: order.index(Case(Target(row["target"]), row["precision"]))),
    }


if __name__ == "__main__":
    main()
