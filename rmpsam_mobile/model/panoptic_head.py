"""``panoptic_head``: queries, shared stages and the two adapters (RMP-SAM, arXiv 2401.10228, section 3.2).

Letters as in decoder.py; N prompts.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from rmpsam_mobile.model.adapters import PromptAttention
from rmpsam_mobile.model.config import ModelConfig
from rmpsam_mobile.model.decoder import KernelUpdate, Stage, mask_product, masked_sum, run_stages
from rmpsam_mobile.model.prompt import SineCode, normalise_boxes

Steps = list[tuple[Tensor, Tensor]]


@dataclass(frozen=True, kw_only=True)
class ObjectState:
    """The object path before classes are named: ``steps`` of the stages, adapter queries and masks."""

    steps: Steps
    queries: Tensor
    class_embeddings: Tensor
    mask_logits: Tensor


@dataclass(frozen=True, kw_only=True)
class PromptState:
    """The prompt path: ``steps`` of the stages, then the adapter's queries, masks and IoU [B, N]."""

    steps: Steps
    queries: Tensor
    mask_logits: Tensor
    iou: Tensor


class PanopticHead(nn.Module):
    """Everything after the mask features, with the official weight names."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        width = config.width
        # prompts: label 1 stands for points and boxes alike, label 0 is never used, there is one mask token
        self.mask_tokens = nn.Embedding(1, width)
        self.pb_embedding = nn.Embedding(2, width)
        self.sine_code = SineCode(width // 2)
        self.pos_linear = nn.Linear(2 * width, width)
        # objects
        self.kernels = nn.Embedding(config.num_queries, width)
        # shared by both
        self.mask_heads = nn.ModuleList(Stage(config) for _ in range(config.num_stages))
        # adapters
        self.panoptic_attn = KernelUpdate(width)
        self.panoptic_cls = nn.Sequential(nn.Linear(width, config.text_width))
        self.prompt_attn = PromptAttention(config)
        self.prompt_norm = nn.LayerNorm(width)
        self.prompt_iou = nn.Linear(width, 1)

    def objects(self, features: Tensor) -> ObjectState:
        """Run the object path on mask features [B, C, h, w]; for clips h spans all frames."""
        k = self.kernels.weight.unsqueeze(0).expand(features.shape[0], -1, -1)
        steps = run_stages(self.mask_heads, features, k)
        k, mask_logits = steps[-1]
        k = self.panoptic_attn(masked_sum(mask_logits, features), k)
        return ObjectState(
            steps=steps,
            queries=k,
            class_embeddings=self.panoptic_cls(k),
            mask_logits=mask_product(k, features),  # the query itself is the mask kernel
        )

    def prompt_queries(self, boxes: Tensor, image_size: Tensor) -> Tensor:
        """First queries [B, N, C] of boxes [B, N, 4], xyxy pixels of the model input (see normalise_boxes)."""
        position = self.pos_linear(self.sine_code(normalise_boxes(boxes, image_size)))
        return position + (self.pb_embedding.weight[1:2] + self.mask_tokens.weight[0:1])

    def prompts(self, features: Tensor, boxes: Tensor, image_size: Tensor, used: Tensor | None = None) -> PromptState:
        """Run the prompt path; attention among prompts lets each see only itself, so none changes another.

        Args:
            features: [B, C, h, w].
            boxes: [B, N, 4] xyxy pixels of the model input.
            image_size: [B, 2] height and width of the fitted picture.
            used: [B, N, 1], 1 for a prompt and 0 for an empty slot, whose mask logits and IoU become 0.
        """
        k = self.prompt_queries(boxes, image_size)
        others = ~torch.eye(k.shape[1], dtype=torch.bool, device=k.device)
        steps = run_stages(self.mask_heads, features, k, others)
        k, _ = steps[-1]
        k = self.prompt_norm(k + self.prompt_attn(k, features))
        iou = self.prompt_iou(k)
        if used is not None:
            k, iou = k * used, iou * used
        return PromptState(steps=steps, queries=k, mask_logits=mask_product(k, features), iou=iou.squeeze(-1))
