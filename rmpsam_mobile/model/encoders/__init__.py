"""Image encoders: pixel values to four feature maps at strides 4, 8, 16 and 32."""

from rmpsam_mobile.model.config import EfficientNetLiteConfig, EncoderConfig, ResNetConfig
from rmpsam_mobile.model.encoders.efficientnet_lite import EfficientNetLite
from rmpsam_mobile.model.encoders.resnet import ResNet
from rmpsam_mobile.model.encoders.seaformer import SeaFormer


def build_encoder(config: EncoderConfig) -> ResNet | SeaFormer | EfficientNetLite:
    """Build the encoder that ``config`` describes; ``.widths`` holds the channels of its four maps."""
    if isinstance(config, ResNetConfig):
        return ResNet(config.depths, bottleneck=config.bottleneck)
    if isinstance(config, EfficientNetLiteConfig):
        return EfficientNetLite(config)
    return SeaFormer(config)


__all__ = ["EfficientNetLite", "ResNet", "SeaFormer", "build_encoder"]
