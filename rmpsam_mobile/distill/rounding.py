"""Training with rounding: convolutions and linear layers compute as 8-bit ones will, gradients pass straight through.

Fake quantization (Jacob et al., arXiv 1712.05877). Ours keeps no state: weights are scaled by their own largest values,
activations by those of the batch at hand, so nothing has to be stored, and the checkpoint is an ordinary float one. A
norm behind a convolution scales whole output channels, which commutes with one scale a channel: no norm is folded.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

ACTIVATIONS: Final = (-128, 127)
WEIGHTS: Final = (-127, 127)
SMALLEST: Final = 2.0**-12  # scale, as XNNPACK's quantizer has it

# layer -> axis of its weight that holds output channels
_LAYERS: Final[dict[Callable[..., Any], int]] = {F.conv2d: 0, F.linear: 0, F.conv_transpose2d: 1}


class Rounding(TorchFunctionMode):
    """Inside of this context, inputs and weights of layers with float weights are rounded to 8 bit."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Round what a layer reads; leave all else."""
        if func not in _LAYERS:
            return func(*args, **(kwargs or {}))
        x, weight, *others = args
        return func(rounded_values(x), rounded_weight(weight, _LAYERS[func]), *others, **(kwargs or {}))


def rounded_values(x: Tensor) -> Tensor:
    """Of any shape, to 256 steps between its smallest and largest value; zero is one of them."""
    low, high = (edge.detach() for edge in torch.aminmax(x))
    low, high = low.clamp(max=0), high.clamp(min=0)
    scale = ((high - low) / (ACTIVATIONS[1] - ACTIVATIONS[0])).clamp(min=SMALLEST)
    zero = (ACTIVATIONS[0] - (low / scale).round()).clamp(*ACTIVATIONS).to(torch.int32)
    return torch.fake_quantize_per_tensor_affine(x, scale, zero, *ACTIVATIONS)


def rounded_weight(weight: Tensor, axis: int) -> Tensor:
    """To 255 steps around zero, one scale for each channel along ``axis``."""
    others = [place for place in range(weight.ndim) if place != axis]
    scale = (weight.detach().abs().amax(others) / WEIGHTS[1]).clamp(min=SMALLEST)
    zero = torch.zeros(len(scale), dtype=torch.int32, device=weight.device)
    return torch.fake_quantize_per_channel_affine(weight, scale, zero, axis, *WEIGHTS)
