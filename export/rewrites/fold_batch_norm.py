"""Fold batch norms into the convolution before them.

before:  x -> conv(W, b) -> (y - mean) * gamma / sqrt(var + eps) + beta
after:   x -> conv(W * s, (b - mean) * s + beta),  s = gamma / sqrt(var + eps), per output channel

Plain, depthwise, transposed and deformable convolutions alike. Folded in float64, so that one rounding is left.
"""

from itertools import pairwise

from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from rmpsam_mobile.export.split import SplitModel
from rmpsam_mobile.model.deform import DeformConv

_Convolution = nn.Conv2d | nn.ConvTranspose2d | DeformConv


def fold_batch_norm(split: SplitModel) -> list[str]:
    """Fold wherever a norm follows a convolution among the children of one module, in the order of definition."""
    changed = []
    for graph, part in split.parts.items():
        for path, parent in list(part.module.named_modules()):
            changed += [".".join(filter(None, (graph, path, name))) for name in _fold_children(parent)]
    return changed


def _fold_children(parent: nn.Module) -> list[str]:
    """Fold the norms among one module's children; return the convolutions that took one."""
    names = []
    for (name, child), (norm_name, norm) in pairwise(list(parent.named_children())):
        if isinstance(child, _Convolution) and isinstance(norm, nn.BatchNorm2d):
            _fold(child, norm)
            setattr(parent, norm_name, nn.Identity())
            names.append(name)
    return names


def _fold(conv: _Convolution, norm: nn.BatchNorm2d) -> None:
    """Put the norm into the convolution's weight and bias."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    dtype = conv.weight.dtype
    bias = conv.bias.double() if isinstance(conv.bias, Tensor) else None
    weight, folded_bias = fuse_conv_bn_weights(
        conv.weight.double(),
        bias,
        norm.running_mean.double(),
        norm.running_var.double(),
        norm.eps,
        norm.weight.double(),
        norm.bias.double(),
        transpose=isinstance(conv, nn.ConvTranspose2d),
    )
    conv.weight = nn.Parameter(weight.detach().to(dtype), requires_grad=False)
    conv.bias = nn.Parameter(folded_bias.detach().to(dtype), requires_grad=False)
