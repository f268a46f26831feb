"""Forms of a deformable convolution as .pte files against plain ones: ratios of one interleaved run.

python -m benchmarks.deform_layers [--runs 30] [--threads 1 2] [--layers square mobile-tiny seaformer-base r50]
                                   [--no-encoder] [--output FILE]

``conv`` is XNNPACK's own 3x3 convolution, ``im2col`` the same as slices and a matrix product: the yardstick, because
the speed of 3x3 kernels differs more between machines than that of products. Offsets lie within +-1 px and come as
inputs. Host figures: they say nothing about a phone.
"""

import argparse
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.ratios import COLUMN, ratio_cells, ratio_of
from benchmarks.reports import store_report
from rmpsam_mobile.bench import HOST_NOTE, summarise, time_interleaved
from rmpsam_mobile.checkpoint import build_model, seeded_checkpoint
from rmpsam_mobile.cli.console import print_table, table
from rmpsam_mobile.contracts import Graph, GraphSizes, GraphSpec, Size, Target, TensorSpec
from rmpsam_mobile.export.capture import capture
from rmpsam_mobile.export.lower.xnnpack import lower_to_xnnpack
from rmpsam_mobile.export.rewrites import apply_rewrites, rewrite_names
from rmpsam_mobile.export.rewrites.bounded_deform import BoundedDeformConv
from rmpsam_mobile.export.rewrites.gather_deform import GatherDeformConv
from rmpsam_mobile.export.split import split
from rmpsam_mobile.model.deform import NUM_TAPS, DeformConv
from rmpsam_mobile.runtime.eager import sizes_of
from rmpsam_mobile.runtime.pte import execute, load_method, set_threads

RESULT: Final = Path(__file__).parent / "results" / "deform_layers.json"
ENCODER: Final = "rmpsam-seaformer-base"


class Layer(NamedTuple):
    """Channels in and out, and the side of its map in pixels."""

    in_width: int
    width: int
    side: int

    def __str__(self) -> str:
        return f"{self.in_width} -> {self.width} at {self.side} px"


# the necks' are those of a 512 x 512 picture
LAYERS: Final[Mapping[str, tuple[Layer, ...]]] = MappingProxyType(
    {
        "square": (Layer(128, 128, 40), Layer(128, 128, 64), Layer(128, 128, 80)),
        "mobile-tiny": (Layer(96, 56, 16), Layer(56, 20, 32), Layer(20, 12, 64)),
        "seaformer-base": (Layer(128, 64, 16), Layer(64, 32, 32), Layer(32, 16, 64)),
        "r50": (Layer(1024, 512, 16), Layer(512, 256, 32), Layer(256, 128, 64)),
    }
)


class PlainConv(nn.Module):
    """The convolution without offsets, in the engine's own kernel."""

    def __init__(self, conv: DeformConv) -> None:
        super().__init__()
        width, in_width = conv.weight.shape[:2]
        self.conv = nn.Conv2d(in_width, width, 3, padding=1, bias=False)
        self.conv.weight = conv.weight

    def forward(self, x: Tensor, offsets: Tensor, modulation: Tensor) -> Tensor:  # noqa: ARG002
        """[1, C, H, W] and what is not read -> [1, O, H, W]."""
        out: Tensor = self.conv(x)
        return out


class Im2colConv(nn.Module):
    """The same as nine slices, joined, and one matrix product."""

    weight: Tensor

    def __init__(self, conv: DeformConv) -> None:
        super().__init__()
        self.register_buffer("weight", conv.weight.detach().permute(0, 2, 3, 1).flatten(1).contiguous())

    def forward(self, x: Tensor, offsets: Tensor, modulation: Tensor) -> Tensor:  # noqa: ARG002
        """[1, C, H, W] and what is not read -> [1, O, H, W]."""
        height, width = x.shape[2:]
        rows = F.pad(x, (1, 1, 1, 1)).permute(0, 2, 3, 1)
        taps = [rows[:, tap // 3 : tap // 3 + height, tap % 3 : tap % 3 + width] for tap in range(NUM_TAPS)]
        out = F.linear(torch.cat(taps, 3), self.weight)
        return out.permute(0, 3, 1, 2)


FORMS: Final[Mapping[str, Callable[[DeformConv, int], nn.Module]]] = MappingProxyType(
    {
        "conv": lambda conv, _: PlainConv(conv),
        "im2col": lambda conv, _: Im2colConv(conv),
        "bounded R=1": lambda conv, side: BoundedDeformConv(conv, side, side, 1),
        "bounded R=2": lambda conv, side: BoundedDeformConv(conv, side, side, 2),
        "gather": lambda conv, side: GatherDeformConv(conv, side, side),
    }
)


def main() -> None:
    """Lower each form once, time them in turn for each number of threads, store and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--layers", nargs="+", choices=LAYERS, default=list(LAYERS))
    parser.add_argument("--encoder", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--output", type=Path, default=RESULT)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = []
        for name in options.layers:
            for layer in LAYERS[name]:
                files = lower_forms(layer, Path(folder))
                rows += [row for n in options.threads for row in measure(name, layer, files, n, options.runs)]
        shares = encoder_shares(Path(folder), options.threads, options.runs) if options.encoder else []
    command = f"python -m benchmarks.deform_layers --runs {options.runs}"
    store_report(options.output, command, rows=rows, encoder=shares)
    _print(rows, shares)


def lower_forms(layer: Layer, folder: Path) -> dict[str, Path]:
    """A file for each form of one layer with seeded weights."""
    torch.manual_seed(0)
    conv = DeformConv(layer.in_width, layer.width).requires_grad_(requires_grad=False)
    files = {}
    for form, build in FORMS.items():
        files[form] = folder / f"{form}_{layer}.pte".replace(" ", "_").replace(">", "")
        inputs = _inputs(layer)
        program = torch.export.export(build(conv, layer.side).eval(), inputs, strict=False)
        lower_to_xnnpack(program, _border([tuple(value.shape) for value in inputs])).write(files[form])
    return files


def measure(group: str, layer: Layer, files: Mapping[str, Path], threads: int, runs: int) -> list[dict[str, Any]]:
    """Milliseconds of each form, and their ratios to both plain ones, round by round."""
    samples = _time(files, dict.fromkeys(files, _inputs(layer)), threads, runs)
    rows = []
    for form, taken in samples.items():
        row: dict[str, Any] = {"layers": group, "layer": str(layer), "form": form, "threads": threads}
        row["ms"] = asdict(summarise(taken))
        for plain in ("conv", "im2col"):
            row[f"over_{plain}"] = ratio_of(taken, samples[plain])
        rows.append(row)
    return rows


def encoder_shares(folder: Path, threads: Sequence[int], runs: int) -> list[dict[str, Any]]:
    """The three layers of SeaFormer-Base together, over its whole encoder with the same form."""
    layers = LAYERS["seaformer-base"]
    model = build_model(seeded_checkpoint(ENCODER))
    parts = split(model, sizes_of(model, GraphSizes(size=Size(512, 512))))
    apply_rewrites(parts, rewrite_names(Target.XNNPACK))
    encoder = parts.parts[Graph.ENCODER]
    files = {"encoder": folder / "encoder.pte"}
    lower_to_xnnpack(capture(encoder), encoder.spec).write(files["encoder"])
    inputs: dict[str, tuple[Tensor, ...]] = {"encoder": encoder.example_inputs()}
    for layer in layers:
        for form, path in lower_forms(layer, folder).items():
            files[f"{form} {layer}"], inputs[f"{form} {layer}"] = path, _inputs(layer)
    rows = []
    for count in threads:
        samples = {name: np.asarray(taken) for name, taken in _time(files, inputs, count, runs).items()}
        gather = np.sum([samples[f"gather {layer}"] for layer in layers], axis=0)
        for form in FORMS:
            three = np.sum([samples[f"{form} {layer}"] for layer in layers], axis=0)
            # the file holds gathers; in its place stand the three layers of this form
            share = float(np.median(three / (samples["encoder"] - gather + three)))
            row = {"encoder": ENCODER, "size": 512, "form": form, "threads": count, "share_of_encoder": share}
            rows.append(
                {**row, "layers_ms": float(np.median(three)), "encoder_ms": float(np.median(samples["encoder"]))}
            )
    return rows


def _time(
    files: Mapping[str, Path], inputs: Mapping[str, tuple[Tensor, ...]], threads: int, runs: int
) -> dict[str, list[float]]:
    set_threads(threads)  # before the files are loaded: they keep the pool they were loaded with
    arrays = {name: [value.numpy() for value in values] for name, values in inputs.items()}
    actions = {name: partial(execute, load_method(path), arrays[name]) for name, path in files.items()}
    return time_interleaved(actions, runs=runs, warmup=3)


def _inputs(layer: Layer) -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(1)
    shapes = (layer.in_width, 2 * NUM_TAPS, NUM_TAPS)
    x, offsets, modulation = (torch.rand(1, n, layer.side, layer.side, generator=generator) for n in shapes)
    return x, 2 * offsets - 1, modulation


def _border(shapes: Sequence[tuple[int, ...]]) -> GraphSpec:
    inputs = tuple(TensorSpec(name=f"input{i}", shape=shape, meaning="") for i, shape in enumerate(shapes))
    return GraphSpec(graph=Graph.ENCODER, inputs=inputs, outputs=())


def _print(rows: list[dict[str, Any]], shares: list[dict[str, Any]]) -> None:
    shown = table(f"deformable layers, {HOST_NOTE}", "layer", "<form", "threads", "ms", "/ conv", "/ im2col", COLUMN)
    for row in rows:
        figures = (f"{row['ms']['p50']:.2f}", f"{row['over_conv']['p50']:.2f}", *ratio_cells(row["over_im2col"]))
        shown.add_row(row["layer"], row["form"], str(row["threads"]), *figures)
    print_table(shown)
    if shares:
        shown = table(f"three layers of {ENCODER} at 512", "form", "threads", "layers ms", "share of the encoder")
        for row in shares:
            shown.add_row(row["form"], str(row["threads"]), f"{row['layers_ms']:.2f}", f"{row['share_of_encoder']:.1%}")
        print_table(shown)


if __name__ == "__main__":
    main()
