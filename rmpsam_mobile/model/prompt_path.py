"""The mobile prompt path: a set of points and a box becomes one query and, through the stages and a refiner, one mask.

It differs from the official path in three ways. The stages start from a geometric mask (geometry.py), not from the
product of an untrained query. Features at the clicks enter the query. A small convolutional network, alike for every
prompt, refines what the query says, because a product of one query with the features cannot tell two alike objects
apart. Letters: B pictures, N prompts, C width, W refiner width, h x w the mask grid, hc x wc the stages' coarser one.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rmpsam_mobile.model.config import ModelConfig, PromptSetConfig
from rmpsam_mobile.model.decoder import MaskPool, Stage, mask_product, shrink
from rmpsam_mobile.model.geometry import NUM_MAPS, Geometry, outside_box, prompt_geometry
from rmpsam_mobile.model.heads import Mlp
from rmpsam_mobile.model.prompt import PromptSet, SineCode, click_boxes, normalise_boxes
from rmpsam_mobile.model.refiner import Refiner

STRIDE = 4  # pixels of the model input a cell of the mask grid
OUTSIDE = 16.0  # logits that a mask loses for each half side outside of its box


class PromptPath(nn.Module):
    """All weights that only prompts use; the stages are shared with the objects and handed in."""

    def __init__(self, config: ModelConfig, prompt_set: PromptSetConfig) -> None:
        super().__init__()
        width = config.width
        self.reduction = config.stage_reduction
        self.click_half_width = config.click_half_width
        self.has_first_mask, self.is_refined = prompt_set.first_mask, prompt_set.refiner
        self.pool = MaskPool(mean=True)
        self.mask_token = nn.Embedding(1, width)
        self.kind = nn.Embedding(3, width)  # background point, foreground point, box
        self.sine_code = SineCode(width // 2)
        self.pos_linear = nn.Linear(2 * width, width)
        self.seed = nn.Linear(2 * width, width)
        self.prior_weight = nn.Parameter(torch.full((1,), 2.0))
        self.refiner = Refiner(width, NUM_MAPS, prompt_set)
        self.iou = Mlp(2 * width, width, 1)

    def queries(self, prompts: PromptSet, image_size: Tensor, geometry: Geometry, coarse: Tensor) -> Tensor:
        """First queries [B, N, C]: mean of the elements' position codes, and the features they lie on."""
        clicks = click_boxes(prompts.points, self.click_half_width)  # [B, N, P, 4]
        boxes = torch.cat((clicks, prompts.boxes.unsqueeze(2)), 2)
        batch, num, elements, _ = boxes.shape
        code = self.sine_code(normalise_boxes(boxes.flatten(1, 2), image_size))
        position = self.pos_linear(code).reshape(batch, num, elements, -1)
        background, foreground = prompts.is_background, prompts.is_foreground
        used = torch.cat((background + foreground, prompts.has_box), 2)  # [B, N, P + 1]
        total = torch.bmm(used.reshape(batch * num, 1, elements), position.flatten(0, 1)).reshape(batch, num, -1)
        counts = torch.cat((background.sum(2, True), foreground.sum(2, True), prompts.has_box), 2)  # [B, N, 3]
        total = total + counts @ self.kind.weight
        mean = total / counts.sum(2, True).clamp(min=1)
        seen = torch.cat((self.pool(geometry.sure, coarse), self.pool(geometry.denied, coarse)), -1)
        return self.mask_token.weight + mean + self.seed(seen)

    def forward(
        self, stages: nn.ModuleList, features: Tensor, coarse: Tensor, prompts: PromptSet, image_size: Tensor
    ) -> tuple[list[tuple[Tensor, Tensor]], Tensor, Tensor]:
        """Answer prompts.

        Args:
            stages: the shared ``Stage`` modules.
            features: [B, C, h, w] at stride 4.
            coarse: [B, C, hc, wc], the same at the stages' resolution.
            prompts: what was asked.
            image_size: [B, 2] height and width of the fitted picture.

        Returns:
            (queries, coarse mask logits) before the first stage and after each; mask logits [B, N, h, w];
            IoU [B, N]. Empty slots hold zeros in the last two.
        """
        grid = (features.shape[-2], features.shape[-1])
        geometry = prompt_geometry(prompts, image_size, (coarse.shape[-2], coarse.shape[-1]), STRIDE * self.reduction)
        k = self.queries(prompts, image_size, geometry, coarse)
        mask_logits = prior = self.prior_weight * geometry.first_mask
        if not self.has_first_mask:
            mask_logits, prior = mask_product(k, coarse), torch.zeros_like(prior)
        steps = [(k, mask_logits)]
        others = ~torch.eye(k.shape[1], dtype=torch.bool, device=k.device)
        for stage in stages:
            assert isinstance(stage, Stage)
            k = stage.update(coarse, k, mask_logits, others)
            mask_logits = stage.masks(coarse, k) + prior
            steps.append((k, mask_logits))
        if self.is_refined:
            refined = self.refiner(features, coarse, k, geometry.maps, mask_logits)
        else:
            refined = F.interpolate(mask_logits, size=grid, mode="bilinear", align_corners=False)
        beside, above = outside_box(prompts, grid, STRIDE)
        refined = refined - OUTSIDE * beside - OUTSIDE * above
        pooled = self.pool(shrink(refined, self.reduction), coarse)
        iou = self.iou(torch.cat((k, pooled), -1))
        used = prompts.labels.amax(-1, keepdim=True).clamp(-1, 0) + 1  # [B, N, 1]
        return steps, refined * used.unsqueeze(-1), (iou * used).squeeze(-1)
