"""Self-attention among prompts as the linear map that it is.

before:  out_proj(softmax(q k^T, masked to the diagonal) v)
after:   W_o (W_v x + b_v) + b_o = (W_o W_v) x + (W_o b_v + b_o)

Each prompt sees only itself, a softmax over one entry is 1, and queries and keys drop out (reference section 4).
Object queries see one another and are left alone.
"""

import torch
from torch import Tensor, nn

from rmpsam_mobile.contracts import Graph
from rmpsam_mobile.export.split import SplitModel
from rmpsam_mobile.model.attention import MultiHeadAttention
from rmpsam_mobile.model.decoder import Stage


class SelfOnlyAttention(nn.Module):
    """Attention in which each query has one key, itself."""

    def __init__(self, attention: MultiHeadAttention) -> None:
        super().__init__()
        width = attention.out_proj.in_features
        value_weight = attention.in_proj_weight[2 * width :].double()
        value_bias = attention.in_proj_bias[2 * width :].double()
        out = attention.out_proj
        self.linear = nn.Linear(width, width, dtype=out.weight.dtype)
        with torch.no_grad():
            self.linear.weight.copy_(out.weight.double() @ value_weight)
            self.linear.bias.copy_(out.weight.double() @ value_bias + out.bias.double())

    def forward(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:  # noqa: ARG002
        """[1, N, C] three times -> [1, N, C]; only ``value`` is read."""
        return self.linear(value)


def collapse_prompt_attention(split: SplitModel) -> list[str]:
    """Replace the stages' self-attention in the prompt graph."""
    changed = []
    for name, stage in split.parts[Graph.PROMPTS].module.named_modules():
        if isinstance(stage, Stage) and type(stage.s_atten) is MultiHeadAttention:
            stage.s_atten = SelfOnlyAttention(stage.s_atten).requires_grad_(requires_grad=False)  # type: ignore[assignment]
            changed.append(f"{Graph.PROMPTS}.{name}.s_atten")
    return changed
