"""Quantization of one captured graph: observers in, observers out, quantized graph (torchao PT2E)."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor
from torch.export import ExportedProgram
from torch.fx import GraphModule

from rmpsam_mobile.errors import ExportError, MissingExtraError
from rmpsam_mobile.quantization.recipes import QuantRecipe
from rmpsam_mobile.quiet import muted_imports


def prepare(program: ExportedProgram, recipe: QuantRecipe) -> GraphModule:
    """Insert observers where XNNPACK can run in 8 bit; run real inputs through the result, then ``convert`` it.

    Raises:
        MissingExtraError: torchao or executorch is not installed.
    """
    try:
        with muted_imports():
            from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
                XNNPACKQuantizer,
                get_symmetric_quantization_config,
            )
            from torchao.quantization.pt2e.quantize_pt2e import prepare_pt2e
    except ImportError:
        raise MissingExtraError(
            "quantizing needs torchao and executorch; install: pip install torchao==0.18.0"
        ) from None
    quantizer = XNNPACKQuantizer()
    quantizer.set_global(get_symmetric_quantization_config(is_per_channel=recipe.is_per_channel, is_dynamic=False))
    prepared: GraphModule = prepare_pt2e(program.module(), quantizer)
    return prepared


def convert(prepared: GraphModule) -> GraphModule:
    """Turn observed ranges into quantize and dequantize operators with fixed scales."""
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e

    converted: GraphModule = convert_pt2e(prepared)
    return converted


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
