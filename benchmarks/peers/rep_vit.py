"""RepViT-M1 (today called M0.9), shape for shape, as an image encoder of EdgeSAM's kind.

Shapes from RepViT (arXiv 2307.09283, section 3 and its table of architectures) and EdgeSAM (arXiv 2312.06660, figure 2:
the maps of strides 16 and 32 are added, the latter enlarged). It is built as it is deployed, its branches and norms
merged into plain convolutions; the weights are random.
"""

from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.peers.blocks import NECK_WIDTH, Neck

WIDTHS = (48, 96, 192, 384)
PAIRS = (1, 1, 7, 1)  # of a block with squeeze and excitation and one without, in each stage
EXPANSION = 2


class Excitation(nn.Module):
    """Squeeze and excitation over a quarter of the channels, rounded to eights."""

    def __init__(self, width: int) -> None:
        super().__init__()
        hidden = max(8, (width // 4 + 4) // 8 * 8)
        self.squeeze, self.excite = nn.Conv2d(width, hidden, 1), nn.Conv2d(hidden, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> the same shape."""
        return x * self.excite(F.relu(self.squeeze(x.mean((2, 3), keepdim=True)))).sigmoid()


class Mixer(nn.Module):
    """The residual part that mixes channels."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.expand, self.project = nn.Conv2d(width, EXPANSION * width, 1), nn.Conv2d(EXPANSION * width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> the same shape."""
        return x + self.project(F.gelu(self.expand(x)))


class Block(nn.Module):
    """A depthwise convolution, into which its branches are merged, and a mixer."""

    def __init__(self, width: int, *, with_excitation: bool) -> None:
        super().__init__()
        self.spatial = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.excitation = Excitation(width) if with_excitation else nn.Identity()
        self.mixer = Mixer(width)

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> the same shape."""
        out: Tensor = self.mixer(self.excitation(self.spatial(x)))
        return out


class Downsampling(nn.Module):
    """Half the sides, other channels, and a mixer."""

    def __init__(self, in_width: int, width: int) -> None:
        super().__init__()
        self.spatial = nn.Conv2d(in_width, in_width, 3, stride=2, padding=1, groups=in_width)
        self.widen, self.mixer = nn.Conv2d(in_width, width, 1), Mixer(width)

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, O, H / 2, W / 2]."""
        out: Tensor = self.mixer(self.widen(self.spatial(x)))
        return out


class RepVit(nn.Module):
    """The trunk."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, WIDTHS[0] // 2, 3, stride=2, padding=1)
        self.stem2 = nn.Conv2d(WIDTHS[0] // 2, WIDTHS[0], 3, stride=2, padding=1)
        self.stages = nn.ModuleList(_stage(i) for i in range(len(WIDTHS)))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """[1, 3, H, W] -> maps of strides 16 and 32: [1, 192, H / 16, W / 16], [1, 384, H / 32, W / 32]."""
        x = self.stem2(F.gelu(self.stem(x)))
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps[2], maps[3]


def _stage(index: int) -> nn.Sequential:
    width = WIDTHS[index]
    blocks: list[nn.Module] = [Downsampling(WIDTHS[index - 1], width)] if index else []
    for _ in range(PAIRS[index]):
        blocks += [Block(width, with_excitation=True), Block(width, with_excitation=False)]
    if index < len(WIDTHS) - 1:
        blocks.append(Block(width, with_excitation=False))
    return nn.Sequential(*blocks)


class EdgeSamEncoder(nn.Module):
    """An image encoder of EdgeSAM's shape."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk, self.neck = RepVit(), Neck(NECK_WIDTH)
        self.near = nn.Conv2d(WIDTHS[2], NECK_WIDTH, 1, bias=False)
        self.far = nn.Conv2d(WIDTHS[3], NECK_WIDTH, 1, bias=False)

    def forward(self, pixel_values: Tensor) -> Tensor:
        """[1, 3, H, W] -> [1, 256, H / 16, W / 16]."""
        near, far = self.trunk(pixel_values)
        enlarged = F.interpolate(self.far(far), scale_factor=2.0, mode="bilinear", align_corners=False)
        out: Tensor = self.neck(self.near(near) + enlarged)
        return out
