"""RMP-SAM (arXiv 2401.10228) assembled: the only file that knows all parts.

Letters: B pictures, T frames, N prompts, Q object queries, K classes, h = H / 4 and w = W / 4 the mask grid.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from rmpsam_mobile.contracts import MULTIPLE, Thresholds
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.model.classifier import TextClassifier
from rmpsam_mobile.model.clip import stack_frames, unstack_masks
from rmpsam_mobile.model.config import ModelConfig
from rmpsam_mobile.model.decoder import Stage, StageOutput
from rmpsam_mobile.model.encoders import build_encoder
from rmpsam_mobile.model.neck import Neck
from rmpsam_mobile.model.panoptic_head import PanopticHead, Steps
from rmpsam_mobile.model.prompt import PromptSet
from rmpsam_mobile.model.vocabulary import Vocabulary

FRAMES_AT_ONCE = 8  # of a clip through the encoder; the official code fails above 50 (quirk 3)


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """One encoder run: ``mask_features`` [B, 256, h, w], which any number of decoder calls may read."""

    mask_features: Tensor


@dataclass(frozen=True, kw_only=True)
class Objects:
    """All things and stuff: ``class_logits`` [B, Q, K + 1], last void; ``mask_logits`` [B, Q, h, w], for clips
    [B, Q, T, h, w]; ``queries`` [B, Q, 256]; ``stages`` only where they were asked for."""

    class_logits: Tensor
    mask_logits: Tensor
    queries: Tensor
    stages: tuple[StageOutput, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Prompted:
    """One mask a prompt: ``mask_logits`` [B, N, h, w], ``iou`` [B, N] (unbounded), ``queries`` [B, N, 256]."""

    mask_logits: Tensor
    iou: Tensor
    queries: Tensor
    stages: tuple[StageOutput, ...] = ()


class RmpSam(nn.Module):
    """The whole network. ``state_dict()`` has exactly the official names; class embeddings are set apart."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.backbone = build_encoder(config.encoder)
        self.neck = Neck(self.backbone.widths, config)
        self.panoptic_head = PanopticHead(config)
        self.classifier: TextClassifier | None = None
        self.vocabulary: Vocabulary | None = None
        self.thresholds = Thresholds()
        self.trained = False  # set by whoever loads trained weights

    @property
    def preset(self) -> str:
        """Name of the preset, for example ``rmpsam-r50``."""
        return self.config.name

    def set_classifier(self, text_embeddings: Tensor) -> None:
        """Take new classes: ``text_embeddings`` [K, P, D], rows of unit length.

        Raises:
            InputError: not three axes, or D is not the width that this model's class branch has.
        """
        shape, width = tuple(text_embeddings.shape), self.config.text_width
        if len(shape) != 3 or shape[2] != width:
            raise InputError(f"class embeddings of shape {shape}; this model reads (classes, synonyms, {width})")
        like = self.panoptic_head.kernels.weight
        self.classifier = TextClassifier(text_embeddings.to(like))

    def encode(self, pixel_values: Tensor) -> Encoding:
        """Run the encoder.

        Args:
            pixel_values: [B, 3, H, W] RGB, normalised, zero-padded; H and W multiples of 32.
        """
        shape = tuple(pixel_values.shape)
        if len(shape) != 4 or shape[1] != 3 or shape[2] % MULTIPLE or shape[3] % MULTIPLE or not pixel_values.numel():
            raise InputError(
                f"pixel_values of shape {shape}; wanted (B, 3, H, W), H and W multiples of {MULTIPLE}; pad them"
            )
        return Encoding(mask_features=self.neck(self.backbone(pixel_values)))

    def objects(self, encoding: Encoding, *, with_stages: bool = False) -> Objects:
        """All things and stuff in view.

        Args:
            encoding: what ``encode`` returned.
            with_stages: also return what the stages say, which only training reads (section 5.4).

        Raises:
            InputError: no class embeddings were set.
        """
        classifier = self._require_classifier()
        state = self.panoptic_head.objects(encoding.mask_features)
        return Objects(
            class_logits=classifier(state.class_embeddings),
            mask_logits=state.mask_logits,
            queries=state.queries,
            stages=self._read_stages(state.steps) if with_stages else (),
        )

    def prompts(
        self, encoding: Encoding, boxes_xyxy: Tensor, image_size: tuple[int, int], *, with_stages: bool = False
    ) -> Prompted:
        """One mask for each box; a click is the box of ``config.click_half_width`` around it.

        Args:
            encoding: what ``encode`` returned.
            boxes_xyxy: [B, N, 4] pixels of the unpadded picture inside the model input; may reach outside.
            image_size: height and width of that picture.
            with_stages: also return what the stages say.

        Raises:
            InputError: wrong shape, or a coordinate that is not finite.
        """
        features = encoding.mask_features
        boxes_xyxy, (height, width) = torch.as_tensor(boxes_xyxy), (int(side) for side in image_size)
        if boxes_xyxy.dim() != 3 or boxes_xyxy.shape[0] != features.shape[0] or boxes_xyxy.shape[2] != 4:
            raise InputError(f"boxes of shape {tuple(boxes_xyxy.shape)}; wanted ({features.shape[0]}, N, 4)")
        if not torch.isfinite(boxes_xyxy).all():
            raise InputError("a box has a coordinate that is not a finite number; give pixels of the picture")
        if min(height, width) < 1:
            raise InputError(f"image_size ({height}, {width}); wanted height and width of the picture, at least 1")
        size = torch.tensor([[height, width]], dtype=features.dtype, device=features.device)
        prompts = PromptSet.of_boxes(boxes_xyxy.to(features), self.config.num_points)
        state = self.panoptic_head.answer(features, prompts, size.expand(features.shape[0], -1))
        return Prompted(
            mask_logits=state.mask_logits,
            iou=state.iou,
            queries=state.queries,
            stages=self._read_stages(state.steps) if with_stages else (),
        )

    def encode_clip(self, frames: Tensor) -> Encoding:
        """Encode frames [B, T, 3, H, W] picture by picture and lay them under one another: [B, 256, T * h, w]."""
        if frames.dim() != 5 or not frames.numel():
            raise InputError(f"frames of shape {tuple(frames.shape)}; wanted (B, T, 3, H, W) with T >= 1")
        chunks = frames.flatten(0, 1).split(FRAMES_AT_ONCE)
        features = torch.cat([self.encode(chunk).mask_features for chunk in chunks])
        return Encoding(mask_features=stack_frames(features, frames.shape[1]))

    def clip(self, frames: Tensor) -> Objects:
        """The object path once over all frames [B, T, 3, H, W]: queries and classes span the clip."""
        found = self.objects(self.encode_clip(frames))
        masks = unstack_masks(found.mask_logits, frames.shape[1])
        return Objects(class_logits=found.class_logits, mask_logits=masks, queries=found.queries)

    def _require_classifier(self) -> TextClassifier:
        if self.classifier is None:
            raise InputError(
                f"{self.preset} has no class embeddings, which official checkpoints leave out; "
                "pass classifier=FILE to load_checkpoint, or --classifier FILE to rmpsam-mobile import"
            )
        return self.classifier

    def _read_stages(self, steps: Steps) -> tuple[StageOutput, ...]:
        """The stages' outputs from their queries and masks; step 0 is the state before the first stage."""
        outputs = []
        for stage, (k, mask_logits) in zip(self.panoptic_head.mask_heads, steps[1:], strict=True):
            assert isinstance(stage, Stage)
            outputs.append(stage.read(k, mask_logits, self.classifier))
        return tuple(outputs)
