"""What the operators cost that a gathered deformable convolution leaves to portable kernels: share of the encoder.

python -m benchmarks.gather_leftovers [--models NAME ...] [--size 512] [--runs 15] [--output FILE]

Each such operator becomes a .pte file of its own; all of them and the whole encoder are timed in turn, one thread. Host
figures: they say nothing about a phone.
"""

import argparse
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.fx import Node, map_arg

from benchmarks.operator_profile import rewritten_program
from benchmarks.reports import store_report
from rmpsam_mobile.bench import HOST_NOTE, time_interleaved
from rmpsam_mobile.cli.console import print_table, table
from rmpsam_mobile.contracts import Graph, GraphSizes, GraphSpec, Size
from rmpsam_mobile.export.lower.xnnpack import lower_to_xnnpack
from rmpsam_mobile.runtime.pte import load_method, set_threads

RESULT: Final = Path(__file__).parent / "results" / "gather_leftovers.json"
MODELS: Final = ("rmpsam-seaformer-base", "rmpsam-r50")
GATHER: Final = torch.ops.aten.index_select.default
SPEC: Final = GraphSpec(graph=Graph.ENCODER, inputs=(), outputs=())


class Alone(nn.Module):
    """One operator of a captured program, whose tensors come as inputs."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        self.node = node

    def forward(self, *tensors: Tensor) -> Tensor:
        """The tensors in the order of ``node.all_input_nodes``."""
        given = dict(zip(self.node.all_input_nodes, tensors, strict=True))
        args: Any = map_arg(self.node.args, given.__getitem__)
        kwargs: Any = map_arg(self.node.kwargs, given.__getitem__)
        out: Tensor = self.node.target(*args, **kwargs)  # type: ignore[operator]
        return out


def main() -> None:
    """Measure all models, store and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=list(MODELS))
    parser.add_argument("--size", type=Size.parse, default="512")
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--output", type=Path, default=RESULT)
    options = parser.parse_args()
    rows = [row for model in options.models for row in measure(model, options.size, options.runs)]
    store_report(options.output, f"python -m benchmarks.gather_leftovers --runs {options.runs}", rows=rows)
    show(rows)


def measure(model: str, size: Size, runs: int) -> list[dict[str, Any]]:
    """Milliseconds of each kind of operator that is left, all of its places together, and its share of the encoder."""
    program, inputs = rewritten_program(model, Graph.ENCODER, GraphSizes(size=size))
    set_threads(1)  # before the files are loaded: they keep the pool they were loaded with
    actions: dict[str, Callable[[], object]] = {}
    kinds: dict[str, list[str]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        actions["encoder"] = _action(program, inputs, Path(folder, "encoder.pte"))
        for node in leftovers(program.graph.nodes):
            values = tuple(_example(node, read) for read in node.all_input_nodes)
            alone = torch.export.export(Alone(node), values, strict=False)
            actions[node.name] = _action(alone, values, Path(folder, f"{node.name}.pte"))
            kinds[str(node.target)].append(node.name)
        samples = {name: np.asarray(taken) for name, taken in time_interleaved(actions, runs=runs, warmup=2).items()}
    return [_row(model, kind, names, samples) for kind, names in kinds.items()]


def leftovers(nodes: Sequence[Node]) -> Iterator[Node]:
    """Operators that XNNPACK does not take: gathers, and all that makes or changes whole numbers."""
    for node in nodes:
        if node.op != "call_function" or not isinstance(node.meta.get("val"), Tensor):
            continue
        if node.target is GATHER or node.meta["val"].dtype is torch.int64:
            yield node


def _action(program: torch.export.ExportedProgram, inputs: Sequence[Tensor], path: Path) -> Callable[[], object]:
    lower_to_xnnpack(program, SPEC).write(path)
    return partial(load_method(path).execute, list(inputs))


def _example(node: Node, read: Node) -> Tensor:
    """Numbers, and for rows to be gathered their places in order, as neighbouring pixels ask for them."""
    value: Tensor = read.meta["val"]
    if value.dtype is not torch.int64:
        return torch.rand(tuple(value.shape))
    rows = node.args[0].meta["val"].shape[0] if node.target is GATHER else 9  # type: ignore[union-attr]
    return (torch.arange(value.numel()) * rows // value.numel()).reshape(tuple(value.shape))


def _row(model: str, kind: str, names: Sequence[str], samples: Mapping[str, np.ndarray]) -> dict[str, Any]:
    together = np.sum([samples[name] for name in names], axis=0)
    share = float(np.median(together / samples["encoder"]))
    ms = {"ms": float(np.median(together)), "encoder_ms": float(np.median(samples["encoder"]))}
    return {"model": model, "operator": kind, "count": len(names), **ms, "share_of_encoder": share}


def show(rows: Sequence[Mapping[str, Any]]) -> None:
    """One line a kind of operator."""
    out = table(f"left to portable kernels, {HOST_NOTE}", "<model", "<operator", "places", "ms", "of the encoder")
    for row in rows:
        share = f"{row['share_of_encoder']:.1%}"
        out.add_row(row["model"], row["operator"], str(row["count"]), f"{row['ms']:.2f}", share)
    print_table(out)


if __name__ == "__main__":
    main()
