"""Quantization of one captured graph: observers in, observers out, quantized graph (torchao PT2E)."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.export import ExportedProgram
from torch.fx import GraphModule, Node

from rmpsam_mobile.errors import ExportError, MissingExtraError
from rmpsam_mobile.quantization.recipes import QuantRecipe
from rmpsam_mobile.quiet import muted_start


def prepare(program: ExportedProgram, recipe: QuantRecipe) -> GraphModule:
    """Insert observers where XNNPACK can run in 8 bit; run real inputs through the result, then ``convert`` it.

    Raises:
        MissingExtraError: torchao or executorch is not installed.
    """
    try:
        with muted_start():
            from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
                XNNPACKQuantizer,
                get_symmetric_quantization_config,
            )
            from torchao.quantization.pt2e.quantize_pt2e import prepare_pt2e
    except ImportError:
        raise MissingExtraError(
            "quantizing needs torchao and executorch; install: pip install torchao==0.18.0"
        ) from None

    class Quantizer(XNNPACKQuantizer):  # type: ignore[misc]
        """XNNPACK's own, and pads and slices that stay in 8 bit."""

        def annotate(self, model: GraphModule) -> GraphModule:
            annotated: GraphModule = super().annotate(model)
            _annotate_selections(annotated)
            return annotated

    module: GraphModule = program.module()
    _keep_integers(module)
    positions = position_nodes(module)
    quantizer = Quantizer()
    quantizer.set_global(get_symmetric_quantization_config(is_per_channel=recipe.is_per_channel, is_dynamic=False))
    quantizer.set_filter_function(lambda node: node.name not in positions)
    prepared: GraphModule = prepare_pt2e(module, quantizer)
    return prepared


def position_nodes(module: GraphModule) -> frozenset[str]:
    """Names of the nodes that compute where a deformable convolution reads, back to and with that of the offsets.

    They stay in float: a row number times a width, rounded to 8 bit, reads another row; so do the weights of bounded
    samples, which are 1 - |distance|, and their windows: slices of joined slices would get two scales each, and
    executorch 1.4 writes a file of them that does not load. And XNNPACK cannot run what lies between an 8-bit
    convolution and them ("Propagating input shapes failed"). The merged classifier stays: it divides by a sum of
    squares.
    """
    calls = [node for node in module.graph.nodes if node.op == "call_function"]
    waiting = [node.args[2] for node in calls if node.target is torch.ops.aten.index_select.default]
    waiting += [
        node.args[0]
        for node in calls
        if node.target is torch.ops.aten.bmm.default and _within(node, "BoundedDeformConv")
    ]
    found: dict[Node, None] = {node: None for node in calls if _within(node, "MergedClassifier")}
    while waiting:
        node = waiting.pop()
        if isinstance(node, Node) and node not in found:
            found[node] = None
            waiting += [] if _has_weight(node) else node.all_input_nodes
    found |= dict.fromkeys(node for node in calls if _within(node, "BoundedDeformConv") and not _has_weight(node))
    return frozenset(node.name for node in found)


def _within(node: Node, module: str) -> bool:
    """Whether a module of that class computes the node."""
    return any(str(kind).endswith(module) for _, kind in node.meta.get("nn_module_stack", {}).values())


def _has_weight(node: Node) -> bool:
    return any(word in str(node.target) for word in ("conv", "linear"))


def _annotate_selections(module: GraphModule) -> None:
    """Give pads and slices the scale of what they read, which is exact.

    XNNPACK runs them in 8 bit with one scale. Left alone they get another scale behind them, or none at all, and
    executorch 1.4 writes a file that does not load.
    """
    from torchao.quantization.pt2e.quantizer import QuantizationAnnotation, SharedQuantizationSpec

    selections, key = (torch.ops.aten.pad.default, torch.ops.aten.slice.Tensor), "quantization_annotation"
    for node in module.graph.nodes:
        if node.op != "call_function" or node.target not in selections:
            continue
        source = node.args[0]
        if key in source.meta and source.meta[key].output_qspec is not None:
            same = SharedQuantizationSpec(source)
            node.meta[key] = QuantizationAnnotation(input_qspec_map={source: same}, output_qspec=same, _annotated=True)


def _keep_integers(module: GraphModule) -> None:
    """Spell additions of whole numbers to indices as such: the quantizer turns what is not into float tensors."""
    for node in module.graph.nodes:
        is_sum = node.op == "call_function" and node.target is torch.ops.aten.add.Tensor
        if is_sum and not node.meta["val"].is_floating_point() and not isinstance(node.args[1], Node):
            node.target = torch.ops.aten.add.Scalar


def convert(prepared: GraphModule) -> GraphModule:
    """Turn observed ranges into quantize and dequantize operators with fixed scales."""
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e

    converted: GraphModule = convert_pt2e(prepared)
    _separate_readers(converted)
    return converted


def _separate_readers(module: GraphModule) -> None:
    """Give each reader of a dequantized tensor a dequantize operator of its own, which is exact.

    torchao lets float readers share one. XNNPACK's layout pass (executorch 1.4, ``insert_copy_q_dq``) transposes it
    for the reader that wants channels first, among them whatever lies outside the delegate, and hands the transposed
    tensor to all: an average pooling that wants channels last then pools the wrong axes. Where sizes happen to fit
    it does so in silence, elsewhere the file fails at its first run ("Propagating input shapes failed").
    """
    dequantize = torch.ops.quantized_decomposed.dequantize_per_tensor.default
    shared = [node for node in module.graph.nodes if node.op == "call_function" and node.target is dequantize]
    others = [(node, reader) for node in shared for reader in list(node.users)[1:]]
    for node, reader in others:
        with module.graph.inserting_after(node):
            reader.replace_input_with(node, module.graph.node_copy(node))
    module.recompile()


def observers(prepared: GraphModule) -> dict[str, Tensor]:
    """State of all observers by name: what calibration found out, and all of it."""
    from torchao.quantization.pt2e import ObserverBase

    return {
        f"{path}.{name}": value.detach().clone()
        for path, module in prepared.named_modules()
        if isinstance(module, ObserverBase)
        for name, value in module.state_dict().items()
    }


def restore_observers(prepared: GraphModule, stored: Mapping[str, Tensor], where: str) -> None:
    """Give a freshly prepared graph the state that ``observers`` returned.

    Raises:
        ExportError: the graph has other observers, so it was prepared from another model or by another version.
    """
    from torchao.quantization.pt2e import ObserverBase

    left = dict(stored)
    for path, module in prepared.named_modules():
        if isinstance(module, ObserverBase):
            own = [name for name in stored if name.rpartition(".")[0] == path]
            _load(module, {name.rpartition(".")[2]: left.pop(name) for name in own}, f"{where}: {path}")
    if left:
        raise ExportError(
            f"{where}: no place for {len(left)} stored observers, first {next(iter(left))}; quantize again"
        )


def _load(observer: Any, state: Mapping[str, Tensor], where: str) -> None:
    if observer.state_dict().keys() != state.keys():
        raise ExportError(f"{where}: stored {sorted(state)}, wanted {sorted(observer.state_dict())}; quantize again")
    for name, value in state.items():
        # by attribute: range buffers start empty and would refuse another shape
        setattr(observer, name, value.clone())
