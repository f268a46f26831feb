"""Quantization of one captured graph: observers in, observers out, quantized graph (torchao PT2E)."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.export import ExportedProgram
from torch.fx import GraphModule, Node

from rmpsam_mobile.errors import ExportError, MissingExtraError, UnsupportedError
from rmpsam_mobile.quantization.coverage import LEFT
from rmpsam_mobile.quantization.float_nodes import float_nodes
from rmpsam_mobile.quantization.observers import quantization_config
from rmpsam_mobile.quantization.recipes import QuantRecipe
from rmpsam_mobile.quiet import muted_start


def prepare(program: ExportedProgram, recipe: QuantRecipe) -> GraphModule:
    """Insert observers where XNNPACK can run in 8 bit; run real inputs through the result, then ``convert`` it.

    Raises:
        MissingExtraError: torchao or executorch is not installed.
        InputError: the recipe names a layer that is not there.
        UnsupportedError: a recipe of casts, which has nothing to observe.
    """
    if not recipe.is_calibrated:
        raise UnsupportedError(
            f"recipe {recipe.name} observes nothing; export the model itself with --target coreml-package"
        )
    try:
        with muted_start():
            from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import XNNPACKQuantizer
            from torchao.quantization.pt2e.quantize_pt2e import prepare_pt2e
    except ImportError:
        raise MissingExtraError(
            "quantizing needs torchao and executorch; install: pip install torchao==0.18.0"
        ) from None

    class Quantizer(XNNPACKQuantizer):  # type: ignore[misc]
        """XNNPACK's own, but for what stays in float, and with pads and slices that stay in 8 bit."""

        # norms are folded already, and looking for them takes most of the time
        SUPPORTED_PATTERNS = [pattern for pattern in XNNPACKQuantizer.SUPPORTED_PATTERNS if not pattern.is_qat]

        def annotate(self, model: GraphModule) -> GraphModule:
            _leave(model, left)  # by marks: its filter does not reach joins and what only passes a scale on
            annotated: GraphModule = super().annotate(model)
            _annotate_selections(annotated)
            return annotated

    module: GraphModule = program.module()
    _keep_integers(module)
    left = float_nodes(module, recipe)
    quantizer = Quantizer()
    quantizer.set_global(quantization_config(recipe))
    prepared: GraphModule = prepare_pt2e(module, quantizer)
    return prepared


def _leave(module: GraphModule, reasons: Mapping[str, str]) -> None:
    """Mark nodes as done without a scale, so that no pattern takes them and no neighbour's scale is passed on."""
    from torchao.quantization.pt2e.quantizer import QuantizationAnnotation

    for node in module.graph.nodes:
        if node.name in reasons:
            node.meta["quantization_annotation"] = QuantizationAnnotation(_annotated=True)
            node.meta[LEFT] = reasons[node.name]


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
    for node in converted.graph.nodes:
        node.meta.pop("from_node", None)  # its history, which every later pass would copy
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
            load_observer(module, {name.rpartition(".")[2]: left.pop(name) for name in own}, f"{where}: {path}")
    if left:
        raise ExportError(
            f"{where}: no place for {len(left)} stored observers, first {next(iter(left))}; quantize again"
        )


def load_observer(observer: Any, state: Mapping[str, Tensor], where: str) -> None:
    """Give one observer a stored state.

    Raises:
        ExportError: it keeps other things.
    """
    if observer.state_dict().keys() != state.keys():
        raise ExportError(f"{where}: stored {sorted(state)}, wanted {sorted(observer.state_dict())}; quantize again")
    for name, value in state.items():
        # by attribute: range buffers start empty and would refuse another shape
        setattr(observer, name, value.clone())
