"""What one calibration saw, by node, for graphs that keep other layers in float: candidates need none of their own."""

from collections.abc import Mapping

from torch import Tensor
from torch.fx import GraphModule

from rmpsam_mobile.errors import ExportError
from rmpsam_mobile.quantization.apply import load_observer

States = Mapping[str, Mapping[str, Tensor]]


def observed_nodes(prepared: GraphModule) -> dict[str, list[str]]:
    """Names of the nodes that each observer looks at; observers that are shared look at several."""
    first = {id(module): name for name, module in prepared.named_modules()}  # each once, under its first name
    found: dict[str, list[str]] = {}
    for node in prepared.graph.nodes:
        if node.op == "call_module" and "activation_post_process" in str(node.target):
            name = first[id(prepared.get_submodule(str(node.target)))]
            found.setdefault(name, []).append(node.args[0].name)
    return found


def states_by_node(prepared: GraphModule) -> dict[str, dict[str, Tensor]]:
    """State of the observer of each observed node."""
    return {
        node: {key: value.detach().clone() for key, value in prepared.get_submodule(path).state_dict().items()}
        for path, nodes in observed_nodes(prepared).items()
        for node in nodes
    }


def transfer_states(prepared: GraphModule, states: States, where: str) -> None:
    """Give the observers of a graph with more layers in float what those of the whole one saw.

    Raises:
        ExportError: nobody looked at any node of an observer.
    """
    for path, nodes in observed_nodes(prepared).items():
        known = [node for node in nodes if node in states]
        if not known:
            raise ExportError(f"{where}: nothing was observed at {', '.join(nodes)}; calibrate the whole graph again")
        load_observer(prepared.get_submodule(path), states[known[0]], f"{where}: {path}")
