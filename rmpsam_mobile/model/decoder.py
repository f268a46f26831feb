"""The decoder: stages that pool features under hard masks and update the queries with them.

Letters: Q queries (objects or prompts), C width, h x w the mask grid; F mask features, k queries, M mask logits.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rmpsam_mobile.model.attention import MultiHeadAttention
from rmpsam_mobile.model.classifier import TextClassifier
from rmpsam_mobile.model.config import ModelConfig
from rmpsam_mobile.model.heads import Ffn, Mlp, NormedLinear


@dataclass(frozen=True, kw_only=True)
class StageOutput:
    """What training reads of a stage: class logits [B, Q, K + 1] (None without classes), mask logits, IoU [B, Q, 1]."""

    class_logits: Tensor | None
    mask_logits: Tensor
    iou: Tensor
    queries: Tensor


def mask_product(kernels: Tensor, mask_features: Tensor) -> Tensor:
    """Mask logits <k, F>: [B, Q, C] and [B, C, h, w] -> [B, Q, h, w]; no bias."""
    height, width = mask_features.shape[-2:]
    return torch.bmm(kernels, mask_features.flatten(2)).reshape(*kernels.shape[:2], height, width)


def shrink(x: Tensor, factor: int) -> Tensor:
    """Means over squares of ``factor`` x ``factor`` cells: [B, C, h, w] -> [B, C, h / factor, w / factor]."""
    # Nothing is padded; XNNPACK takes average pooling only where padding would not count.
    return F.avg_pool2d(x, factor, stride=factor, count_include_pad=False)


def masked_sum(mask_logits: Tensor, mask_features: Tensor) -> Tensor:
    """Sum of the features under each hard mask: -> [B, Q, C]. A comparison has no gradient, so none reaches the mask.

    A mask is where its logit is > 0; the official sigmoid > 0.5 differs only below about 1e-7 (quirk 7).
    It is a sum and no mean: queries see mask area (quirk 2).
    """
    hard = (mask_logits > 0).to(mask_features.dtype)
    return torch.bmm(hard.flatten(2), mask_features.flatten(2).transpose(1, 2))


def masked_mean(mask_logits: Tensor, mask_features: Tensor) -> Tensor:
    """Mean of the features under each hard mask, zero under an empty one: -> [B, Q, C]; see ``masked_sum``."""
    hard = (mask_logits > 0).to(mask_features.dtype).flatten(2)
    area = hard.sum(2, keepdim=True)
    return torch.bmm(hard, mask_features.flatten(2).transpose(1, 2)) / area.clamp(min=1)


class MaskProduct(nn.Module):
    """``mask_product`` as a module, so that a rewrite can take its place."""

    def forward(self, kernels: Tensor, mask_features: Tensor) -> Tensor:
        """[B, Q, C] and [B, C, h, w] -> [B, Q, h, w]."""
        return mask_product(kernels, mask_features)


class MaskPool(nn.Module):
    """``masked_sum`` or ``masked_mean`` as a module, so that a rewrite can take its place."""

    def __init__(self, *, mean: bool) -> None:
        super().__init__()
        self.mean = mean

    def forward(self, mask_logits: Tensor, mask_features: Tensor) -> Tensor:
        """[B, Q, h, w] and [B, C, h, w] -> [B, Q, C]."""
        return (masked_mean if self.mean else masked_sum)(mask_logits, mask_features)


class KernelUpdate(nn.Module):
    """Gated update of a query by the features pooled under its mask (K-Net, arXiv 2106.14855, section 3.2)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.dynamic_layer = nn.Linear(width, 2 * width)
        self.input_layer = nn.Linear(width, 2 * width)
        self.input_gate, self.update_gate = nn.Linear(width, width), nn.Linear(width, width)
        self.norm_in, self.norm_out = nn.LayerNorm(width), nn.LayerNorm(width)
        self.input_norm_in, self.input_norm_out = nn.LayerNorm(width), nn.LayerNorm(width)
        self.fc_layer, self.fc_norm = nn.Linear(width, width), nn.LayerNorm(width)

    def forward(self, pooled: Tensor, k: Tensor) -> Tensor:
        """Pooled features and queries, both [B, Q, C] -> updated queries."""
        dynamic, static = self.dynamic_layer(pooled), self.input_layer(k)
        p_in, p_out = dynamic[..., : self.width], dynamic[..., self.width :]
        i_in, i_out = static[..., : self.width], static[..., self.width :]
        g = i_in * p_in
        gate_in = self.input_norm_in(self.input_gate(g)).sigmoid()
        gate_update = self.norm_in(self.update_gate(g)).sigmoid()
        out = gate_update * self.norm_out(p_out) + gate_in * self.input_norm_out(i_out)
        return self.fc_norm(self.fc_layer(out)).relu()


class Stage(nn.Module):
    """One round: pool, update, attend, then read masks, classes and IoU off the queries."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        width = config.width
        self.temperature = config.stage_temperature
        self.pool, self.product = MaskPool(mean=config.mean_pooling), MaskProduct()
        self.kernel_update = KernelUpdate(width)
        self.s_atten = MultiHeadAttention(width, config.num_heads)
        self.s_atten_norm = nn.LayerNorm(width)
        self.ffn = Ffn(width, config.ffn_width)
        self.ffn_norm = nn.LayerNorm(width)
        self.cls_fcs = NormedLinear(width)
        self.cls_proj = Mlp(width, width, width, config.text_width)
        self.mask_fcs = NormedLinear(width)
        self.fc_mask = nn.Linear(width, width)
        self.iou_embed = Mlp(width, width, width, 1)

    def update(self, features: Tensor, k: Tensor, mask_logits: Tensor, attention_mask: Tensor | None) -> Tensor:
        """New queries [B, Q, C] from the old ones and their masks."""
        k = self.kernel_update(self.pool(mask_logits, features), k)
        k = self.s_atten_norm(k + self.s_atten(k, k, k, attention_mask))
        return self.ffn_norm(k + self.ffn(k))

    def masks(self, features: Tensor, k: Tensor) -> Tensor:
        """Mask logits [B, Q, h, w] of the queries."""
        masks: Tensor = self.product(self.fc_mask(self.mask_fcs(k)), features)
        return masks

    def read(self, k: Tensor, mask_logits: Tensor, classifier: TextClassifier | None) -> StageOutput:
        """Classes and IoU, which only training reads; class logits are divided by the temperature (quirk 1)."""
        class_logits = None if classifier is None else classifier(self.cls_proj(self.cls_fcs(k))) / self.temperature
        iou = self.iou_embed(self.mask_fcs(k))
        return StageOutput(class_logits=class_logits, mask_logits=mask_logits, iou=iou, queries=k)


def run_stages(
    stages: nn.ModuleList, features: Tensor, k: Tensor, mask_logits: Tensor, attention_mask: Tensor | None = None
) -> list[tuple[Tensor, Tensor]]:
    """Queries and mask logits before the first stage, as given, and after each: num_stages + 1 pairs."""
    steps = [(k, mask_logits)]
    for stage in stages:
        assert isinstance(stage, Stage)
        k = stage.update(features, k, mask_logits, attention_mask)
        mask_logits = stage.masks(features, k)
        steps.append((k, mask_logits))
    return steps
