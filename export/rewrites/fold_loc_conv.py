"""``loc_conv`` moved out of the encoder and into the queries.

before:  F = W [y; X; Y] + b, 256 channels; masks <k, F>; pooled sums over F; keys and values of F
after:   z = [y; X; Y; 1], 131 channels, is what the encoder hands on; with A = [W b], F = A z and therefore
         <k, F> = <A^T k, z>,  sum(B F) = A sum(B z),  W_k F = (W_k A) z,  W_v F = (W_v A) z

Mask products, pooling, and the prompts' keys and values read half as many channels, and the features take half the
memory (reference, section 14). Only where z is narrower than F: in the mobile presets it is not.
"""

from dataclasses import replace

from torch import Tensor, nn

from rmpsam_mobile.contracts import Graph, graph_spec
from rmpsam_mobile.export.rewrites.bake_constants import BakedProjections
from rmpsam_mobile.export.split import Part, SplitModel
from rmpsam_mobile.model.adapters import PromptAttention
from rmpsam_mobile.model.attention import MultiHeadAttention
from rmpsam_mobile.model.decoder import MaskPool, MaskProduct
from rmpsam_mobile.model.neck import Neck
from rmpsam_mobile.model.prompt_path import PromptPath


class LocatedNeck(nn.Module):
    """``Neck`` without its last convolution: z instead of F."""

    def __init__(self, neck: Neck) -> None:
        super().__init__()
        self.deconv, self.coordinates = neck.deconv, neck.coordinates

    forward = Neck.located


class FoldedProduct(MaskProduct):
    """Mask logits <A^T k, z>."""

    def __init__(self, mixing: Tensor) -> None:
        super().__init__()
        self.mixing = _linear(mixing.T)

    def forward(self, kernels: Tensor, mask_features: Tensor) -> Tensor:
        """[1, Q, C] and z [1, D, h, w] -> [1, Q, h, w]."""
        return super().forward(self.mixing(kernels), mask_features)


class FoldedPool(nn.Module):
    """A times what is pooled of z; the mean of the ones is 1, or 0 under an empty mask, as it must be."""

    def __init__(self, pool: MaskPool, mixing: Tensor) -> None:
        super().__init__()
        self.pool, self.mixing = pool, _linear(mixing)

    def forward(self, mask_logits: Tensor, mask_features: Tensor) -> Tensor:
        """[1, Q, h, w] and z [1, D, h, w] -> [1, Q, C]."""
        pooled: Tensor = self.mixing(self.pool(mask_logits, mask_features))
        return pooled


def fold_loc_conv(split: SplitModel) -> list[str]:
    """Fold it in all parts, or in none."""
    neck = split.parts[Graph.ENCODER].module.get_submodule("neck")
    if not isinstance(neck, Neck) or not _pays(neck, split):
        return []
    mixing = neck.mixing.detach()  # A, [C, D]
    sizes = replace(split.sizes, channels=mixing.shape[1], query_width=mixing.shape[0])
    split.parts[Graph.ENCODER].module.set_submodule("neck", LocatedNeck(neck))
    changed = [f"{Graph.ENCODER}.neck"]
    for graph, part in split.parts.items():
        changed += [f"{graph}.{path}" for path in _fold_readers(part.module, mixing)]
        split.parts[graph] = Part(part.module, graph_spec(graph, sizes))
    split.sizes = sizes
    return changed


def _pays(neck: Neck, split: SplitModel) -> bool:
    """Whether z is narrower than F and all that reads F is folded: a refiner's convolutions are not."""
    has_refiner = any(isinstance(m, PromptPath) for part in split.parts.values() for m in part.module.modules())
    return neck.loc_conv.in_channels + 1 < neck.loc_conv.out_channels and not has_refiner


def _fold_readers(module: nn.Module, mixing: Tensor) -> list[str]:
    changed = []
    for path, reader in list(module.named_modules()):
        if type(reader) is MaskProduct:
            module.set_submodule(path, FoldedProduct(mixing))
        elif isinstance(reader, MaskPool):
            module.set_submodule(path, FoldedPool(reader, mixing))
        elif isinstance(reader, PromptAttention):
            reader.attn = _folded_attention(reader.attn, mixing)
        else:
            continue
        changed.append(path)
    return changed


def _folded_attention(attention: MultiHeadAttention, mixing: Tensor) -> BakedProjections:
    folded = BakedProjections(attention)
    folded.to_key, folded.to_value = (
        _linear((projection.weight.double() @ mixing.double()).to(mixing), projection.bias)
        for projection in (folded.to_key, folded.to_value)
    )
    return folded


def _linear(weight: Tensor, bias: Tensor | None = None) -> nn.Linear:
    linear = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None, dtype=weight.dtype)
    linear.requires_grad_(requires_grad=False).weight.copy_(weight)
    if bias is not None:
        linear.bias.copy_(bias)
    return linear
