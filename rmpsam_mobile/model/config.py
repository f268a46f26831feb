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
    ``outputs`` names the four stages whose maps are handed on, by rising stride. ``relu6`` bounds the activations of
    the mobile blocks, as weights that come from EfficientNet-Lite expect.
    """

    stem_width: int
    mobile: tuple[tuple[MobileBlock, ...], ...]
    axial: tuple[AxialStage, ...]
    num_heads: int
    outputs: tuple[str, str, str, str]
    relu6: bool = False

    def __post_init__(self) -> None:
        """Refuse stages that do not fit together."""
        if len(self.axial) > len(self.mobile):
            raise InputError(f"{len(self.axial)} transformer stages for {len(self.mobile)} mobile stages; use fewer")
        for stage, blocks in zip(self.axial, self.mobile[-len(self.axial) :], strict=True):
            if stage.width != blocks[-1].width:
                raise InputError(
                    f"transformer width {stage.width} after a stage of width {blocks[-1].width}; make them equal"
                )


@dataclass(frozen=True, kw_only=True)
class EfficientNetLiteConfig:
    """EfficientNet-Lite: EfficientNet (arXiv 1905.11946) without squeeze-excitation, with ReLU6, for mobile chips.

    ``blocks`` are (repeats, first block) of each stage; repeats of a stage have stride 1. ``outputs`` are the indices
    of the blocks whose maps are handed on, by rising stride 4, 8, 16, 32.
    """

    stem_width: int
    blocks: tuple[tuple[int, MobileBlock], ...]
    outputs: tuple[int, int, int, int]


EncoderConfig = ResNetConfig | SeaFormerConfig | EfficientNetLiteConfig


@dataclass(frozen=True, kw_only=True)
class PromptSetConfig:
    """The mobile prompt path: a set of points and a box as one query, a geometric first mask, a refiner.

    Attributes:
        num_points: labelled points that one prompt may have, besides one box.
        width: channels of the refiner.
        num_kernels: masks that a query reads off the features for the refiner, at each of its two resolutions.
        first_mask: start the stages from the geometric mask; without, from the query's product, as official ones do.
        refiner: let the refiner have the last word; without, the last stage's mask is enlarged. Both switches are there
            to be compared with: no preset turns them off, and the weights and their names stay.
    """

    num_points: int = 8
    width: int = 32
    num_kernels: int = 8
    first_mask: bool = True
    refiner: bool = True


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Everything that fixes the shape and the arithmetic of one network.

    ``click_half_width`` is in pixels of the model input: a click is the box of that half-width around it.
    ``stage_temperature`` divides the class logits of the stages, not those of the adapter (quirk 1).

    The rest is what the mobile sizes change: ``offset_limit`` bounds the deformable offsets in pixels of the map they
    read; ``depthwise_output`` makes the neck's last 3x3 convolution depthwise; ``stage_reduction`` is how many times
    coarser than stride 4 the stages' masks are; ``mean_pooling`` pools means under masks, which do not depend on the
    input size; ``prompt_set`` replaces the official prompt path.
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
    offset_limit: float | None = None
    depthwise_output: bool = False
    stage_reduction: int = 1
    mean_pooling: bool = False
    prompt_set: PromptSetConfig | None = None

    @property
    def num_points(self) -> int:
        """Labelled points that one prompt may have."""
        return 1 if self.prompt_set is None else self.prompt_set.num_points

    def __post_init__(self) -> None:
        """Refuse widths that heads or coordinate codes cannot divide."""
        if self.width % self.num_heads:
            raise InputError(f"width {self.width} is no multiple of {self.num_heads} heads; change one of them")
        if self.width % 4:
            raise InputError(
                f"width {self.width} is no multiple of 4, which the coordinate code needs; try {self.width // 4 * 4}"
            )
