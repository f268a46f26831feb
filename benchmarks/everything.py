"""Segment everything on labelled pictures: object-aware prompts against a grid of clicks, decoder time included.

python -m benchmarks.everything MODEL --data DIR [--limit N] [--threads 1] [--resume FILE]

Recall and time come from one process that asks in both ways in turn, picture by picture. Host figures: the times say
nothing about a phone, their ratio something.
"""

import argparse
import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import torch

from rmpsam_mobile.bench import HOST_NOTE
from rmpsam_mobile.bench.machine import describe_machine
from rmpsam_mobile.checkpoint import named_weights
from rmpsam_mobile.cli.accuracy_tables import accuracy_table
from rmpsam_mobile.cli.console import counter, print_table
from rmpsam_mobile.evaluate import Journal, TaskOptions, heading, measure_units, open_task, target
from rmpsam_mobile.runtime import Segmenter

RESULTS = Path(__file__).parent / "results"
CLAIM = {"decoder_time_ratio": 16.0, "not_lower": ["ar100", "ar1000"]}  # MobileSAMv2's, arXiv 2312.09579


def main() -> None:
    """Measure, store and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--resume", type=Path, help="keep results here, and go on with them")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the report")
    options = parser.parse_args()
    report = measure(Path(named_weights(options.model)), options)
    name = f"everything_{report['model']['preset']}_{report['size']}_{report['engine']}.json"
    options.results.mkdir(exist_ok=True)
    (options.results / name).write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print_table(accuracy_table(report))
    print(f"{HOST_NOTE}; the claim holds: {report['claim_holds']}")


def measure(model: Path, options: argparse.Namespace) -> dict[str, Any]:
    """The report of ``evaluate --protocol everything`` with the machine and MobileSAMv2's claim."""
    torch.set_num_threads(options.threads)
    task = open_task("everything", options.data, TaskOptions(limit=options.limit))
    opened = partial(Segmenter.open, model, threads=options.threads if model.is_dir() else None)
    segmenter = opened()
    task.require(segmenter)
    binding = {**target(model, segmenter), "data": task.measuring.sha256, "threads": options.threads}
    journal = Journal(options.resume, binding) if options.resume else None
    with counter("pictures", len(task.units)) as progress:
        results = measure_units(
            task.measure, task.units, opened, segmenter=segmenter, journal=journal, progress=progress
        )
    report = heading(model, segmenter, task.measuring, "everything") | task.report(results, segmenter.contract)
    report["tool"]["command"] = ["python", "-m", "benchmarks.everything", *sys.argv[1:]]
    return report | {
        "note": HOST_NOTE,
        "threads": options.threads,
        "machine": describe_machine(),
        "claim": CLAIM,
        "claim_holds": claim_holds(report),
    }


def claim_holds(report: dict[str, Any]) -> bool:
    """Whether object-aware prompts are at least 16 times faster than the grid and find no less."""
    ours, grid = report["object_aware"], report["grid"]
    is_faster = report["decoder_time_ratio"] >= CLAIM["decoder_time_ratio"]
    return bool(is_faster and all(ours[key] >= grid[key] for key in ("ar100", "ar1000")))


if __name__ == "__main__":
    main()
