"""What the modules of a graph put out, thinned out, so that two versions of the graph compare layer by layer."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

from torch import Tensor, nn

MAX_VALUES: Final = 4096  # kept of an output

LayerOutputs = Mapping[str, Tensor]  # by module path, flat; the whole graph under the empty path


@contextmanager
def watched(module: nn.Module) -> Iterator[LayerOutputs]:
    """Keep up to ``MAX_VALUES`` numbers of the last output of each submodule that puts out one tensor."""
    kept: dict[str, Tensor] = {}
    hooks = [part.register_forward_hook(partial(_keep, kept, path)) for path, part in module.named_modules()]
    try:
        yield kept
    finally:
        for hook in hooks:
            hook.remove()


def nearest_holder(path: str, before: LayerOutputs, after: LayerOutputs) -> str | None:
    """The innermost module around ``path`` that puts out a tensor of one size in both versions; None: no module.

    A rewrite may move a factor from one layer to its neighbour, so a layer's own output says nothing of an error.
    """
    while path:
        path = path.rpartition(".")[0]
        if path in before and path in after and before[path].shape == after[path].shape:
            return path
    return None


def _keep(kept: dict[str, Tensor], path: str, module: nn.Module, inputs: Any, output: Any) -> None:
    del module, inputs
    if isinstance(output, Tensor):
        flat = output.detach().reshape(-1)
        stride = -(-flat.numel() // MAX_VALUES)
        kept[path] = flat[:: stride + (stride % 2 == 0)].clone()  # odd, so as not to keep step with a row
