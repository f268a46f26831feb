"""TinyViT-5M, shape for shape, as the image encoder of MobileSAM.

Shapes from TinyViT (arXiv 2207.10666, section 3 and table 1) and MobileSAM (arXiv 2306.14289, whose last stage keeps
stride 16 and whose windows are padded); the weights are random. Letters: N windows, T tokens a window, C channels.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.peers.blocks import ConvNorm, Neck

WIDTHS = (64, 128, 160, 320)
DEPTHS = (2, 2, 6, 2)
HEAD_WIDTH = 32  # of all stages
WINDOWS = (0, 7, 14, 7)  # side in tokens; the first stage is convolutional
EXPANSION = 4


class MobileBlock(nn.Module):
    """An inverted residual block, with an activation after the sum."""

    def __init__(self, width: int) -> None:
        super().__init__()
        hidden = EXPANSION * width
        self.expand, self.spatial = ConvNorm(width, hidden), ConvNorm(hidden, hidden, 3, groups=hidden)
        self.project = ConvNorm(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> the same shape."""
        return F.gelu(x + self.project(F.gelu(self.spatial(F.gelu(self.expand(x))))))


class Merging(nn.Module):
    """From one stage to the next: other channels, and half the sides unless ``stride`` is 1."""

    def __init__(self, in_width: int, width: int, stride: int) -> None:
        super().__init__()
        self.enter = ConvNorm(in_width, width)
        self.spatial = ConvNorm(width, width, 3, stride=stride, groups=width)
        self.leave = ConvNorm(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, O, H / stride, W / stride]."""
        out: Tensor = self.leave(F.gelu(self.spatial(F.gelu(self.enter(x)))))
        return out


class Attention(nn.Module):
    """Self-attention of the tokens of each window, with a learned bias for each distance along both axes."""

    table: Tensor

    def __init__(self, width: int, side: int) -> None:
        super().__init__()
        self.heads = width // HEAD_WIDTH
        self.norm = nn.LayerNorm(width)
        self.qkv, self.project = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.biases = nn.Parameter(torch.randn(self.heads, side * side))
        rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
        apart = [(axis.flatten()[:, None] - axis.flatten()).abs() for axis in (rows, columns)]
        # MobileSAM, too, looks the biases up once, before inference
        self.register_buffer("table", self.biases.detach()[:, apart[0] * side + apart[1]], persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """[N, T, C] -> the same shape."""
        windows, tokens, width = x.shape
        qkv = self.qkv(self.norm(x)).view(windows, tokens, self.heads, -1)
        q, k, v = (part.permute(0, 2, 1, 3) for part in qkv.split(HEAD_WIDTH, dim=3))
        scores = q @ k.transpose(-2, -1) * HEAD_WIDTH**-0.5 + self.table
        mixed = scores.softmax(-1) @ v
        out: Tensor = self.project(mixed.transpose(1, 2).reshape(windows, tokens, width))
        return out


class TransformerBlock(nn.Module):
    """Attention in windows, a depthwise convolution, and two layers a token."""

    def __init__(self, width: int, side: int) -> None:
        super().__init__()
        self.side = side
        self.attention = Attention(width, side)
        self.local = ConvNorm(width, width, 3, groups=width)
        self.norm = nn.LayerNorm(width)
        self.expand, self.project = nn.Linear(width, EXPANSION * width), nn.Linear(EXPANSION * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """[1, C, H, W] -> the same shape."""
        tokens = x.permute(0, 2, 3, 1)
        x = self.local((tokens + self._in_windows(tokens)).permute(0, 3, 1, 2))
        tokens = x.permute(0, 2, 3, 1)
        tokens = tokens + self.project(F.gelu(self.expand(self.norm(tokens))))
        return tokens.permute(0, 3, 1, 2)

    def _in_windows(self, x: Tensor) -> Tensor:
        """[1, H, W, C] -> the same shape; the last row and column of windows are padded."""
        (_, height, width, channels), side = x.shape, self.side
        rows, columns = -(-height // side), -(-width // side)
        if (rows * side, columns * side) != (height, width):
            x = F.pad(x, (0, 0, 0, columns * side - width, 0, rows * side - height))
        windows = x.view(rows, side, columns, side, channels).permute(0, 2, 1, 3, 4)
        mixed = self.attention(windows.reshape(rows * columns, side * side, channels))
        mixed = mixed.view(rows, columns, side, side, channels).permute(0, 2, 1, 3, 4)
        joined: Tensor = mixed.reshape(1, rows * side, columns * side, channels)
        return joined[:, :height, :width]


class TinyVit(nn.Module):
    """The trunk.

    Args:
        last_stride: of the last merging: 2 in TinyViT, 1 in MobileSAM.
    """

    def __init__(self, last_stride: int = 1) -> None:
        super().__init__()
        self.stem, self.stem2 = (
            ConvNorm(3, WIDTHS[0] // 2, 3, stride=2),
            ConvNorm(WIDTHS[0] // 2, WIDTHS[0], 3, stride=2),
        )
        stages: list[nn.Module] = [MobileBlock(WIDTHS[0]) for _ in range(DEPTHS[0])]
        for stage, stride in ((1, 2), (2, 2), (3, last_stride)):
            stages.append(Merging(WIDTHS[stage - 1], WIDTHS[stage], stride))
            stages += [TransformerBlock(WIDTHS[stage], WINDOWS[stage]) for _ in range(DEPTHS[stage])]
        self.stages = nn.Sequential(*stages)

    def forward(self, x: Tensor) -> Tensor:
        """[1, 3, H, W] -> [1, 320, H / 16, W / 16], or / 32."""
        out: Tensor = self.stages(self.stem2(F.gelu(self.stem(x))))
        return out


class MobileSamEncoder(nn.Module):
    """MobileSAM's image encoder."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk, self.neck = TinyVit(), Neck(WIDTHS[-1])

    def forward(self, pixel_values: Tensor) -> Tensor:
        """[1, 3, H, W] -> [1, 256, H / 16, W / 16]."""
        out: Tensor = self.neck(self.trunk(pixel_values))
        return out
