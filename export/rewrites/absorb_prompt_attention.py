"""Cross-attention of few prompts without keys and values.

before:  K = W_k F + b_k and V = W_v F + b_v for every cell; softmax(q K^T) V
after:   softmax((W_k^T q) F) F^T W_v^T + b_v, head by head

<q, W_k F> = <W_k^T q, F>, the key bias adds the same to every score of a query and drops out of the softmax, and the
value bias passes through because the weights sum to 1 (reference, section 14). A cell costs 2 H N D multiply-adds
instead of 2 C D + 2 N C: for more than ``MOST_SLOTS`` prompts the form that projects once is cheaper and stays.
"""

from typing import Final

import torch
from torch import Tensor, nn

from rmpsam_mobile.contracts import Graph
from rmpsam_mobile.export.rewrites.bake_constants import BakedProjections
from rmpsam_mobile.export.split import SplitModel
from rmpsam_mobile.model.adapters import PromptAttention

MOST_SLOTS: Final = 32


class AbsorbedAttention(nn.Module):
    """``PromptAttention`` whose projections act on the queries and on what they collect."""

    key_weight: Tensor  # [H, C / H, D]
    value_weight: Tensor  # [H, D, C / H]
    value_bias: Tensor  # [C]

    def __init__(self, attention: BakedProjections) -> None:
        super().__init__()
        self.num_heads, self.scale = attention.num_heads, attention.scale
        self.to_query, self.out_proj = attention.to_query, attention.out_proj
        by_head = (self.num_heads, -1, attention.to_key.in_features)
        self.register_buffer("key_weight", attention.to_key.weight.detach().reshape(by_head))
        value_weight = attention.to_value.weight.detach().reshape(by_head).transpose(1, 2)
        self.register_buffer("value_weight", value_weight.contiguous())
        self.register_buffer("value_bias", attention.to_value.bias.detach())

    def forward(self, k: Tensor, features: Tensor) -> Tensor:
        """Queries [1, N, C], features [1, D, h, w] -> what is added to the queries."""
        heads, num, width = self.num_heads, k.shape[1], k.shape[2]
        query = (self.to_query(k) * self.scale).reshape(num, heads, -1).transpose(0, 1)  # [H, N, C / H]
        absorbed = torch.bmm(query, self.key_weight).reshape(1, heads * num, -1)  # [1, H N, D]
        cells = features.flatten(2)  # [1, D, h w]
        weights = torch.bmm(absorbed, cells).softmax(-1)
        collected = torch.bmm(weights, cells.transpose(1, 2)).reshape(heads, num, -1)  # [H, N, D]
        values = torch.bmm(collected, self.value_weight).transpose(0, 1).reshape(1, num, width)
        out: Tensor = self.out_proj(values + self.value_bias)
        return out


def absorb_prompt_attention(split: SplitModel) -> list[str]:
    """Replace it in the prompt graph where the slots are few."""
    if split.sizes.num_slots > MOST_SLOTS:
        return []
    module, changed = split.parts[Graph.PROMPTS].module, []
    for path, adapter in list(module.named_modules()):
        if isinstance(adapter, PromptAttention) and isinstance(adapter.attn, BakedProjections):
            module.set_submodule(path, AbsorbedAttention(adapter.attn))
            changed.append(f"{Graph.PROMPTS}.{path}")
    return changed
