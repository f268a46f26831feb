"""Boxes to prompt queries: normalised corners, sine code, one linear layer.

The released model does not use SAM's random Fourier code. A click is the box of a few pixels around it.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

MARGIN = 1e-5  # keeps the official inverse sigmoid finite


@dataclass(frozen=True)
class PromptSet:
    """N prompts a picture, each up to P labelled points and at most one box; pixels of the model input.

    Attributes:
        points: [B, N, P, 2] xy.
        labels: [B, N, P + 1], one for each point, then one for the box: 1 foreground or present, 0 background,
            -1 empty (``contracts.PointLabel``).
        boxes: [B, N, 4] xyxy.
    """

    points: Tensor
    labels: Tensor
    boxes: Tensor

    @property
    def is_foreground(self) -> Tensor:
        """[B, N, P], 1 for foreground points."""
        return self.labels[..., :-1].clamp(0, 1)

    @property
    def is_background(self) -> Tensor:
        """[B, N, P], 1 for background points; labels are whole numbers."""
        return (1 - self.labels[..., :-1].abs()).clamp(0, 1)

    @property
    def has_box(self) -> Tensor:
        """[B, N, 1], 1 where there is a box."""
        return self.labels[..., -1:].clamp(0, 1)

    @classmethod
    def of_boxes(cls, boxes: Tensor, num_points: int) -> "PromptSet":
        """Boxes [B, N, 4] alone."""
        labels = boxes.new_full((*boxes.shape[:2], num_points + 1), -1)
        labels[..., -1] = 1
        return cls(boxes.new_zeros((*boxes.shape[:2], num_points, 2)), labels, boxes)


def click_boxes(points: Tensor, half_width: float) -> Tensor:
    """Boxes around clicks, not clipped: [..., 2] xy -> [..., 4] xyxy, pixels of the model input."""
    return torch.cat((points - half_width, points + half_width), -1)


def normalise_boxes(boxes: Tensor, image_size: Tensor) -> Tensor:
    """Corners to centre and size in units of the fitted picture, clamped to [0, 1] but for a margin.

    The official code takes an inverse sigmoid and a sigmoid of the result in turn; together they are this clamp.

    Args:
        boxes: [B, N, 4] xyxy in pixels of the model input; may reach outside of the picture.
        image_size: [B, 2] height and width of the fitted picture, without padding (quirk 6).

    Returns:
        [B, N, 4] cx, cy, w, h in [1e-5 / (1 + 1e-5), 1 / (1 + 1e-5)].
    """
    height, width = image_size[:, None, 0:1], image_size[:, None, 1:2]
    x1, y1, x2, y2 = boxes[..., 0:1], boxes[..., 1:2], boxes[..., 2:3], boxes[..., 3:4]
    b = torch.cat(((x1 + x2) / (2 * width), (y1 + y2) / (2 * height), (x2 - x1) / width, (y2 - y1) / height), -1)
    b = b.clamp(0, 1)
    low, high = b.clamp(min=MARGIN), (1 - b).clamp(min=MARGIN)
    return low / (low + high)


class SineCode(nn.Module):
    """Sine and cosine of each coordinate at ``num_features / 2`` wavelengths, interleaved (DETR, arXiv 2005.12872)."""

    def __init__(self, num_features: int = 128, temperature: float = 10000.0) -> None:
        super().__init__()
        self.num_features = num_features
        self.temperature = temperature

    def frequencies(self, like: Tensor) -> Tensor:
        """[num_features / 2] factors in the dtype of ``like``; quirk 17: float64 models have float64 exponents."""
        exponent = torch.arange(self.num_features // 2, dtype=like.dtype, device=like.device) * (2 / self.num_features)
        return 2 * math.pi / self.temperature**exponent

    def forward(self, boxes: Tensor) -> Tensor:
        """[B, N, 4] cx, cy, w, h -> [B, N, 4 * num_features] in the order cy, cx, w, h."""
        v = torch.cat((boxes[..., 1:2], boxes[..., 0:1], boxes[..., 2:4]), -1)
        angles = v.unsqueeze(-1) * self.frequencies(boxes)  # [B, N, 4, num_features / 2]
        return torch.stack((angles.sin(), angles.cos()), -1).flatten(2)
