"""What each cut of the mobile presets buys: .pte files of a preset with one number changed, in one interleaved run.

python -m benchmarks.cuts [--preset rmpsam-mobile-tiny] [--size 512] [--runs 15] [--only NAME ...]

Random weights: time does not depend on them. Encoder and object decoder, one thread, all rewrites; parameters are those
of the whole model. Host figures: they say nothing about a phone.
"""

import argparse
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from benchmarks.graph_files import File, lower_part, part_inputs
from benchmarks.reports import store_report
from rmpsam_mobile.bench import HOST_NOTE, summarise, time_interleaved
from rmpsam_mobile.cli.console import print_table, table
from rmpsam_mobile.contracts import Graph, GraphSizes, Size, Target
from rmpsam_mobile.distill.start import orthonormal_rows
from rmpsam_mobile.export.rewrites import apply_rewrites, rewrite_names
from rmpsam_mobile.export.split import split
from rmpsam_mobile.model.config import ModelConfig, SeaFormerConfig
from rmpsam_mobile.model.presets import preset_config
from rmpsam_mobile.model.rmpsam import RmpSam
from rmpsam_mobile.runtime.eager import sizes_of
from rmpsam_mobile.runtime.pte import execute, load_method, set_threads

RESULTS: Final = Path(__file__).parent / "results"
BASELINE: Final = "as it is"
NUM_CLASSES: Final = 133


def _expanded(config: ModelConfig, expansion: int) -> ModelConfig:
    """All inverted bottlenecks but the first with one expansion."""
    encoder = config.encoder
    assert isinstance(encoder, SeaFormerConfig)
    mobile = tuple(
        tuple(block if block.expansion == 1 else block._replace(expansion=expansion) for block in stage)
        for stage in encoder.mobile
    )
    return replace(config, encoder=replace(encoder, mobile=mobile))


def _wide(config: ModelConfig, width: int) -> ModelConfig:
    return replace(config, width=width, aggregation_width=width, ffn_width=4 * width)


CUTS: Final[Mapping[str, Callable[[ModelConfig], ModelConfig]]] = {
    BASELINE: replace,
    "full 3x3 output_conv": partial(replace, depthwise_output=False),
    "stages at stride 4": partial(replace, stage_reduction=1),
    "one stage": partial(replace, num_stages=1),
    "three stages": partial(replace, num_stages=3),
    "48 channels": partial(_wide, width=48),
    "96 channels": partial(_wide, width=96),
    "expansions of 2": partial(_expanded, expansion=2),
    "expansions of 6": partial(_expanded, expansion=6),
    "offsets not clamped": partial(replace, offset_limit=None),
    "offsets clamped to 2": partial(replace, offset_limit=2.0),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Lower all variants, time them in turn, store and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="rmpsam-mobile-tiny")
    parser.add_argument("--size", type=Size.parse, default="512")
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--only", nargs="+", choices=CUTS, default=list(CUTS), metavar="NAME")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args(arguments)
    names = [name for name in CUTS if name in {BASELINE, *options.only}]
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(options.preset, names, options.size, options.runs, Path(folder))
    path = options.output or RESULTS / f"cuts_{options.preset}_{options.size}.json"
    store_report(path, "python -m benchmarks.cuts", rows=rows)
    show(f"{options.preset} at {options.size}, one thread, {HOST_NOTE}", rows)


def measure(preset: str, names: Sequence[str], size: Size, runs: int, folder: Path) -> list[dict[str, Any]]:
    """A row for each variant: multiply-adds, parameters, and milliseconds of both graphs."""
    files, parameters = dict[tuple[str, Graph], File](), dict[str, int]()
    for name in names:
        model = _model(CUTS[name](preset_config(preset)))
        parameters[name] = sum(weight.numel() for weight in model.parameters())
        parts, rewrites = split(model, sizes_of(model, GraphSizes(size=size))), rewrite_names(Target.XNNPACK)
        apply_rewrites(parts, rewrites)
        for graph in (Graph.ENCODER, Graph.OBJECTS):
            part, path = parts.parts[graph], folder / f"{len(files)}.pte"
            files[name, graph] = lower_part(part, rewrites, path, part_inputs(parts, part))
    set_threads(1)
    actions = {
        f"{name} {graph}": partial(execute, load_method(file.path), file.inputs)
        for (name, graph), file in files.items()
    }
    samples = time_interleaved(actions, runs=runs, warmup=2)
    rows = []
    for name in names:
        row: dict[str, Any] = {"cut": name, "parameters": parameters[name]}
        for graph in (Graph.ENCODER, Graph.OBJECTS):
            taken = samples[f"{name} {graph}"]
            ratio = float(np.median(np.divide(taken, samples[f"{BASELINE} {graph}"])))
            row[graph] = {"macs": files[name, graph].macs, "ms": asdict(summarise(taken)), "over_baseline": ratio}
        rows.append(row)
    return rows


def _model(config: ModelConfig) -> RmpSam:
    torch.manual_seed(0)
    model = RmpSam(config).eval().requires_grad_(requires_grad=False)
    model.set_classifier(orthonormal_rows(NUM_CLASSES, config.text_width, seed=0).unsqueeze(1))
    return model


def show(title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Both graphs side by side, with their ratios to the preset as it is."""
    shown = table(title, "<cut", "M parameters", "GMAC", "encoder ms", "/ as it is", "objects ms", "/ as it is")
    for row in rows:
        encoder, objects = row[Graph.ENCODER], row[Graph.OBJECTS]
        macs = f"{(encoder['macs'] + objects['macs']) / 1e9:.2f}"
        figures = [(f"{part['ms']['p50']:.1f}", f"{part['over_baseline']:.2f}") for part in (encoder, objects)]
        shown.add_row(row["cut"], f"{row['parameters'] / 1e6:.2f}", macs, *figures[0], *figures[1])
    print_table(shown)


if __name__ == "__main__":
    main()
