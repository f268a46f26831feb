"""SAM's prompt encoder and mask decoder from transformers, which MobileSAM and its kin keep unchanged; random weights.

arXiv 2304.02643, appendix A. Letters: N prompts, h = H / 16, w = W / 16.
"""

from typing import Any

import torch
from torch import Tensor, nn

from rmpsam_mobile.errors import MissingExtraError
from rmpsam_mobile.quiet import muted_start

STRIDE = 16  # of the features that it reads


class SamDecoder(nn.Module):
    """One click a prompt, three masks an answer, as SAM's generator of all masks asks it.

    Args:
        size: side of the encoder's input in pixels.
    """

    positions: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        model = _seeded_sam(size)
        self.prompt_encoder, self.mask_decoder = model.prompt_encoder, model.mask_decoder
        # of the grid, not of the prompts: SAM's own exports keep them as a constant
        self.register_buffer("positions", model.get_image_wide_positional_embeddings().detach())

    def forward(self, features: Tensor, points: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Answer.

        Args:
            features: [1, 256, h, w].
            points: [1, N, 1, 2], xy in pixels of the encoder's input.
            labels: [1, N, 1], 1 foreground.

        Returns:
            mask logits [1, N, 3, 4h, 4w] and predicted IoU [1, N, 3].
        """
        sparse, dense = self.prompt_encoder(points, labels, None, None)
        masks, iou = self.mask_decoder(features, self.positions, sparse, dense, multimask_output=True)
        return masks, iou


def _seeded_sam(size: int) -> Any:
    """A SamModel whose vision encoder, which is not used, has one layer.

    Raises:
        MissingExtraError: transformers is not installed.
    """
    try:
        with muted_start():
            from transformers import SamConfig, SamModel
    except ImportError:
        raise MissingExtraError(
            "SAM's decoder comes from transformers; install it with: pip install 'rmpsam-mobile[peers]'"
        ) from None
    vision = {"image_size": size, "num_hidden_layers": 1, "global_attn_indexes": []}
    torch.manual_seed(0)
    return SamModel(SamConfig(vision_config=vision, prompt_encoder_config={"image_size": size})).eval()
