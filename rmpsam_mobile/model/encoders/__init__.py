"""Image encoders: pixel values to four feature maps at strides 4, 8, 16 and 32."""

from rmpsam_mobile.model.config import EncoderConfig, ResNetConfig
from rmpsam_mobile.model.encoders.resnet import ResNet
from rmpsam_mobile.model.encoders.seaformer import SeaFormer


def build_encoder(config: EncoderConfig) -> ResNet | SeaFormer:
    """Build the encoder that ``config`` describes; ``.widths`` holds the channels of its four maps."""
    if isinstance(config, ResNetConfig):
        return ResNet(config.depths, bottleneck=config.bottleneck)
    return SeaFormer(config)


__all__ = ["ResNet", "SeaFormer", "build_encoder"]
