"""The neck: four feature maps to one mask-feature map at stride 4 (reference: RMP-SAM, arXiv 2401.10228)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rmpsam_mobile.model.config import ModelConfig
from rmpsam_mobile.model.deform import NUM_TAPS, DeformConv


class DeformUpsample(nn.Module):
    """Deformable convolution, then a transposed convolution that doubles the size; norm and ReLU after each.

    ``offset_limit`` clamps the offsets to +-R pixels, so that a bounded form of the sampling is exact; it starts from
    offsets of zero, where a clamp has a gradient.
    """

    def __init__(self, in_width: int, width: int, offset_limit: float | None = None) -> None:
        super().__init__()
        self.offset_limit = offset_limit
        self.dcn_offset = nn.Conv2d(in_width, 3 * NUM_TAPS, 3, 1, 1)
        self.dcn = DeformConv(in_width, width)
        self.dcn_bn = nn.BatchNorm2d(width)
        self.up_sample = nn.ConvTranspose2d(width, width, 4, 2, 1, bias=False)
        self.up_bn = nn.BatchNorm2d(width)
        if offset_limit is not None:
            nn.init.zeros_(self.dcn_offset.weight)
            assert self.dcn_offset.bias is not None
            nn.init.zeros_(self.dcn_offset.bias)

    def forward(self, x: Tensor) -> Tensor:
        """[B, in_width, H, W] -> [B, width, 2 H, 2 W]."""
        predicted = self.dcn_offset(x)
        offsets, modulation = predicted[:, : 2 * NUM_TAPS], predicted[:, 2 * NUM_TAPS :].sigmoid()
        if self.offset_limit is not None:
            offsets = offsets.clamp(-self.offset_limit, self.offset_limit)
        x = F.relu(self.dcn_bn(self.dcn(x, offsets, modulation)))
        return F.relu(self.up_bn(self.up_sample(x)))


class Aggregation(nn.Module):
    """``deconv``: top-down path with deformable upsampling, then the sum of all levels at stride 4."""

    def __init__(
        self, in_widths: Sequence[int], width: int, *, offset_limit: float | None, depthwise_output: bool
    ) -> None:
        super().__init__()
        w2, w3, w4, w5 = in_widths
        u2, u3, u4, u5 = (w // 2 for w in in_widths)
        self.lateral_conv0, self.lateral_conv1 = nn.Conv2d(w5, u5, 1), nn.Conv2d(w4, u4, 1)
        self.lateral_conv2, self.lateral_conv3 = nn.Conv2d(w3, u3, 1), nn.Conv2d(w2, u2, 1)
        self.deform_conv1 = DeformUpsample(u5, u4, offset_limit)
        self.deform_conv2 = DeformUpsample(u4, u3, offset_limit)
        self.deform_conv3 = DeformUpsample(u3, u2, offset_limit)
        self.conv_a5, self.conv_a4 = nn.Conv2d(u5, width, 1, bias=False), nn.Conv2d(u4, width, 1, bias=False)
        self.conv_a3, self.conv_a2 = nn.Conv2d(u3, width, 1, bias=False), nn.Conv2d(u2, width, 1, bias=False)
        self.bias = nn.Parameter(torch.zeros(1, width, 1, 1))
        self.output_conv = nn.Conv2d(width, width, 3, 1, 1, groups=width if depthwise_output else 1)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Maps at strides 4, 8, 16, 32 -> [B, width, h, w] at stride 4."""
        x2, x3, x4, x5 = self.top_down(maps)
        # sum at stride 4; nothing after x2 is non-linear
        y = _enlarge(self.conv_a5(x5), 8) + _enlarge(self.conv_a4(x4), 4) + _enlarge(self.conv_a3(x3), 2)
        return self.output_conv(y + self.conv_a2(x2) + self.bias)

    def top_down(self, maps: Sequence[Tensor]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Maps at strides 4, 8, 16, 32 -> the same with what lies above them, half as many channels."""
        c2, c3, c4, c5 = maps
        x5 = self.lateral_conv0(c5)
        x4 = self.lateral_conv1(c4) + self.deform_conv1(x5)
        x3 = self.lateral_conv2(c3) + self.deform_conv2(x4)
        x2 = self.lateral_conv3(c2) + self.deform_conv3(x3)
        return x2, x3, x4, x5


class Coordinates(nn.Module):
    """Two channels that tell where a cell lies: X, then Y, from -1 to 1 over the padded model input (quirk 6)."""

    def forward(self, y: Tensor) -> Tensor:
        """[B, C, h, w] -> [B, 2, h, w]."""
        batch, _, height, width = y.shape
        columns = torch.linspace(-1, 1, width, dtype=y.dtype, device=y.device).view(1, 1, 1, width)
        rows = torch.linspace(-1, 1, height, dtype=y.dtype, device=y.device).view(1, 1, height, 1)
        grid = (batch, 1, height, width)
        return torch.cat((columns.expand(grid), rows.expand(grid)), 1)


class Neck(nn.Module):
    """Aggregation, coordinates, and the 1x1 convolution that mixes them into mask features."""

    def __init__(self, in_widths: Sequence[int], config: ModelConfig) -> None:
        super().__init__()
        self.deconv = Aggregation(
            in_widths,
            config.aggregation_width,
            offset_limit=config.offset_limit,
            depthwise_output=config.depthwise_output,
        )
        self.coordinates = Coordinates()
        self.loc_conv = nn.Conv2d(config.aggregation_width + 2, config.width, 1)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Maps at strides 4, 8, 16, 32 -> mask features [B, width, h, w] at stride 4."""
        y = self.deconv(maps)
        return self.loc_conv(torch.cat((y, self.coordinates(y)), 1))

    def located(self, maps: Sequence[Tensor]) -> Tensor:
        """What ``mixed`` makes the mask features of: z = [y; X; Y; 1], [B, C + 3, h, w]."""
        y = self.deconv(maps)
        coordinates = self.coordinates(y)
        return torch.cat((y, coordinates, torch.ones_like(coordinates[:, :1])), 1)

    def mixed(self, z: Tensor) -> Tensor:
        """``loc_conv`` with its bias as the weight of the ones: [B, C + 3, h, w] -> [B, width, h, w]."""
        return F.conv2d(z, self.mixing[:, :, None, None])

    @property
    def mixing(self) -> Tensor:
        """[width, C + 3], the matrix of ``mixed``."""
        bias = self.loc_conv.bias
        assert bias is not None
        return torch.cat((self.loc_conv.weight.flatten(1), bias[:, None]), 1)


def _enlarge(x: Tensor, factor: int) -> Tensor:
    return F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)
