"""Eager model against its .pte files, graph by graph: ratios of one interleaved run.

python -m benchmarks.eager_against_pte [--preset NAME] [--size 512] [--runs 20] [--threads 1 2]

Both sides get the same number of threads and the same inputs. Host figures: they say nothing about a phone.
"""

import argparse
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import torch

from benchmarks.ratios import COLUMN, ratio_cells, ratio_of
from benchmarks.reports import store_report
from rmpsam_mobile.bench import HOST_NOTE, summarise, time_interleaved
from rmpsam_mobile.bundle import Bundle, golden_inputs
from rmpsam_mobile.checkpoint import build_model, save_checkpoint, seeded_checkpoint
from rmpsam_mobile.cli.console import print_table, table
from rmpsam_mobile.contracts import Graph, Size
from rmpsam_mobile.export.pipeline import export_bundle, plan_export
from rmpsam_mobile.runtime import Array, EagerRunner, PteRunner, Runner
from rmpsam_mobile.runtime.pte import set_threads

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    """Export once, time both sides in turn for each number of threads, store and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="rmpsam-mobile-tiny")
    parser.add_argument("--size", default="512")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    options = parser.parse_args()
    checkpoint, size = seeded_checkpoint(options.preset), Size.parse(options.size)
    with tempfile.TemporaryDirectory() as folder:
        save_checkpoint(checkpoint, Path(folder, "model.safetensors"))
        exported = export_bundle(
            plan_export(Path(folder, "model.safetensors"), size=size), Path(folder, "model.bundle")
        )
        bundle = exported.bundle
        eager = EagerRunner(build_model(checkpoint), bundle.manifest.contract)
        rows = [row for threads in options.threads for row in _measure(eager, bundle, threads, options.runs)]
    command = f"python -m benchmarks.eager_against_pte --preset {options.preset} --size {options.size}"
    store_report(RESULTS / f"eager_against_pte_{options.preset}_{size}.json", command, rows=rows)
    _print(rows, f"{options.preset} at {size}, {HOST_NOTE}")


def _measure(eager: Runner, bundle: Bundle, threads: int, runs: int) -> list[dict[str, Any]]:
    torch.set_num_threads(threads)
    set_threads(threads)  # before the files are loaded: they keep the pool they were loaded with
    pte = PteRunner.of(bundle)
    inputs, eager_inputs = _inputs(pte), _inputs(eager)  # a rewrite may change what decoders read
    actions: dict[str, Callable[[], object]] = {}
    for graph, arrays in inputs.items():
        actions[f"eager {graph}"] = partial(eager.run, graph, eager_inputs[graph])
        actions[f"pte {graph}"] = partial(pte.run, graph, arrays)
    samples = time_interleaved(actions, runs=runs, warmup=3)
    rows = []
    for graph in inputs:
        ours, theirs = samples[f"pte {graph}"], samples[f"eager {graph}"]
        rows.append(
            {
                "graph": str(graph),
                "threads": threads,
                "eager_ms": asdict(summarise(theirs)),
                "pte_ms": asdict(summarise(ours)),
                "eager_over_pte": ratio_of(theirs, ours),
            }
        )
    return rows


def _inputs(runner: Runner) -> dict[Graph, Sequence[Array]]:
    pixels, prompts = golden_inputs(runner.contract)
    (features,) = runner.run(Graph.ENCODER, [pixels])
    return {
        Graph.ENCODER: [pixels],
        Graph.OBJECTS: [features],
        Graph.PROMPTS: [features, *prompts.values()],
    }


def _print(rows: list[dict[str, Any]], title: str) -> None:
    shown = table(title, "graph", "threads", "eager ms", ".pte ms", "eager / .pte", COLUMN)
    for row in rows:
        shown.add_row(
            row["graph"],
            str(row["threads"]),
            f"{row['eager_ms']['p50']:.1f}",
            f"{row['pte_ms']['p50']:.1f}",
            *ratio_cells(row["eager_over_pte"]),
        )
    print_table(shown)


if __name__ == "__main__":
    main()
