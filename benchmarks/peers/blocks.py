"""What the encoders of SAM's small relatives share: convolutions with norms, norms over channels, and SAM's neck."""

import torch
from torch import Tensor, nn

NECK_WIDTH = 256  # channels of the features that SAM's decoder reads


class ConvNorm(nn.Module):
    """A convolution and its batch norm."""

    def __init__(self, in_width: int, width: int, kernel: int = 1, *, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_width, width, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, O, H / stride, W / stride]."""
        out: Tensor = self.norm(self.conv(x))
        return out


class ChannelNorm(nn.Module):
    """A layer norm over the channels of a map, spelled with means as in SAM's code (arXiv 2304.02643)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> the same shape."""
        centred = x - x.mean(1, keepdim=True)
        normed = centred / torch.sqrt(centred.pow(2).mean(1, keepdim=True) + 1e-6)
        return self.weight[:, None, None] * normed + self.bias[:, None, None]


class Neck(nn.Module):
    """SAM's neck: from the trunk's width to what its decoder reads."""

    def __init__(self, in_width: int) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(in_width, NECK_WIDTH, 1, bias=False)
        self.norm = ChannelNorm(NECK_WIDTH)
        self.mix = nn.Conv2d(NECK_WIDTH, NECK_WIDTH, 3, padding=1, bias=False)
        self.mixed_norm = ChannelNorm(NECK_WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, 256, H, W]."""
        out: Tensor = self.mixed_norm(self.mix(self.norm(self.narrow(x))))
        return out
