"""SeaFormer image encoder (arXiv 2301.13156), the official segmentation variant's weight names.

Ours differs in two stated ways, neither of which changes a weight's shape: the last mobile stage keeps its
resolution, so that the deepest maps are at stride 32, and the four maps are those at strides 4, 8, 16 and 32.
Letters: h heads, k key width a head, K = h * k, V = 2 * K.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rmpsam_mobile.model.config import AxialStage, MobileBlock, SeaFormerConfig


class ConvNorm(nn.Sequential):
    """Convolution without bias ``c`` and batch norm ``bn``; no activation."""

    def __init__(self, in_width: int, width: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.add_module("c", nn.Conv2d(in_width, width, kernel, stride, kernel // 2, groups=groups, bias=False))
        self.add_module("bn", nn.BatchNorm2d(width))


class InvertedResidual(nn.Module):
    """Expand, depthwise, project; the input is added where shapes agree."""

    def __init__(self, in_width: int, block: MobileBlock, activation: type[nn.Module] = nn.ReLU) -> None:
        super().__init__()
        hidden = in_width * block.expansion
        depthwise = ConvNorm(hidden, hidden, block.kernel, block.stride, groups=hidden)
        project = ConvNorm(hidden, block.width)
        expand = () if block.expansion == 1 else (ConvNorm(in_width, hidden), activation())
        self.conv = nn.Sequential(*expand, depthwise, activation(), project)
        self.is_residual = block.stride == 1 and in_width == block.width

    def forward(self, x: Tensor) -> Tensor:
        """[B, in_width, H, W] -> [B, width, H / stride, W / stride]."""
        return x + self.conv(x) if self.is_residual else self.conv(x)


class MobileStage(nn.Module):
    """``smbI``: an optional stem and inverted residuals ``layer1`` .. ``layerN``."""

    def __init__(
        self, in_width: int, blocks: tuple[MobileBlock, ...], activation: type[nn.Module] = nn.ReLU, *, has_stem: bool
    ) -> None:
        super().__init__()
        if has_stem:
            self.stem_block = nn.Sequential(ConvNorm(3, in_width, 3, 2), activation())
        for i, block in enumerate(blocks, start=1):
            self.add_module(f"layer{i}", InvertedResidual(in_width, block, activation))
            in_width = block.width

    def forward(self, x: Tensor) -> Tensor:
        """Run stem and layers in order."""
        for part in self.children():
            x = part(x)
        return x


class AxisMean(nn.Module):
    """Mean over height (``axis`` 2) or width (``axis`` 3)."""

    def __init__(self, axis: int) -> None:
        super().__init__()
        self.axis = axis

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, C, W] or [B, C, H]."""
        return x.mean(self.axis)


class AxisPosition(nn.Module):
    """Learned positions along one axis, stored at 16 places and stretched to the length at hand."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.pos_embed = nn.Parameter(torch.randn(1, width, 16))

    def forward(self, x: Tensor) -> Tensor:
        """[B, K, L] -> the same plus [1, K, L]."""
        return x + F.interpolate(self.pos_embed, size=x.shape[-1], mode="linear", align_corners=False)


class SqueezeAxialAttention(nn.Module):
    """Attention along rows and along columns, each over the mean of the other axis (SeaFormer section 3.2)."""

    def __init__(self, width: int, key_width: int, num_heads: int) -> None:
        super().__init__()
        keys, values = num_heads * key_width, 2 * num_heads * key_width
        self.num_heads = num_heads
        self.scale = key_width**-0.5
        self.to_q = ConvNorm(width, keys)
        self.to_k = ConvNorm(width, keys)
        self.to_v = ConvNorm(width, values)
        self.row_mean, self.column_mean = AxisMean(3), AxisMean(2)
        self.pos_emb_rowq, self.pos_emb_rowk = AxisPosition(keys), AxisPosition(keys)
        self.pos_emb_columnq, self.pos_emb_columnk = AxisPosition(keys), AxisPosition(keys)
        self.proj_encode_row = nn.Sequential(nn.ReLU6(), ConvNorm(values, values))
        self.proj_encode_column = nn.Sequential(nn.ReLU6(), ConvNorm(values, values))
        self.dwconv = ConvNorm(2 * values, 2 * values, 3, groups=2 * values)
        self.pwconv = ConvNorm(2 * values, width)
        self.proj = nn.Sequential(nn.ReLU6(), ConvNorm(values, width))

    def forward(self, x: Tensor) -> Tensor:
        """[B, width, H, W] -> the same shape."""
        q, k, v = self.to_q(x), self.to_k(x), self.to_v(x)
        # detail enhancement kernel
        detail = self.pwconv(F.relu6(self.dwconv(torch.cat((q, k, v), 1))))
        # squeezed axial attention
        mean = self.row_mean
        row = self._attend(self.pos_emb_rowq(mean(q)), self.pos_emb_rowk(mean(k)), mean(v))  # [B, V, H]
        mean = self.column_mean
        column = self._attend(self.pos_emb_columnq(mean(q)), self.pos_emb_columnk(mean(k)), mean(v))  # [B, V, W]
        row = self.proj_encode_row(row.unsqueeze(-1))  # [B, V, H, 1]
        column = self.proj_encode_column(column.unsqueeze(-2))  # [B, V, 1, W]
        y = self.proj(v + (row + column))
        return F.hardsigmoid(y) * detail

    def _attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Softmax attention along the last axis: q, k [B, K, L], v [B, V, L] -> [B, V, L]."""
        batch, _, length = q.shape
        heads = batch * self.num_heads
        q, k, v = (t.reshape(heads, -1, length) for t in (q, k, v))
        weights = torch.bmm(q.transpose(1, 2), k) * self.scale  # [B h, L, L]
        out = torch.bmm(v, weights.softmax(-1).transpose(1, 2))
        return out.reshape(batch, -1, length)


class Mlp(nn.Module):
    """1x1, depthwise 3x3 with bias and without norm, 1x1."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = ConvNorm(width, hidden)
        self.dwconv = nn.Conv2d(hidden, hidden, 3, 1, 1, groups=hidden)
        self.fc2 = ConvNorm(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        """[B, width, H, W] -> the same shape."""
        return self.fc2(F.relu6(self.dwconv(self.fc1(x))))


class AxialBlock(nn.Module):
    """Attention and MLP, each residual; no norm besides batch norms."""

    def __init__(self, stage: AxialStage, num_heads: int) -> None:
        super().__init__()
        self.attn = SqueezeAxialAttention(stage.width, stage.key_width, num_heads)
        self.mlp = Mlp(stage.width, stage.width * stage.mlp_ratio)

    def forward(self, x: Tensor) -> Tensor:
        """[B, width, H, W] -> the same shape."""
        x = x + self.attn(x)
        return x + self.mlp(x)


class AxialTransformer(nn.Module):
    """``transT``: ``depth`` blocks of one width."""

    def __init__(self, stage: AxialStage, num_heads: int) -> None:
        super().__init__()
        self.transformer_blocks = nn.Sequential(*(AxialBlock(stage, num_heads) for _ in range(stage.depth)))

    def forward(self, x: Tensor) -> Tensor:
        """[B, width, H, W] -> the same shape."""
        return self.transformer_blocks(x)


class SeaFormer(nn.Module):
    """Mobile stages ``smb1`` .. and, after the last of them, transformer stages ``trans1`` .."""

    def __init__(self, config: SeaFormerConfig) -> None:
        super().__init__()
        self.outputs = config.outputs
        self.order: list[str] = []
        widths = {}
        activation = nn.ReLU6 if config.relu6 else nn.ReLU
        in_width, first_axial = config.stem_width, len(config.mobile) - len(config.axial)
        for i, blocks in enumerate(config.mobile):
            name = f"smb{i + 1}"
            self.add_module(name, MobileStage(in_width, blocks, activation, has_stem=i == 0))
            in_width = widths[name] = blocks[-1].width
            self.order.append(name)
            if i >= first_axial:
                name, stage = f"trans{i - first_axial + 1}", config.axial[i - first_axial]
                self.add_module(name, AxialTransformer(stage, config.num_heads))
                widths[name] = stage.width
                self.order.append(name)
        self.widths = tuple(widths[name] for name in self.outputs)

    def forward(self, pixel_values: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """[B, 3, H, W] normalised RGB -> maps at strides 4, 8, 16 and 32, widths ``self.widths``."""
        x, maps = pixel_values, {}
        for name in self.order:
            x = self.get_submodule(name)(x)
            maps[name] = x
        c2, c3, c4, c5 = (maps[name] for name in self.outputs)
        return c2, c3, c4, c5
