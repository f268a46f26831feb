"""A small U-Net over the map of one prompt: query, geometry and features together decide each pixel.

The query's part enters as masks that its kernels read off the features (conditional convolutions, CondInst, arXiv
2003.05664) and as a gain of each channel (FiLM, arXiv 1709.07871). Letters as in prompt_path.py; K kernels; prompts
are laid into the batch axis: M = B * N.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rmpsam_mobile.model.config import PromptSetConfig
from rmpsam_mobile.model.decoder import mask_product


class _ConvNorm(nn.Sequential):
    """Convolution without bias and batch norm; no activation."""

    def __init__(self, in_width: int, width: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> None:
        conv = nn.Conv2d(in_width, width, kernel, stride, kernel // 2, groups=groups, bias=False)
        super().__init__(conv, nn.BatchNorm2d(width))


class _Block(nn.Module):
    """Depthwise 5x5 and 1x1, residual where the size stays."""

    def __init__(self, width: int, stride: int = 1) -> None:
        super().__init__()
        self.is_residual = stride == 1
        self.depthwise = _ConvNorm(width, width, 5, stride, groups=width)
        self.pointwise = _ConvNorm(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """[M, W, h, w] -> [M, W, h / stride, w / stride]."""
        y = self.pointwise(F.relu(self.depthwise(x)))
        return F.relu(x + y if self.is_residual else y)


class Refiner(nn.Module):
    """Mask logits at stride 4 from a query, its geometry and its last mask."""

    def __init__(self, in_width: int, num_maps: int, config: PromptSetConfig) -> None:
        super().__init__()
        width, kernels = config.width, config.num_kernels
        self.num_kernels = kernels
        self.scale = in_width**-0.5
        self.coarse_kernels = nn.Linear(in_width, kernels * in_width)
        self.fine_kernels = nn.Linear(in_width, kernels * in_width)
        self.gain = nn.Linear(in_width, width)
        self.static = nn.Conv2d(in_width, width, 1)
        self.join = _ConvNorm(kernels + num_maps + 1, width)
        self.enter = _Block(width)
        self.down1, self.down2 = _Block(width, 2), _Block(width, 2)
        self.deep = nn.Sequential(_Block(width), _Block(width))
        self.middle, self.leave = _Block(width), _Block(width)
        self.squeeze = nn.Conv2d(width, kernels + 1, 1)
        self.edges = _ConvNorm(kernels, kernels, 3, groups=kernels)
        self.mask = nn.Conv2d(kernels, 1, 1)

    def forward(self, features: Tensor, coarse: Tensor, k: Tensor, maps: Tensor, mask_logits: Tensor) -> Tensor:
        """Refine.

        Args:
            features: [B, C, h, w].
            coarse: [B, C, hc, wc].
            k: queries [B, N, C].
            maps: geometry [B, N, maps, hc, wc].
            mask_logits: [B, N, hc, wc] of the last stage.

        Returns:
            [B, N, h, w].
        """
        batch, num, _ = k.shape
        read = self._read(self.coarse_kernels(k), coarse)  # [M, K, hc, wc]
        last = (mask_logits / 4).clamp(-4, 4).flatten(0, 1).unsqueeze(1)
        x = self.join(torch.cat((read, maps.flatten(0, 1), last), 1))
        x = (x.unflatten(0, (batch, num)) + self.static(coarse).unsqueeze(1)).flatten(0, 1)
        gain = self.gain(k).reshape(batch * num, -1, 1, 1)
        x = self._unet(F.relu(x * (1 + gain)))
        # at stride 4: coarse answer, and edges where the features have them
        x = F.interpolate(self.squeeze(x), size=features.shape[-2:], mode="bilinear", align_corners=False)
        fine = F.relu(x[:, 1:] + self._read(self.fine_kernels(k), features))
        logits = x[:, :1] + self.mask(F.relu(self.edges(fine)))
        return logits.reshape(batch, num, *features.shape[-2:])

    def _read(self, kernels: Tensor, features: Tensor) -> Tensor:
        """[B, N, K C] kernels and [B, C, h, w] -> [M, K, h, w]."""
        batch, num, _ = kernels.shape
        products = mask_product(kernels.reshape(batch, num * self.num_kernels, -1) * self.scale, features)
        return products.reshape(batch * num, self.num_kernels, *features.shape[-2:])

    def _unet(self, x: Tensor) -> Tensor:
        """[M, W, hc, wc] -> the same shape."""
        fine = self.enter(x)
        middle = self.down1(fine)
        deep = self.deep(self.down2(middle))
        middle = self.middle(middle + _enlarge(deep, middle))
        return self.leave(fine + _enlarge(middle, fine))


def _enlarge(x: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=False)
