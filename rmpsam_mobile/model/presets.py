"""The named sizes of the model; all numbers of a size stand here."""

from types import MappingProxyType
from typing import Final

from rmpsam_mobile.errors import InputError
from rmpsam_mobile.model.config import (
    AxialStage,
    EfficientNetLiteConfig,
    MobileBlock,
    ModelConfig,
    PromptSetConfig,
    ResNetConfig,
    SeaFormerConfig,
)

_Blocks = tuple[tuple[int, int, int, int], ...]


def _seaformer(
    stem_width: int,
    mobile: tuple[_Blocks, ...],
    axial: tuple[AxialStage, ...],
    *,
    num_heads: int,
    outputs: tuple[str, str, str, str] = ("smb1", "smb2", "smb3", "trans2"),
    relu6: bool = False,
) -> SeaFormerConfig:
    return SeaFormerConfig(
        stem_width=stem_width,
        mobile=tuple(tuple(MobileBlock(*block) for block in stage) for stage in mobile),
        axial=axial,
        num_heads=num_heads,
        outputs=outputs,
        relu6=relu6,
    )


# Each mobile block is (kernel, expansion, width, stride); each axial stage (key width a head, depth, width, mlp ratio).
_SEAFORMER_TINY = _seaformer(
    16,
    (
        ((3, 1, 16, 1), (3, 4, 16, 2), (3, 3, 16, 1)),
        ((5, 3, 32, 2), (5, 3, 32, 1)),
        ((3, 3, 64, 2), (3, 3, 64, 1)),
        ((5, 3, 128, 2),),
        ((3, 6, 160, 1),),
    ),
    (AxialStage(16, 2, 128, 2), AxialStage(24, 2, 160, 4)),
    num_heads=4,
)
_SEAFORMER_SMALL = _seaformer(
    16,
    (
        ((3, 1, 16, 1), (3, 4, 24, 2), (3, 3, 24, 1)),
        ((5, 3, 48, 2), (5, 3, 48, 1)),
        ((3, 3, 96, 2), (3, 3, 96, 1)),
        ((5, 4, 160, 2),),
        ((3, 6, 192, 1),),
    ),
    (AxialStage(16, 3, 160, 2), AxialStage(24, 3, 192, 4)),
    num_heads=6,
)
_SEAFORMER_BASE = _seaformer(
    16,
    (
        ((3, 1, 16, 1), (3, 4, 32, 2), (3, 3, 32, 1)),
        ((5, 3, 64, 2), (5, 3, 64, 1)),
        ((3, 3, 128, 2), (3, 3, 128, 1)),
        ((5, 4, 192, 2),),
        ((3, 6, 256, 1),),
    ),
    (AxialStage(16, 4, 192, 2), AxialStage(24, 4, 256, 4)),
    num_heads=8,
)
_SEAFORMER_LARGE = _seaformer(
    32,
    (
        ((3, 3, 32, 1), (3, 4, 64, 2), (3, 4, 64, 1)),
        ((5, 4, 128, 2), (5, 4, 128, 1)),
        ((3, 4, 192, 2), (3, 4, 192, 1)),
        ((5, 4, 256, 2),),
        ((3, 6, 320, 1),),
    ),
    (AxialStage(16, 3, 192, 2), AxialStage(20, 3, 256, 4), AxialStage(24, 3, 320, 6)),
    num_heads=8,
    outputs=("smb1", "smb2", "trans1", "trans3"),
)

# The mobile sizes: the widths and kernels are EfficientNet-Lite0's, so that its ImageNet weights can be inherited
# (distill/inherit.py); the expansions are what the budget leaves of its 6.
_MOBILE_OUTPUTS = ("smb1", "smb2", "smb3", "trans1")
_MOBILE_TINY = _seaformer(
    32,
    (
        ((3, 1, 16, 1), (3, 4, 24, 2), (3, 3, 24, 1)),
        ((5, 4, 40, 2), (5, 3, 40, 1)),
        ((3, 4, 80, 2), (3, 3, 80, 1), (3, 3, 80, 1), (5, 4, 112, 1), (5, 3, 112, 1)),
        ((5, 4, 192, 2), (5, 3, 192, 1)),
    ),
    (AxialStage(16, 2, 192, 2),),
    num_heads=4,
    outputs=_MOBILE_OUTPUTS,
    relu6=True,
)
_MOBILE_SMALL = _seaformer(
    32,
    (
        ((3, 1, 16, 1), (3, 6, 24, 2), (3, 6, 24, 1)),
        ((5, 6, 40, 2), (5, 6, 40, 1)),
        ((3, 6, 80, 2), (3, 4, 80, 1), (3, 4, 80, 1), (5, 6, 112, 1), (5, 4, 112, 1)),
        ((5, 6, 192, 2), (5, 4, 192, 1), (5, 4, 192, 1)),
    ),
    (AxialStage(16, 2, 192, 2),),
    num_heads=6,
    outputs=_MOBILE_OUTPUTS,
    relu6=True,
)
_MOBILE_BASE = _seaformer(
    32,
    (
        ((3, 1, 16, 1), (3, 6, 24, 2), (3, 6, 24, 1)),
        ((5, 6, 40, 2), (5, 6, 40, 1)),
        ((3, 6, 80, 2), (3, 6, 80, 1), (3, 6, 80, 1), (5, 6, 112, 1), (5, 6, 112, 1), (5, 6, 112, 1)),
        ((5, 6, 192, 2), (5, 6, 192, 1), (5, 6, 192, 1), (5, 6, 192, 1)),
    ),
    (AxialStage(16, 4, 192, 2),),
    num_heads=8,
    outputs=_MOBILE_OUTPUTS,
    relu6=True,
)


def _mobile(size: str, encoder: SeaFormerConfig, width: int, prompt_set: PromptSetConfig) -> ModelConfig:
    return ModelConfig(
        name=f"rmpsam-mobile-{size}",
        encoder=encoder,
        aggregation_width=width,
        width=width,
        num_stages=2,
        num_heads=4,
        ffn_width=4 * width,
        text_width=160,
        stage_temperature=1.0,
        offset_limit=1.0,
        depthwise_output=True,
        stage_reduction=2,
        mean_pooling=True,
        prompt_set=prompt_set,
    )


_EFFICIENTNET_LITE0 = EfficientNetLiteConfig(
    stem_width=32,
    blocks=(
        (1, MobileBlock(3, 1, 16, 1)),
        (2, MobileBlock(3, 6, 24, 2)),
        (2, MobileBlock(5, 6, 40, 2)),
        (3, MobileBlock(3, 6, 80, 2)),
        (3, MobileBlock(5, 6, 112, 1)),
        (4, MobileBlock(5, 6, 192, 2)),
        (1, MobileBlock(3, 6, 320, 1)),
    ),
    outputs=(2, 4, 10, 15),
)
_EFFICIENTNET_LITE2 = EfficientNetLiteConfig(
    stem_width=32,
    blocks=(
        (1, MobileBlock(3, 1, 16, 1)),
        (3, MobileBlock(3, 6, 24, 2)),
        (3, MobileBlock(5, 6, 48, 2)),
        (4, MobileBlock(3, 6, 88, 2)),
        (4, MobileBlock(5, 6, 120, 1)),
        (5, MobileBlock(5, 6, 208, 2)),
        (1, MobileBlock(3, 6, 352, 1)),
    ),
    outputs=(3, 6, 14, 20),
)
BACKBONES: Final = MappingProxyType(
    {"efficientnet-lite0": _EFFICIENTNET_LITE0, "efficientnet-lite2": _EFFICIENTNET_LITE2}
)

PRESETS: Final = MappingProxyType(
    {
        config.name: config
        for config in (
            ModelConfig(name="rmpsam-r50", encoder=ResNetConfig(depths=(3, 4, 6, 3), bottleneck=True)),
            ModelConfig(name="rmpsam-r18", encoder=ResNetConfig(depths=(2, 2, 2, 2), bottleneck=False)),
            ModelConfig(name="rmpsam-seaformer-tiny", encoder=_SEAFORMER_TINY),
            ModelConfig(name="rmpsam-seaformer-small", encoder=_SEAFORMER_SMALL),
            ModelConfig(name="rmpsam-seaformer-base", encoder=_SEAFORMER_BASE),
            ModelConfig(name="rmpsam-seaformer-large", encoder=_SEAFORMER_LARGE),
            _mobile("tiny", _MOBILE_TINY, 64, PromptSetConfig()),
            _mobile("small", _MOBILE_SMALL, 96, PromptSetConfig(width=40)),
            _mobile("base", _MOBILE_BASE, 128, PromptSetConfig(width=48)),
            ModelConfig(name="rmpsam-teacher-efflite2", encoder=_EFFICIENTNET_LITE2),
        )
    }
)


def preset_config(name: str) -> ModelConfig:
    """Return the preset of that name.

    Raises:
        InputError: unknown name; the known ones are listed, the nearest first.
    """
    if name in PRESETS:
        return PRESETS[name]
    from difflib import get_close_matches

    near = get_close_matches(name, PRESETS, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise InputError(f"unknown preset {name!r}; {hint}known: {', '.join(PRESETS)}; see rmpsam-mobile list")
