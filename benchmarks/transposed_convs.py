"""Forms of the neck's transposed convolutions as .pte files: ratios of one interleaved run.

python -m benchmarks.transposed_convs [--runs 30] [--threads 1 2] [--output FILE]

``phases`` are four 2x2 convolutions (rewrite split_transposed_convs), ``shuffle`` is one 3x3 convolution to four times
the channels, three fifths of whose weights are zeros. Host figures: they say nothing about a phone.
"""

import argparse
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import nn

from benchmarks.graph_files import File, load_model, lower_part, part_inputs
from benchmarks.ratios import COLUMN, ratio_cells, ratio_of
from benchmarks.reports import store_report
from rmpsam_mobile.bench import HOST_NOTE, summarise, time_interleaved
from rmpsam_mobile.cli.console import print_table, table
from rmpsam_mobile.contracts import Graph, GraphSizes, GraphSpec, Size, Target, TensorSpec
from rmpsam_mobile.export.rewrites import apply_rewrites, rewrite_names
from rmpsam_mobile.export.rewrites.split_transposed_convs import PhaseConvs, split_transposed_convs
from rmpsam_mobile.export.split import Part, split
from rmpsam_mobile.runtime.eager import sizes_of
from rmpsam_mobile.runtime.pte import execute, load_method, set_threads

ENCODER: Final = "rmpsam-r50"
SIZE: Final = Size(512, 512)
RESULT: Final = Path(__file__).parent / "results" / "transposed_convs.json"
LAYERS: Final = {  # width and side of the input, of a 512 x 512 picture
    "r50": ((512, 16), (256, 32), (128, 64)),
    "seaformer-base": ((64, 16), (32, 32), (16, 64)),
    "mobile-tiny": ((56, 16), (20, 32), (12, 64)),
}


def main() -> None:
    """Lower all forms of all layers, time them in turn for each number of threads, store and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--output", type=Path, default=RESULT)
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for model, layers in LAYERS.items():
            for width, side in layers:
                files = lower_forms(width, side, Path(folder))
                what = f"{model}, {width} at {side} px"
                rows += [row for threads in options.threads for row in measure(what, files, threads, options.runs)]
        files = lower_encoder(Path(folder))
        what = f"encoder of {ENCODER} at {SIZE}"
        rows += [row for threads in options.threads for row in measure(what, files, threads, options.runs)]
    command = f"python -m benchmarks.transposed_convs --runs {options.runs}"
    store_report(options.output, command, rows=rows)
    show(rows)


def forms_of(conv: nn.ConvTranspose2d) -> dict[str, nn.Module]:
    """The convolution as it is, by phases, and as one plain one."""
    kernel = torch.zeros(conv.out_channels, 4, conv.in_channels, 3, 3)
    for place, phase in enumerate(PhaseConvs(conv).phases):
        assert isinstance(phase, nn.Conv2d)
        row, column = divmod(place, 2)
        kernel[:, place, :, row : row + 2, column : column + 2] = phase.weight
    plain = nn.Conv2d(conv.in_channels, 4 * conv.out_channels, 3, padding=1, bias=False)
    plain.weight = nn.Parameter(kernel.flatten(0, 1), requires_grad=False)
    return {"transposed": conv, "phases": PhaseConvs(conv), "shuffle": nn.Sequential(plain, nn.PixelShuffle(2))}


def lower_forms(width: int, side: int, folder: Path) -> dict[str, File]:
    """A file for each form of one layer with seeded weights."""
    torch.manual_seed(0)
    conv = nn.ConvTranspose2d(width, width, 4, 2, 1, bias=False).requires_grad_(requires_grad=False)
    border = TensorSpec(name="x", shape=(1, width, side, side), meaning="")
    inputs = [np.random.default_rng(0).standard_normal(border.shape).astype(np.float32)]
    spec = GraphSpec(graph=Graph.ENCODER, inputs=(border,), outputs=())
    return {
        name: lower_part(Part(form.eval(), spec), (), folder / f"{name}_{width}_{side}.pte", inputs)
        for name, form in forms_of(conv).items()
    }


def lower_encoder(folder: Path) -> dict[str, File]:
    """A whole encoder with all rewrites, with and without this one."""
    files = {}
    for form, skip in (("transposed", [split_transposed_convs.__name__]), ("phases", [])):
        model = load_model(ENCODER)
        parts, names = split(model, sizes_of(model, GraphSizes(size=SIZE))), rewrite_names(Target.XNNPACK, skip=skip)
        apply_rewrites(parts, names)
        part = parts.parts[Graph.ENCODER]
        files[form] = lower_part(part, names, folder / f"{form}_encoder.pte", part_inputs(parts, part))
    return files


def measure(what: str, files: Mapping[str, File], threads: int, runs: int) -> list[dict[str, Any]]:
    """Milliseconds of each form, and their ratios to the transposed one, round by round."""
    set_threads(threads)  # before the files are loaded: they keep the pool they were loaded with
    actions: dict[str, Callable[[], object]] = {
        name: partial(execute, load_method(file.path), file.inputs) for name, file in files.items()
    }
    samples = time_interleaved(actions, runs=runs, warmup=3)
    about = {"what": what, "threads": threads}
    return [
        {**about, "form": name, "ms": asdict(summarise(taken)), "ratio": ratio_of(taken, samples["transposed"])}
        for name, taken in samples.items()
    ]


def show(rows: Sequence[Mapping[str, Any]]) -> None:
    """One line a layer, form and number of threads."""
    out = table(f"transposed convolutions, {HOST_NOTE}", "<what", "<form", "threads", "ms", "/ transposed", COLUMN)
    for row in rows:
        out.add_row(
            row["what"], row["form"], str(row["threads"]), f"{row['ms']['p50']:.2f}", *ratio_cells(row["ratio"])
        )
    print_table(out)


if __name__ == "__main__":
    main()
