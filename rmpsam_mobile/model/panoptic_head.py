"""``panoptic_head``: queries, shared stages and the two adapters (RMP-SAM, arXiv 2401.10228, section 3.2).

Letters as in decoder.py; N prompts.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from rmpsam_mobile.model.adapters import PromptAttention
from rmpsam_mobile.model.config import ModelConfig
from rmpsam_mobile.model.decoder import KernelUpdate, MaskPool, MaskProduct, Stage, run_stages, shrink
from rmpsam_mobile.model.prompt import PromptSet, SineCode, click_boxes, normalise_boxes
from rmpsam_mobile.model.prompt_path import PromptPath

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
        self.reduction = config.stage_reduction
        self.click_half_width = config.click_half_width
        self.pool, self.product = MaskPool(mean=config.mean_pooling), MaskProduct()
        # objects
        self.kernels = nn.Embedding(config.num_queries, width)
        # shared by both
        self.mask_heads = nn.ModuleList(Stage(config) for _ in range(config.num_stages))
        # adapters
        self.panoptic_attn = KernelUpdate(width)
        self.panoptic_cls = nn.Sequential(nn.Linear(width, config.text_width))
        # prompts
        self.prompt_path: PromptPath | None = None
        if config.prompt_set is None:
            self._add_official_prompts(config)
        else:
            self.prompt_path = PromptPath(config, config.prompt_set)

    def _add_official_prompts(self, config: ModelConfig) -> None:
        """Label 1 stands for points and boxes alike, label 0 is never used, there is one mask token."""
        width = config.width
        self.mask_tokens = nn.Embedding(1, width)
        self.pb_embedding = nn.Embedding(2, width)
        self.sine_code = SineCode(width // 2)
        self.pos_linear = nn.Linear(2 * width, width)
        self.prompt_attn = PromptAttention(config)
        self.prompt_norm = nn.LayerNorm(width)
        self.prompt_iou = nn.Linear(width, 1)

    def coarse(self, features: Tensor) -> Tensor:
        """The features at the stages' resolution."""
        return features if self.reduction == 1 else shrink(features, self.reduction)

    def objects(self, features: Tensor) -> ObjectState:
        """Run the object path on mask features [B, C, h, w]; for clips h spans all frames."""
        k = self.kernels.weight.unsqueeze(0).expand(features.shape[0], -1, -1)
        coarse = self.coarse(features)
        steps = run_stages(self.mask_heads, coarse, k, self.product(k, coarse))
        k, mask_logits = steps[-1]
        k = self.panoptic_attn(self.pool(mask_logits, coarse), k)
        return ObjectState(
            steps=steps,
            queries=k,
            class_embeddings=self.panoptic_cls(k),
            mask_logits=self.product(k, features),  # the query itself is the mask kernel
        )

    def prompt_queries(self, boxes: Tensor, image_size: Tensor) -> Tensor:
        """First queries [B, N, C] of boxes [B, N, 4], xyxy pixels of the model input (see normalise_boxes)."""
        position = self.pos_linear(self.sine_code(normalise_boxes(boxes, image_size)))
        return position + (self.pb_embedding.weight[1:2] + self.mask_tokens.weight[0:1])

    def answer(self, features: Tensor, prompts: PromptSet, image_size: Tensor) -> PromptState:
        """Masks of prompt sets on features [B, C, h, w]; image_size [B, 2]; empty slots give zeros.

        The official prompt path reads one box or one foreground click of each set: the box where there is one.
        """
        if self.prompt_path is not None:
            steps, mask_logits, iou = self.prompt_path(
                self.mask_heads, features, self.coarse(features), prompts, image_size
            )
            return PromptState(steps=steps, queries=steps[-1][0], mask_logits=mask_logits, iou=iou)
        has_point, has_box = prompts.is_foreground[..., 0:1], prompts.has_box
        around_click = click_boxes(prompts.points.flatten(2), self.click_half_width)
        boxes = has_box * prompts.boxes + (1 - has_box) * around_click
        return self.prompts(features, boxes, image_size, has_box + (1 - has_box) * has_point)

    def prompts(self, features: Tensor, boxes: Tensor, image_size: Tensor, used: Tensor | None = None) -> PromptState:
        """Run the official prompt path; attention among prompts lets each see only itself, so none changes another.

        Args:
            features: [B, C, h, w].
            boxes: [B, N, 4] xyxy pixels of the model input.
            image_size: [B, 2] height and width of the fitted picture.
            used: [B, N, 1], 1 for a prompt and 0 for an empty slot, whose mask logits and IoU become 0.
        """
        k = self.prompt_queries(boxes, image_size)
        others = ~torch.eye(k.shape[1], dtype=torch.bool, device=k.device)
        steps = run_stages(self.mask_heads, features, k, self.product(k, features), others)
        k, _ = steps[-1]
        k = self.prompt_norm(k + self.prompt_attn(k, features))
        iou = self.prompt_iou(k)
        if used is not None:
            k, iou = k * used, iou * used
        return PromptState(steps=steps, queries=k, mask_logits=self.product(k, features), iou=iou.squeeze(-1))
