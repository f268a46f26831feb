"""What a graph costs as it stands, whole and by layer: its operators, multiply-adds, and the weights that it reads."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.export import ExportedProgram
from torch.fx import Node
from torch.utils.flop_counter import FlopCounterMode


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Of a graph or of one of its layers: counts of operators and multiply-adds, bytes of the weights that are read."""

    operators: int = 0
    multiply_adds: int = 0
    weight_bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class GraphCost:
    """A graph's cost and what it is made of.

    ``operators`` counts ATen operators by name as they were captured. ``layers`` holds the cost of each module path,
    with all that lies below it.
    """

    total: Cost
    operators: Mapping[str, int]
    layers: Mapping[str, Cost] = field(default_factory=dict)


def run_counted(
    run: Callable[..., Tensor | tuple[Tensor, ...]], inputs: Sequence[Tensor]
) -> tuple[tuple[Tensor, ...], dict[str, int]]:
    """Outputs, and multiply-adds by module path; the whole is under the empty path.

    Args:
        run: a module, or a captured program's, which knows no layers.
        inputs: as it takes them.
    """
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        outputs = run(*inputs)
    counts = {name: sum(flops.values()) // 2 for name, flops in counter.get_flop_counts().items()}
    prefix = f"{type(run).__name__}."
    layers = {name.removeprefix(prefix): macs for name, macs in counts.items() if name.startswith(prefix)}
    return outputs if isinstance(outputs, tuple) else (outputs,), layers | {"": counts.get("Global", 0)}


def cost_of_program(
    program: ExportedProgram, multiply_adds: Mapping[str, int], layers: Sequence[str] = ()
) -> GraphCost:
    """Count a captured program.

    Args:
        program: as captured, or rewritten after that.
        multiply_adds: by module path, of ``run_counted``.
        layers: the module paths of interest.
    """
    nodes = [node for node in program.graph.nodes if _is_operator(node)]
    weights = dict(_weights(program))

    def cost(path: str) -> Cost:
        return Cost(
            operators=sum(_lies_below(node, path) for node in nodes),
            multiply_adds=multiply_adds.get(path, 0),
            weight_bytes=sum(size for name, size in weights.items() if _is_below(name, path)),
        )

    return GraphCost(
        total=cost(""),
        operators=Counter(str(node.target) for node in nodes),
        layers={path: cost(path) for path in layers},
    )


def module_kinds(module: nn.Module) -> dict[str, str]:
    """The class name of every module by path."""
    return {path: type(layer).__name__ for path, layer in module.named_modules()}


def _is_operator(node: Node) -> bool:
    """Whether a node computes; checks that torch has captured along do not."""
    is_aten = node.op == "call_function" and isinstance(node.target, torch._ops.OpOverload)
    return is_aten and not str(node.target).startswith("aten._assert")


def _lies_below(node: Node, path: str) -> bool:
    """Whether a node was captured inside the module of that path."""
    return not path or any(entry[0] == path for entry in node.meta.get("nn_module_stack", {}).values())


def _is_below(name: str, path: str) -> bool:
    return not path or name.startswith(f"{path}.")


def _weights(program: ExportedProgram) -> Iterator[tuple[str, int]]:
    """Name and bytes of each stored tensor that some operator reads; capturing has merged shared ones."""
    readers = {node.name: bool(node.users) for node in program.graph.nodes if node.op == "placeholder"}
    for spec in program.graph_signature.input_specs:
        value = program.state_dict.get(spec.target or "", program.constants.get(spec.target or ""))
        if isinstance(value, Tensor) and readers.get(spec.arg.name):
            yield str(spec.target), value.numel() * value.element_size()
