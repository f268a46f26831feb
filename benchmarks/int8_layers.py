"""Kinds of layers in 8 bit against float32 as XNNPACK files: ratios of one interleaved run, the CPU's flags beside.

python -m benchmarks.int8_layers [--runs 30] [--threads 1 2] [--output FILE]

Each file is four equal layers with an activation between, so that quantizing the input weighs little. What a processor
without products of bytes (no avx512_vnni, avx_vnni, asimddp or i8mm among its flags) shows says nothing about a phone.
"""

import argparse
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from torch import nn
from torch.export import ExportedProgram

from benchmarks.ratios import COLUMN, ratio_cells, ratio_of
from benchmarks.reports import store_report
from rmpsam_mobile.bench import HOST_NOTE, summarise, time_interleaved
from rmpsam_mobile.cli.console import print_table, table
from rmpsam_mobile.contracts import Graph, GraphSpec, TensorSpec
from rmpsam_mobile.export.lower.xnnpack import lower_to_xnnpack
from rmpsam_mobile.quantization import convert, prepare, recipe_named
from rmpsam_mobile.runtime.pte import execute, load_method, set_threads

RESULT: Final = Path(__file__).parent / "results" / "int8_layers.json"
DEPTH: Final = 4
RECIPE: Final = "int8-static"


class Kind(NamedTuple):
    """A layer, built anew at each call, and the shape of what it reads; as in the Tiny preset at 512 px."""

    build: Callable[[], nn.Module]
    shape: tuple[int, ...]


KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "1x1 convolution, 64 at 64 px": Kind(lambda: nn.Conv2d(64, 64, 1), (1, 64, 64, 64)),
        "3x3 convolution, 64 at 32 px": Kind(lambda: nn.Conv2d(64, 64, 3, padding=1), (1, 64, 32, 32)),
        "3x3 depthwise, 128 at 64 px": Kind(lambda: nn.Conv2d(128, 128, 3, padding=1, groups=128), (1, 128, 64, 64)),
        "transposed 4x4, 16 from 16 px": Kind(lambda: nn.ConvTranspose2d(16, 16, 4, 2, 1), (1, 16, 16, 16)),
        "linear, 128 of 100 rows": Kind(lambda: nn.Linear(128, 128), (1, 100, 128)),
    }
)


def main() -> None:
    """Lower each kind in both forms, time all in turn for each number of threads, store and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--output", type=Path, default=RESULT)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = {name: lower_kind(kind, Path(folder, f"{place}")) for place, (name, kind) in enumerate(KINDS.items())}
        rows = [row for threads in options.threads for row in measure(files, threads, options.runs)]
    show(store_report(options.output, f"python -m benchmarks.int8_layers --runs {options.runs}", rows=rows))


def lower_kind(kind: Kind, stem: Path) -> dict[str, Path]:
    """Files ``fp32`` and ``int8`` of four layers of a kind, with seeded weights and ranges."""
    torch.manual_seed(0)
    layers = [module for _ in range(DEPTH) for module in (kind.build(), nn.ReLU())]
    example = (torch.randn(kind.shape),)
    program = torch.export.export(nn.Sequential(*layers).eval(), example, strict=False)
    prepared = prepare(program, recipe_named(RECIPE))
    with torch.no_grad():
        for _ in range(4):
            prepared(torch.randn(kind.shape))
        quantized = torch.export.export(convert(prepared), example, strict=False)
    programs: dict[str, ExportedProgram] = {"fp32": program, "int8": quantized}
    reads = TensorSpec(name="input", shape=kind.shape, meaning="")
    spec = GraphSpec(graph=Graph.ENCODER, inputs=(reads,), outputs=())
    paths = {}
    for form, captured in programs.items():
        paths[form] = stem.with_name(f"{stem.name}_{form}.pte")
        lowered = lower_to_xnnpack(captured, spec)
        lowered.write(paths[form])
        if lowered.delegation.leftovers:
            raise SystemExit(f"{form}: left to portable kernels: {lowered.delegation.leftovers}")
    return paths


def measure(files: Mapping[str, Mapping[str, Path]], threads: int, runs: int) -> list[dict[str, Any]]:
    """Milliseconds of both forms, and how many times as fast 8 bit is, round by round."""
    set_threads(threads)  # before the files are loaded: they keep the pool they were loaded with
    actions: dict[str, Callable[[], object]] = {}
    for name, forms in files.items():
        value = np.random.default_rng(0).standard_normal(KINDS[name].shape).astype(np.float32)
        actions |= {f"{form} {name}": partial(execute, load_method(path), [value]) for form, path in forms.items()}
    samples = time_interleaved(actions, runs=runs, warmup=3)
    rows = []
    for name in files:
        plain, quantized = samples[f"fp32 {name}"], samples[f"int8 {name}"]
        rows.append(
            {
                "kind": name,
                "threads": threads,
                "fp32_ms": asdict(summarise(plain)),
                "int8_ms": asdict(summarise(quantized)),
                "times_as_fast": ratio_of(plain, quantized),
            }
        )
    return rows


def show(report: Mapping[str, Any]) -> None:
    """One line a kind and number of threads."""
    machine = report["machine"]
    title = f"8 bit against float32, {HOST_NOTE}; {machine['cpu']}: {' '.join(machine['flags'])}"
    shown = table(title, "four layers", "threads", "fp32 ms", "int8 ms", "times as fast", COLUMN)
    for row in report["rows"]:
        shown.add_row(
            row["kind"],
            str(row["threads"]),
            f"{row['fp32_ms']['p50']:.2f}",
            f"{row['int8_ms']['p50']:.2f}",
            *ratio_cells(row["times_as_fast"]),
        )
    print_table(shown)


if __name__ == "__main__":
    main()
