"""Prompt decoders: does a filled slot cost time, and from how many slots on does projecting once pay?

python -m benchmarks.prompt_slots [--model rmpsam-seaformer-base] [--size 512] [--runs 15] [--slots 8 16 32 48 64]

First table: one file of 16 slots, with more and more of them used. Second table: files of more and more slots, their
cross-attention absorbed (``absorb_prompt_attention``) against keys and values projected once. One thread, host figures.
"""

import argparse
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import numpy as np

from benchmarks.graph_files import File, load_model, lower_part, part_inputs
from benchmarks.ratios import COLUMN, ratio_cells, ratio_of
from benchmarks.reports import store_report
from rmpsam_mobile.bench import HOST_NOTE, time_interleaved
from rmpsam_mobile.cli.console import print_table, table
from rmpsam_mobile.contracts import Graph, GraphSizes, Size, Target
from rmpsam_mobile.export.rewrites import apply_rewrites, rewrite_names
from rmpsam_mobile.export.split import split
from rmpsam_mobile.runtime.eager import sizes_of
from rmpsam_mobile.runtime.pte import execute, load_method, set_threads

RESULTS: Final = Path(__file__).parent / "results"
SLOTS: Final = 16
ABSORB: Final = "absorb_prompt_attention"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure both, store and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="rmpsam-seaformer-base")
    parser.add_argument("--size", type=Size.parse, default="512")
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--slots", type=int, nargs="+", default=[8, 16, 32, 48, 64])
    parser.add_argument("--output", type=Path)
    options = parser.parse_args(arguments)
    set_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        lower = partial(prompt_file, options.model, options.size, Path(folder))
        used = measure_used(lower(SLOTS, []), options.runs)
        forms = [measure_forms(lower, slots, options.runs) for slots in options.slots]
    about = {"model": options.model, "size": list(options.size)}
    path = options.output or RESULTS / f"prompt_slots_{options.model}_{options.size}.json"
    store_report(path, "python -m benchmarks.prompt_slots", **about, used=used, forms=forms)
    for title, rows in ((f"slots used of {SLOTS}", used), ("absorbed against projected once", forms)):
        show(f"{options.model} at {options.size}: {title}, one thread, {HOST_NOTE}", rows)


def prompt_file(model: str, size: Size, folder: Path, slots: int, skip: Sequence[str]) -> File:
    """The prompt decoder of ``slots`` slots, absorbed whatever their number unless that rewrite is skipped."""
    network = load_model(model)
    names = rewrite_names(Target.XNNPACK, skip=skip)
    parts = split(network, sizes_of(network, GraphSizes(size=size, num_slots=slots)))
    with patch.object(import_module(f"rmpsam_mobile.export.rewrites.{ABSORB}"), "MOST_SLOTS", slots):
        apply_rewrites(parts, names)
    part = parts.parts[Graph.PROMPTS]
    return lower_part(part, names, folder / f"{slots}_{len(skip)}.pte", part_inputs(parts, part))


def measure_used(file: File, runs: int) -> list[dict[str, Any]]:
    """The same file with 1 to all of its slots filled."""
    method, counts = load_method(file.path), [1, 2, 4, 8, SLOTS]
    samples = _times({str(n): (method, _with_used(file.inputs, n)) for n in counts}, runs)
    return [_row({"used": n}, samples[str(n)], samples["1"]) for n in counts]


def measure_forms(lower: Callable[[int, Sequence[str]], File], slots: int, runs: int) -> dict[str, Any]:
    """Both forms of one number of slots."""
    files = {"absorbed": lower(slots, []), "projected": lower(slots, [ABSORB])}
    samples = _times({name: (load_method(file.path), file.inputs) for name, file in files.items()}, runs)
    return _row({"slots": slots}, samples["absorbed"], samples["projected"])


def _times(calls: dict[str, tuple[Any, Sequence[Any]]], runs: int) -> dict[str, list[float]]:
    actions = {name: partial(execute, method, inputs) for name, (method, inputs) in calls.items()}
    return time_interleaved(actions, runs=runs, warmup=2)


def _row(what: dict[str, Any], taken: list[float], against: list[float]) -> dict[str, Any]:
    return what | {"ms": float(np.median(taken)), "ratio": ratio_of(taken, against)}


def _with_used(inputs: Sequence[Any], used: int) -> list[Any]:
    """The prompt graph's inputs with the slots after the first ``used`` empty; labels are the third input."""
    features, points, labels, boxes, image_size = inputs
    labels = labels.copy()
    labels[:, used:] = -1
    return [features, points, labels, boxes, image_size]


def show(title: str, rows: Sequence[dict[str, Any]]) -> None:
    """Milliseconds, and their ratio to one used slot or to the projected form, with its spread."""
    first = next(iter(rows[0]))
    out = table(title, first, "ms", "ratio", COLUMN)
    for row in rows:
        out.add_row(str(row[first]), f"{row['ms']:.1f}", *ratio_cells(row["ratio"]))
    print_table(out)


if __name__ == "__main__":
    main()
