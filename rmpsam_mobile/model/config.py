"""The numbers of a model: frozen dataclasses, checked at birth."""

from dataclasses import dataclass
from typing import NamedTuple

from rmpsam_mobile.errors import InputError


@dataclass(frozen=True, kw_only=True)
class ResNetConfig:
    """ResNet of torchvision's layout (arXiv 1512.03385)."""

    depths: tuple[int, int, int, int]
    bottleneck: bool


class MobileBlock(NamedTuple):
    """One inverted residual of a SeaFormer stage."""

    kernel: int
    expansion: int
    width: int
    stride: int


class AxialStage(NamedTuple):
    """One transformer stage of SeaFormer; ``key_width`` is per head."""

    key_width: int
    depth: int
    width: int
    mlp_ratio: int


@dataclass(frozen=True, kw_only=True)
class SeaFormerConfig:
    """SeaFormer (arXiv 2301.13156) with both deep stages at stride 32.

    ``mobile[i]`` are the blocks of ``smb{i+1}``. ``axial`` stages follow the last ``smb`` stages, one each.
    ``outputs`` names the four stages whose maps are handed on, by rising stride.
    """

    stem_width: int
    mobile: tuple[tuple[MobileBlock, ...], ...]
    axial: tuple[AxialStage, ...]
    num_heads: int
    outputs: tuple[str, str, str, str]

    def __post_init__(self) -> None:
        """Refuse stages that do not fit together."""
        if len(self.axial) > len(self.mobile):
            raise InputError(f"{len(self.axial)} transformer stages for {len(self.mobile)} mobile stages; use fewer")
        for stage, blocks in zip(self.axial, self.mobile[-len(self.axial) :], strict=True):
            if stage.width != blocks[-1].width:
                raise InputError(
                    f"transformer width {stage.width} after a stage of width {blocks[-1].width}; make them equal"
                )


EncoderConfig = ResNetConfig | SeaFormerConfig


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Everything that fixes the shape and the arithmetic of one network.

    ``click_half_width`` is in pixels of the model input: a click is the box of that half-width around it.
    ``stage_temperature`` divides the class logits of the stages, not those of the adapter (quirk 1).
    """

    name: str
    encoder: EncoderConfig
    aggregation_width: int = 128
    width: int = 256
    num_queries: int = 100
    num_stages: int = 3
    num_heads: int = 8
    ffn_width: int = 2048
    text_width: int = 768
    stage_temperature: float = 0.1
    click_half_width: float = 3.0

    def __post_init__(self) -> None:
        """Refuse widths that heads or coordinate codes cannot divide."""
        if self.width % self.num_heads:
            raise InputError(f"width {self.width} is no multiple of {self.num_heads} heads; change one of them")
        if self.width % 4:
            raise InputError(
                f"width {self.width} is no multiple of 4, which the coordinate code needs; try {self.width // 4 * 4}"
            )
