"""Core ML packages by precision: bytes, and what each costs in accuracy, by the reference interpreter.

python -m benchmarks.coreml_compression --data ../shared/data/eval --calib ../shared/data/train.json.gz

Further: --every 3 for each third picture, --precisions fp16 palette-6, --clicks 3. What is not asked for stays as it
was stored; a precision is compared with the eager model on the same pictures.

Float16 is emulated: every tensor is rounded as the program's types say. Measured pictures choose nothing that is kept:
the table names the smallest files within the bound, and the default stays float16. The first row is the eager model.
"""

import argparse
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.marked_text import replace_marked
from rmpsam_mobile.bench.machine import describe_machine
from rmpsam_mobile.contracts import Precision, Size, Target
from rmpsam_mobile.evaluate import ObjectScore, ask_objects, open_prompted
from rmpsam_mobile.export.lower import EngineOptions
from rmpsam_mobile.export.pipeline import export_bundle, plan_export
from rmpsam_mobile.quantization import Calibration, read_calibration
from rmpsam_mobile.runtime import Segmenter

DATA: Final = "../shared/data"
COMMAND: Final = f"python -m benchmarks.coreml_compression --data {DATA}/eval --calib {DATA}/train.json.gz"
HERE: Final = Path(__file__).parent
REPORT: Final = HERE / "results" / "coreml_compression.json"
DOCUMENT: Final = HERE.parent / "docs" / "targets.md"
MARKER: Final = "coreml compression"
EAGER: Final = "eager"
BOUND: Final = 0.5  # points of overlap that a smaller file may cost
IOS: Final = 18  # so that every way to store weights can be compared
PICTURES: Final = 32  # that calibrate


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is asked for, store it beside what was stored, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="rmpsam-mobile-tiny")
    parser.add_argument("--size", type=Size.parse, default="512")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--every", type=int, default=1, help="each N-th picture; 1 for all")
    parser.add_argument("--clicks", type=int, default=3)
    parser.add_argument("--precisions", type=Precision, nargs="+", default=list(Precision))
    parser.add_argument("--calib", type=Path, help=f"for w8a8, {PICTURES} pictures; without it, it is left out")
    parser.add_argument("--table", action="store_true", help="only write the table")
    options = parser.parse_args(arguments)
    report: dict[str, Any] = json.loads(REPORT.read_text(encoding="utf-8")) if REPORT.is_file() else {"rows": []}
    if not options.table:
        calibration = read_calibration(options.calib, PICTURES) if options.calib else None
        asked = [p for p in options.precisions if p is not Precision.W8A8 or calibration]
        stored = {row["every"] for row in report["rows"] if row["precision"] == EAGER}
        for name in asked if options.every in stored else (EAGER, *asked):
            row = measure(options, name, calibration)
            report = _merged(report, row, options)
            REPORT.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
            print(row, flush=True)
    text = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(replace_marked(text, MARKER, table_of(report)), encoding="utf-8")


def measure(options: argparse.Namespace, name: str, calibration: Calibration | None) -> dict[str, Any]:
    """Bytes and mean overlaps, in %, of the eager model or of packages of one precision."""
    if name == EAGER:
        return {"precision": EAGER, "size_bytes": None} | _accuracy(
            Segmenter.open(options.model, size=str(options.size), threads=1), options
        )
    precision = Precision(name)
    own = calibration if precision is Precision.W8A8 else None
    engine = EngineOptions(precision=precision, ios=IOS)
    plan = plan_export(options.model, size=options.size, target=Target.COREML_PACKAGE, options=engine, calibration=own)
    with tempfile.TemporaryDirectory() as folder:
        exported = export_bundle(plan, Path(folder, "bundle"))
        sizes = {graph: artifact.size_bytes for graph, artifact in exported.bundle.manifest.graphs.items()}
        accuracy = _accuracy(Segmenter.open(Path(folder, "bundle"), threads=1), options)
    return {"precision": str(precision), "size_bytes": sum(sizes.values()), "graphs": sizes} | accuracy


class _EncodesOnce:
    """A segmenter that keeps the features of a picture which it is given again."""

    def __init__(self, segmenter: Segmenter) -> None:
        self.contract, self.predict_many = segmenter.contract, segmenter.predict_many
        self._segmenter = segmenter
        self._picture: NDArray[np.uint8] | None = None

    def set_image(self, image: NDArray[np.uint8]) -> None:
        """See ``Segmenter.set_image``."""
        if self._picture is None or not np.array_equal(image, self._picture):
            self._segmenter.set_image(image)
            self._picture = image


def _accuracy(segmenter: Segmenter, options: argparse.Namespace) -> dict[str, Any]:
    pictures, once = open_prompted(options.data).content[:: options.every], _EncodesOnce(segmenter)
    scores: dict[str, list[ObjectScore]] = {"box": [], "click": []}
    for picture in pictures:
        for name, clicks in (("box", 0), ("click", options.clicks)):
            scores[name] += ask_objects(once, picture, clicks=clicks)
    overlaps = {name: (100 * np.mean([score.ious for score in found], 0)).tolist() for name, found in scores.items()}
    counted = {"pictures": len(pictures), "objects": len(scores["box"])}
    return {"every": options.every} | counted | overlaps


def _merged(report: Mapping[str, Any], row: Mapping[str, Any], options: argparse.Namespace) -> dict[str, Any]:
    about = {"model": options.model, "size": list(options.size), "clicks": options.clicks}
    stored = {key: report.get(key) for key in about}
    if report["rows"] and stored != about:
        raise SystemExit(f"{REPORT} was measured with {stored}; remove it first, or measure the same")
    order = [EAGER, *Precision]
    rows = {(known["every"], known["precision"]): dict(known) for known in (*report["rows"], row)}
    return {
        "command": COMMAND,
        **about,
        "calibration_pictures": PICTURES,
        "machine": describe_machine(),
        "rows": sorted(rows.values(), key=lambda known: (known["every"], order.index(known["precision"]))),
    }


def table_of(report: Mapping[str, Any]) -> str:
    """Bytes, overlaps and how far they are below the eager model's; which choice is the smallest within the bound."""
    eager = {row["every"]: row for row in report["rows"] if row["precision"] == EAGER}
    lines = [
        f"| precision | MB | pictures, objects | box | 1 click | {report['clicks']} clicks | largest loss |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [_line(row, eager[row["every"]]) for row in report["rows"]]
    within = [row for row in report["rows"] if row["size_bytes"] and loss(row, eager[row["every"]]) <= BOUND]
    best = min(within, key=lambda row: row["size_bytes"], default=None)
    found = "none" if best is None else f"**{best['precision']}**, {best['size_bytes'] / 1e6:.2f} MB"
    return "\n".join(
        [
            f"`{report['model']}` at {Size(*report['size'])}, mean overlap in % on the evaluation set: all pictures, "
            "or each third (`--every 3`); float16 emulated by the reference interpreter, not the Neural Engine; "
            f"[report](../benchmarks/results/{REPORT.name}), by `{report['command']}`.",
            "",
            *lines,
            "",
            f"Smallest files that lose at most {BOUND} points: {found}.{_unmeasured(report)}",
        ]
    )


def loss(row: Mapping[str, Any], eager: Mapping[str, Any]) -> float:
    """Points of overlap that a row is below the eager model on the same pictures, at its worst."""
    pairs = [pair for key in ("box", "click") for pair in zip(row[key], eager[key], strict=True)]
    return float(max(reference - value for value, reference in pairs))


def _unmeasured(report: Mapping[str, Any]) -> str:
    left = [precision for precision in Precision if precision not in {row["precision"] for row in report["rows"]}]
    return f" Not measured yet: {', '.join(left)}." if left else ""


def _line(row: Mapping[str, Any], eager: Mapping[str, Any]) -> str:
    size = "" if row["size_bytes"] is None else f"{row['size_bytes'] / 1e6:.2f}"
    lost = "" if row is eager else f"{loss(row, eager):+.2f}"
    overlaps = f"{row['box'][0]:.2f} | {row['click'][0]:.2f} | {row['click'][-1]:.2f}"
    return f"| {row['precision']} | {size} | {row['pictures']}, {row['objects']} | {overlaps} | {lost} |"


if __name__ == "__main__":
    main()
