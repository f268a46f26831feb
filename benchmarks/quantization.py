"""Every stage from the float model to the 8-bit files: bytes, time, all task metrics, and what each stage loses.

python -m benchmarks.quantization --quantized FOLDER --bundle INT8 --float-bundle FP32 --eval DIR --panoptic DIR
    [--name int8-static] [--limit N] [--stages eager rewritten ...] [--times-only]

Writes quantization_NAME.json, .md and .html under benchmarks/results. Host figures: times say nothing about a phone.
"""

import argparse
import json
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from benchmarks.quantization_pages import html_page, markdown_page
from rmpsam_mobile.atomic import write_file
from rmpsam_mobile.bench import HOST_NOTE, time_interleaved
from rmpsam_mobile.bench.machine import describe_machine
from rmpsam_mobile.bundle import golden_inputs, open_bundle
from rmpsam_mobile.checkpoint import build_model
from rmpsam_mobile.contracts import Graph
from rmpsam_mobile.evaluate import Task, TaskOptions, measure_units, open_task
from rmpsam_mobile.export.quantized import QuantizedModel, read_quantized
from rmpsam_mobile.export.quantized_graphs import capture_model, restored
from rmpsam_mobile.runtime import EagerRunner, Runner, Segmenter, open_runner
from rmpsam_mobile.runtime.eager import contract_of

RESULTS: Final = Path(__file__).parent / "results"
STAGES: Final = ("eager", "rewritten", "quantized", "fp32 .pte", "int8 .pte")
RUNS: Final = 15
SMALL: Final = "<1%"


@dataclass(frozen=True)
class Stage:
    """One of ``STAGES``: what runs, and the bytes that it is."""

    name: str
    runner: Runner
    bytes: int


def main() -> None:
    """Measure the stages and write the pages."""
    options = _options()
    model = read_quantized(options.quantized)
    stages, path = _stages(model, options), RESULTS / f"quantization_{options.name}"
    if options.times_only:
        report = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        rows, command = report["stages"], report["command"]
    else:
        rows, command = _all_measured(stages, options), f"python -m benchmarks.quantization {shlex.join(sys.argv[1:])}"
    times = _times(stages)
    report = {
        "schema": "rmpsam.quantization/1",
        "command": command,
        "note": HOST_NOTE,
        "machine": describe_machine(),
        "recipe": model.recipe.name,
        "in_float": list(model.recipe.in_float),
        "ranges": str(model.recipe.ranges),
        "calibration": {"pictures": model.record.calibration_pictures, "sha256": model.record.calibration_sha256},
        "limit": options.limit,
        "stages": with_drops([{**row, "ms": times[row["stage"]]} for row in rows]),
    }
    RESULTS.mkdir(exist_ok=True)
    write_file(path.with_suffix(".json"), (json.dumps(report, indent=1) + "\n").encode())
    write_file(path.with_suffix(".md"), markdown_page(report).encode())
    write_file(path.with_suffix(".html"), html_page(report).encode())
    print(markdown_page(report))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quantized", type=Path, required=True)
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--float-bundle", type=Path, required=True)
    parser.add_argument("--eval", type=Path, required=True)
    parser.add_argument("--panoptic", type=Path, required=True)
    parser.add_argument("--name", default="int8-static")
    parser.add_argument("--limit", type=int, default=None)
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=list(STAGES))
    parser.add_argument("--times-only", action="store_true", help="keep the stored accuracy and take the times anew")
    return parser.parse_args()


def _all_measured(stages: Sequence[Stage], options: argparse.Namespace) -> list[dict[str, Any]]:
    folders = {"box": options.eval, "click": options.eval, "panoptic": options.panoptic}
    tasks = {name: open_task(name, folder, TaskOptions(limit=options.limit)) for name, folder in folders.items()}
    rows = []
    for stage in stages:
        print(f"{stage.name} ...", file=sys.stderr, flush=True)
        rows.append(_measured(stage, tasks))
    return rows


def with_drops(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each stage with its bytes and time against the first, and the points that every metric lost."""
    first = rows[0]
    return [
        {
            **row,
            "bytes_ratio": row["bytes"] / first["bytes"],
            "time_ratio": row["ms"] / first["ms"],
            "drop": {
                key: None if value is None or first["metrics"][key] is None else first["metrics"][key] - value
                for key, value in row["metrics"].items()
            },
        }
        for row in rows
    ]


def _stages(model: QuantizedModel, options: argparse.Namespace) -> Sequence[Stage]:
    network = build_model(model.checkpoint)
    captured = capture_model(network, model.sizes)
    weights = 4 * sum(tensor.numel() for tensor in network.parameters())

    def quantized() -> Runner:
        states = {graph: model.of(graph) for graph in captured.programs}
        return captured.runner(restored(captured, model.recipe, states), "quantized")

    def bundled(path: Path) -> tuple[Runner, int]:
        bundle = open_bundle(path)
        return open_runner(bundle, threads=1), sum(a.size_bytes for a in bundle.manifest.graphs.values())

    made: dict[str, Callable[[], tuple[Runner, int]]] = {
        "eager": lambda: (EagerRunner(network, contract_of(network, model.sizes)), weights),
        "rewritten": lambda: (captured.float_runner(), weights),
        "quantized": lambda: (quantized(), weights // 4),
        "fp32 .pte": partial(bundled, options.float_bundle),
        "int8 .pte": partial(bundled, options.bundle),
    }
    return [Stage(name, *made[name]()) for name in STAGES if name in options.stages]


def _measured(stage: Stage, tasks: Mapping[str, Task]) -> dict[str, Any]:
    segmenter = Segmenter(stage.runner)
    found = {}
    for name, task in tasks.items():
        task.require(segmenter)
        results = measure_units(task.measure, task.units, lambda: segmenter, segmenter=segmenter)
        found[name] = task.report(results, segmenter.contract)
    metrics = {
        "box": found["box"]["miou"],
        "click": found["click"]["miou"],
        "box, small": found["box"]["by_size"][SMALL]["miou"],
        "click, small": found["click"]["by_size"][SMALL]["miou"],
        "PQ": found["panoptic"]["all"]["pq"],
        **{f"PQ {source}": row["all"]["pq"] for source, row in found["panoptic"]["by_source"].items()},
    }
    points = {name: None if value is None else 100 * value for name, value in metrics.items()}
    return {"stage": stage.name, "bytes": stage.bytes, "metrics": points}


def _times(stages: Sequence[Stage]) -> dict[str, float]:
    """Median milliseconds of encoder, objects and one call of all prompt slots, all stages in turn, one thread."""
    torch.set_num_threads(1)
    actions = {stage.name: partial(_run_graphs, stage.runner) for stage in stages}
    samples = time_interleaved(actions, runs=RUNS, warmup=2)
    return {name: float(np.median(taken)) for name, taken in samples.items()}


def _run_graphs(runner: Runner) -> None:
    pixels, prompts = golden_inputs(runner.contract)
    (features,) = runner.run(Graph.ENCODER, [pixels])
    if Graph.OBJECTS in runner.graphs:
        runner.run(Graph.OBJECTS, [features])
    runner.run(Graph.PROMPTS, [features, *prompts.values()])


if __name__ == "__main__":
    main()
