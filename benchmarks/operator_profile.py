"""Where the time of a graph goes: the graph is cut after more and more of its operators, and all cuts are timed.

python -m benchmarks.operator_profile MODEL GRAPH [--size 512] [--slots 16] [--runs 15] [--top 25] [--cuts 24]
                                      [--skip REWRITE ...] [--output FILE]

The wheels of ExecuTorch write no profile. Each cut is a .pte file of the first operators, which hands out one value of
each tensor that nothing in it reads; an operator costs what its cut takes longer than the one before, in one
interleaved run. Operators on few values are put to the next one; where more cuts are wanted than --cuts, neighbours
share one. Host figures of one thread: they say nothing about a phone.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor
from torch.export import ExportedProgram
from torch.fx import Graph as FxGraph
from torch.fx import GraphModule, Node
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.graph_files import load_model
from rmpsam_mobile.bench import HOST_NOTE, time_interleaved
from rmpsam_mobile.bench.machine import describe_machine
from rmpsam_mobile.cli.console import print_table, table
from rmpsam_mobile.contracts import Graph, GraphSizes, GraphSpec, Size, Target
from rmpsam_mobile.export.capture import capture
from rmpsam_mobile.export.lower.xnnpack import lower_to_xnnpack
from rmpsam_mobile.export.rewrites import apply_program_rewrites, apply_rewrites, rewrite_names
from rmpsam_mobile.export.split import split
from rmpsam_mobile.quiet import muted_warnings
from rmpsam_mobile.runtime.eager import sizes_of
from rmpsam_mobile.runtime.pte import execute, load_method, set_threads

aten = torch.ops.aten
FREE: Final = (aten.view.default, aten._assert_tensor_metadata.default)
SMALL: Final = 4096  # values of the largest tensor below which an operator gets no cut of its own


@dataclass(frozen=True)
class Step:
    """What one cut has more than the one before.

    Attributes:
        label: kind, inputs and output of its dearest operator.
        ms: that it takes longer.
        multiply_adds: of all its operators.
        operators: how many.
    """

    label: str
    ms: float
    multiply_adds: int
    operators: int


def main(arguments: Sequence[str] | None = None) -> None:
    """Profile one graph, print its dearest operators, and store all where a file is named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("graph", type=Graph, choices=list(Graph))
    parser.add_argument("--size", type=Size.parse, default="512")
    parser.add_argument("--slots", type=int, default=16)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--top", type=int, default=25)
    parser.add_argument("--cuts", type=int, default=24)
    parser.add_argument("--skip", nargs="*", default=[], help="rewrites to leave out")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args(arguments)
    sizes = GraphSizes(size=options.size, num_slots=options.slots)
    program, inputs = rewritten_program(options.model, options.graph, sizes, options.skip)
    with tempfile.TemporaryDirectory() as folder:
        steps = profile(program, inputs, runs=options.runs, cuts=options.cuts, folder=Path(folder))
    graph = f"prompts of {options.slots}" if options.graph is Graph.PROMPTS else options.graph
    what = f"{options.model} {graph} at {options.size}"
    if options.output is not None:
        document = {"what": what, "skipped": options.skip, "note": HOST_NOTE, "machine": describe_machine()}
        document["steps"] = [asdict(step) for step in steps]
        options.output.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    show(f"{what}, one thread, {HOST_NOTE}", steps, options.top)


def rewritten_program(
    model: str, graph: Graph, sizes: GraphSizes, skip: Sequence[str] = ()
) -> tuple[ExportedProgram, tuple[Tensor, ...]]:
    """A graph as ``export`` hands it to XNNPACK, of shipped weights or, for other presets, seeded ones."""
    network = load_model(model)
    parts, names = split(network, sizes_of(network, sizes)), rewrite_names(Target.XNNPACK, skip=skip)
    apply_rewrites(parts, names)
    program, _ = apply_program_rewrites(capture(parts.parts[graph]), names)
    return program, parts.parts[graph].example_inputs()


def profile(program: ExportedProgram, inputs: tuple[Tensor, ...], *, runs: int, cuts: int, folder: Path) -> list[Step]:
    """Time all cuts in turn; the first step is what reading the inputs costs."""
    module = program.module()
    assert isinstance(module, GraphModule)
    groups = _groups([node for node in module.graph.nodes if _computes(node)], cuts)
    set_threads(1)
    actions, done = {}, set[Node]()
    for number, group in enumerate([[], *groups]):
        done |= set(group)
        path = folder / f"{number}.pte"
        with muted_warnings(), torch.no_grad():
            cut = torch.export.export(_cut(module, done), inputs, strict=False)
        lower_to_xnnpack(cut, GraphSpec(graph=Graph.ENCODER, inputs=(), outputs=())).write(path)
        actions[str(number)] = partial(execute, load_method(path), [value.numpy() for value in inputs])
    medians = [float(np.median(taken)) for taken in time_interleaved(actions, runs=runs, warmup=2).values()]
    counts = _multiply_adds(module, inputs)
    steps = [Step("inputs", medians[0], 0, 0)]
    for group, (before, after) in zip(groups, pairwise(medians), strict=True):
        macs = sum(counts.get(node.name, 0) for node in group)
        dearest = max(group, key=lambda node: (counts.get(node.name, 0), node.meta["val"].numel()))
        steps.append(Step(_label(dearest), after - before, macs, len(group)))
    return steps


def _computes(node: Node) -> bool:
    return node.op == "call_function" and isinstance(node.meta.get("val"), Tensor) and node.target not in FREE


def _values(node: Node) -> list[Node]:
    return [value for value in node.all_input_nodes if isinstance(value.meta.get("val"), Tensor)]


def _groups(nodes: Sequence[Node], cuts: int) -> list[list[Node]]:
    """Neighbours that are cut off together: those on few values go with the next, and no more than ``cuts`` groups."""
    groups: list[list[Node]] = [[]]
    for node in nodes:
        groups[-1].append(node)
        if max(value.meta["val"].numel() for value in (node, *_values(node))) >= SMALL:
            groups.append([])
    groups = [group for group in groups if group]
    bounds = np.linspace(0, len(groups), min(cuts, len(groups)) + 1).astype(int)
    return [[node for group in groups[low:high] for node in group] for low, high in pairwise(bounds)]


def _cut(module: GraphModule, done: set[Node]) -> GraphModule:
    """The module up to some nodes, with one value of each input and of each tensor that no other of them reads."""
    graph, copies = FxGraph(), dict[Node, Node]()
    for node in module.graph.nodes:
        is_in = node.op in ("placeholder", "get_attr") or node in done or node.target is aten.view.default
        if is_in and all(source in copies for source in node.all_input_nodes):
            copies[node] = graph.node_copy(node, copies.__getitem__)
            copies[node].meta = {}  # which holds where it comes from, and all that has come before
    ends = [node for node in copies if node.op != "get_attr" and not any(user in copies for user in node.users)]
    graph.output(tuple(_glance(graph, copies[node], node.meta["val"].shape) for node in ends))
    graph.eliminate_dead_code()
    return GraphModule(module, graph)


def _glance(graph: FxGraph, value: Node, shape: Sequence[int]) -> Node:
    """The first number of a tensor, so that none is copied out; slicing an axis of 1 would copy all."""
    for axis, extent in enumerate(shape):
        if extent > 1:
            value = graph.call_function(aten.slice.Tensor, (value, axis, 0, 1))
    return value


def _multiply_adds(module: GraphModule, inputs: Sequence[Tensor]) -> dict[str, int]:
    """Of each node, by name."""
    counts: dict[str, int] = {}

    class Counting(torch.fx.Interpreter):
        def run_node(self, n: Node) -> Any:
            with FlopCounterMode(display=False) as counter:
                result = super().run_node(n)
            counts[n.name] = counter.get_total_flops() // 2
            return result

    plain = FxGraph()
    plain.output(plain.graph_copy(module.graph, {}))
    with torch.no_grad():
        Counting(GraphModule(module, plain)).run(*inputs)
    return counts


def _label(node: Node) -> str:
    """Kind, what goes in, and what comes out."""
    shapes = [*_values(node), node]
    *sources, out = ["x".join(map(str, value.meta["val"].shape)) for value in shapes]
    return f"{str(node.target).split('.')[1]} {' '.join(sources)} -> {out}"


def show(title: str, steps: Sequence[Step], top: int) -> None:
    """Steps of one label together, the dearest first."""
    together: dict[str, list[Step]] = {}
    for step in steps:
        together.setdefault(step.label, []).append(step)
    rows = sorted(together.items(), key=lambda item: -sum(step.ms for step in item[1]))
    total = sum(step.ms for step in steps)
    shown = table(title, "<operator, with the small ones before it", "n", "ms", "share", "GMAC/s")
    for label, alike in rows[:top]:
        ms, macs = sum(step.ms for step in alike), sum(step.multiply_adds for step in alike)
        speed = f"{macs / ms / 1e6:.1f}" if macs and ms > 0 else ""
        shown.add_row(label, str(len(alike)), f"{ms:.2f}", f"{ms / total:.1%}", speed)
    rest = [step for _, alike in rows[top:] for step in alike]
    shown.add_row("all others", str(len(rest)), f"{sum(step.ms for step in rest):.2f}")
    shown.add_row("the whole file", "", f"{total:.2f}")
    print_table(shown)


if __name__ == "__main__":
    main()
