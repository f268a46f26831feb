"""What the rewrites are worth: .pte files with all of them against files with the first five, in one interleaved run.

python -m benchmarks.rewrites [--models NAME ...] [--size 512] [--slots 1 16] [--runs 15] [--threads 1 2]

The first five are what an export needs to run at all on a phone (``FOUNDATION``: exact gathers, folded norms, baked
tables). Each row is one graph: milliseconds, planned memory and multiply-adds of both files, the ratio of each round,
and the share of the speed that this machine's XNNPACK reaches on a large 1x1 convolution in the same run. Host figures:
they say nothing about a phone.
"""

import argparse
import shlex
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.graph_files import File, load_model, lower_part, part_inputs
from benchmarks.ratios import COLUMN, ratio_cells, ratio_of
from benchmarks.reports import store_report
from rmpsam_mobile.bench import HOST_NOTE, summarise, time_interleaved
from rmpsam_mobile.cli.console import print_table, table
from rmpsam_mobile.contracts import Graph, GraphSizes, GraphSpec, Size, Target, TensorSpec
from rmpsam_mobile.export.rewrites import apply_rewrites, rewrite_names
from rmpsam_mobile.export.split import Part, split
from rmpsam_mobile.runtime.eager import sizes_of
from rmpsam_mobile.runtime.pte import execute, load_method, set_threads

RESULT: Final = Path(__file__).parent / "results" / "rewrites.json"
FOUNDATION: Final = (
    "fold_batch_norm",
    "gather_deform",
    "collapse_prompt_attention",
    "bake_constants",
    "pool_axis_means",
)
MODELS: Final = ("rmpsam-mobile-tiny", "rmpsam-seaformer-base")
CEILING: Final = (512, 512, 64)  # channels in and out, and side of the 1x1 convolution that sets the roof


class Pointwise(nn.Module):
    """A large 1x1 convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(CEILING[0], CEILING[1], 1)

    def forward(self, x: Tensor) -> Tensor:
        """[1, C, H, W] -> the same shape."""
        out: Tensor = self.conv(x)
        return out


def main() -> None:
    """Lower all files, time them in turn for each number of threads, store and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=list(MODELS))
    parser.add_argument("--size", default="512")
    parser.add_argument("--slots", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--output", type=Path, default=RESULT)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = {"roof": _roof(Path(folder, "roof.pte"))}
        for name in options.models:
            files |= _files(name, Size.parse(options.size), options.slots, Path(folder))
        rows = [row for threads in options.threads for row in _measure(files, threads, options.runs)]
    command = shlex.join(["python", "-m", "benchmarks.rewrites", *sys.argv[1:]])
    store_report(options.output, command, foundation=FOUNDATION, rows=rows)
    _print(rows)


def _files(name: str, size: Size, slots: Sequence[int], folder: Path) -> dict[str, File]:
    """Both files of each graph, keyed ``model graph form``; prompt graphs once for each number of slots."""
    model, files = load_model(name), {}
    forms = {"foundation": FOUNDATION, "rewritten": rewrite_names(Target.XNNPACK)}
    for position, num_slots in enumerate(slots):
        for form, names in forms.items():
            parts = split(model, sizes_of(model, GraphSizes(size=size, num_slots=num_slots)))
            apply_rewrites(parts, names)
            for graph, part in parts.parts.items():
                if graph is Graph.PROMPTS or position == 0:
                    label = f"{name} {graph}" + (f" of {num_slots}" if graph is Graph.PROMPTS else "")
                    path = folder / f"{label} {form}.pte".replace(" ", "_")
                    files[f"{label} {form}"] = lower_part(part, names, path, part_inputs(parts, part))
    return files


def _roof(path: Path) -> File:
    in_width, width, side = CEILING
    border = TensorSpec(name="x", shape=(1, in_width, side, side), meaning="")
    part = Part(Pointwise(), GraphSpec(graph=Graph.ENCODER, inputs=(border,), outputs=()))
    with torch.no_grad():
        inputs = [np.random.default_rng(0).standard_normal(border.shape).astype(np.float32)]
        file = lower_part(part, (), path, inputs)
    return File(path, inputs, in_width * width * side * side, file.planned_memory_bytes, {})


def _measure(files: Mapping[str, File], threads: int, runs: int) -> list[dict[str, Any]]:
    torch.set_num_threads(threads)
    set_threads(threads)  # before the files are loaded: they keep the pool they were loaded with
    methods = {name: load_method(file.path) for name, file in files.items()}
    actions: dict[str, Callable[[], object]] = {
        name: partial(execute, method, files[name].inputs) for name, method in methods.items()
    }
    samples = time_interleaved(actions, runs=runs, warmup=2)
    del actions, methods
    roof = files["roof"].macs / np.median(samples["roof"])
    labels = [name.removesuffix(" rewritten") for name in files if name.endswith(" rewritten")]
    return [{"graph": label, "threads": threads, **_row(files, samples, label, roof)} for label in labels]


def _row(files: Mapping[str, File], samples: Mapping[str, list[float]], label: str, roof: float) -> dict[str, Any]:
    before, after = f"{label} foundation", f"{label} rewritten"
    row: dict[str, Any] = {"ratio": ratio_of(samples[before], samples[after])}
    for form, name in (("foundation", before), ("rewritten", after)):
        file, times = files[name], summarise(samples[name])
        row[form] = {
            "ms": asdict(times),
            "macs": file.macs,
            "planned_memory_bytes": file.planned_memory_bytes,
            "leftovers": dict(file.leftovers),
            "share_of_roof": file.macs / times.p50 / roof,
        }
    return row


def _print(rows: Sequence[Mapping[str, Any]]) -> None:
    shown = table(
        f"rewritten against foundation, {HOST_NOTE}",
        "graph",
        "threads",
        "ms",
        "times faster",
        COLUMN,
        "GMAC",
        "planned MB",
        "of the roof",
    )
    for row in rows:
        old, new = row["foundation"], row["rewritten"]
        shown.add_row(
            row["graph"],
            str(row["threads"]),
            f"{old['ms']['p50']:.1f} -> {new['ms']['p50']:.1f}",
            *ratio_cells(row["ratio"]),
            f"{old['macs'] / 1e9:.2f} -> {new['macs'] / 1e9:.2f}",
            f"{old['planned_memory_bytes'] / 1e6:.1f} -> {new['planned_memory_bytes'] / 1e6:.1f}",
            f"{new['share_of_roof']:.2f}",
        )
    print_table(shown)


if __name__ == "__main__":
    main()
