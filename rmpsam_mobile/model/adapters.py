"""Task adapters after the shared stages: dynamic convolution for objects, cross-attention for prompts."""

from torch import Tensor, nn

from rmpsam_mobile.model.attention import MultiHeadAttention
from rmpsam_mobile.model.config import ModelConfig


class PromptAttention(nn.Module):
    """``prompt_attn``: queries attend to all cells of the mask features, without positions."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.attn = MultiHeadAttention(config.width, config.num_heads)

    def forward(self, k: Tensor, features: Tensor) -> Tensor:
        """Queries [B, N, C], features [B, C, h, w] -> what is added to the queries."""
        cells = features.flatten(2).transpose(1, 2)  # [B, h w, C]
        return self.attn(k, cells, cells)
