"""Multi-head attention with torch's parameter names, as matrix products that every engine takes.

torch's own module brings along operators that no phone engine takes, and splits an exported graph.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class MultiHeadAttention(nn.Module):
    """Scaled dot-product attention (arXiv 1706.03762 section 3.2) over any keys and values."""

    def __init__(self, width: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.scale = (width // num_heads) ** -0.5
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)
        nn.init.xavier_uniform_(self.in_proj_weight)

    def forward(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
        """Attend.

        Args:
            query: [B, N, C].
            key: [B, M, C].
            value: [B, M, C].
            mask: [N, M] bool, true where a query may *not* look; every query must be left one key.

        Returns:
            [B, N, C].
        """
        q, k, v = (self._split_heads(x) for x in self.project(query, key, value))
        scores = torch.bmm(q * self.scale, k.transpose(1, 2))  # [B heads, N, M]
        if mask is not None:
            scores = scores.masked_fill(mask, float("-inf"))
        out = torch.bmm(scores.softmax(-1), v)  # [B heads, N, C / heads]
        batch, num, width = query.shape
        out = out.reshape(batch, self.num_heads, num, -1).transpose(1, 2).reshape(batch, num, width)
        return self.out_proj(out)

    def project(self, query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The three input projections, each [B, ., C] -> [B, ., C]."""
        weights = zip((query, key, value), self.in_proj_weight.chunk(3), self.in_proj_bias.chunk(3), strict=True)
        q, k, v = (F.linear(x, weight, bias) for x, weight, bias in weights)
        return q, k, v

    def _split_heads(self, x: Tensor) -> Tensor:
        """[B, N, C] -> [B * heads, N, C / heads]."""
        batch, num, width = x.shape
        x = x.reshape(batch, num, self.num_heads, width // self.num_heads).transpose(1, 2)
        return x.reshape(batch * self.num_heads, num, -1)
