"""EfficientNet-Lite: widths, strides, TensorFlow's padding, and ImageNet answers with the published head."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from rmpsam_mobile.contracts import Size
from rmpsam_mobile.distill.pretrained import backbone_file, pretrained_backbone, published_weights
from rmpsam_mobile.fit import fit_picture
from rmpsam_mobile.model.config import EfficientNetLiteConfig, MobileBlock
from rmpsam_mobile.model.encoders import EfficientNetLite, build_encoder
from rmpsam_mobile.model.encoders.efficientnet_lite import LiteBlock
from rmpsam_mobile.model.presets import BACKBONES
from rmpsam_mobile.preprocess import pixel_values
from tests.bundles import photo
from tests.models import enliven_norms, random_tensor, relative_error

SMALL = EfficientNetLiteConfig(
    stem_width=4,
    blocks=(
        (1, MobileBlock(3, 1, 6, 1)),
        (2, MobileBlock(3, 2, 8, 2)),
        (1, MobileBlock(5, 2, 10, 2)),
        (2, MobileBlock(3, 2, 12, 2)),
        (1, MobileBlock(5, 2, 14, 2)),
    ),
    outputs=(2, 3, 5, 6),
)
PALACE = 698  # of ImageNet's classes; china.jpg shows the Summer Palace of Beijing


@pytest.mark.parametrize(
    ("name", "widths"), [("efficientnet-lite0", (24, 40, 112, 320)), ("efficientnet-lite2", (24, 48, 120, 352))]
)
@pytest.mark.parametrize("same_padding", [True, False])
def test_four_maps_at_strides_4_to_32(name: str, widths: tuple[int, ...], same_padding: bool) -> None:
    with torch.device("meta"):
        model = build_encoder(BACKBONES[name])
        assert isinstance(model, EfficientNetLite)
        maps = model(torch.zeros(1, 3, 64, 96), same_padding=same_padding)
    assert model.widths == widths
    shapes = [(1, w, 64 // s, 96 // s) for w, s in zip(widths, (4, 8, 16, 32), strict=True)]
    assert [tuple(x.shape) for x in maps] == shapes


def test_repeats_of_a_stage_keep_the_resolution_and_add_their_input() -> None:
    blocks = EfficientNetLite(SMALL).blocks
    assert [block._depthwise_conv.stride[0] for block in blocks] == [1, 2, 1, 2, 2, 1, 2]
    assert [block.is_residual for block in blocks] == [False, False, True, False, False, True, False]
    assert [block.is_expanded for block in blocks] == [False, *[True] * 6]


@pytest.mark.parametrize(("kernel", "before", "after"), [(3, 0, 1), (5, 1, 2)])
@torch.no_grad()
def test_same_padding_puts_the_odd_pixel_right_and_below(kernel: int, before: int, after: int) -> None:
    """Each output cell by hand from TensorFlow's rule: total padding k - 2, the smaller half first."""
    block = LiteBlock(1, MobileBlock(kernel, 1, 1, 2)).double().eval()
    enliven_norms(block)
    x = random_tensor(1, 1, 8, 6)
    canvas = torch.zeros(1, 1, 8 + before + after, 6 + before + after, dtype=torch.float64)
    canvas[..., before : before + 8, before : before + 6] = x
    weight = block._depthwise_conv.weight[0, 0]
    wanted = torch.stack(
        [
            torch.stack(
                [(canvas[0, 0, 2 * i : 2 * i + kernel, 2 * j : 2 * j + kernel] * weight).sum() for j in range(3)]
            )
            for i in range(4)
        ]
    )
    assert relative_error(block.hidden(x), F.relu6(block._bn1(wanted[None, None]))) < 1e-12


@torch.no_grad()
def test_symmetric_padding_is_the_convolutions_own() -> None:
    block = LiteBlock(2, MobileBlock(5, 3, 4, 2)).double().eval()
    enliven_norms(block)
    x = random_tensor(1, 2, 8, 8)
    y = F.relu6(block._bn0(block._expand_conv(x)))
    y = block._bn2(block._project_conv(F.relu6(block._bn1(block._depthwise_conv(y)))))
    assert torch.equal(block(x, same_padding=False), y)
    assert not torch.allclose(block(x), y)


@pytest.mark.parametrize("name", ["efficientnet-lite0", "efficientnet-lite2"])
def test_a_photograph_of_a_palace_is_one(name: str) -> None:
    """The whole published network: our encoder with folded normalisation, and the file's own head by hand."""
    picture = np.ascontiguousarray(photo("china.jpg")[:, 106:533])  # the middle square
    pixels = torch.from_numpy(pixel_values(picture, fit_picture(427, 427, Size(256, 256))))
    assert pixels.shape == (1, 3, 256, 256)
    assert int(imagenet_scores(name, pixels).argmax()) == PALACE


@torch.no_grad()
def imagenet_scores(name: str, pixels: Tensor) -> Tensor:
    """[1, 3, H, W] -> [1000] probabilities."""
    head = published_weights(backbone_file(name))
    deepest = pretrained_backbone(name)(pixels)[-1]
    x = F.conv2d(deepest, head["_conv_head.weight"])
    mean, variance = head["_bn1.running_mean"], head["_bn1.running_var"]
    x = F.relu6(F.batch_norm(x, mean, variance, head["_bn1.weight"], head["_bn1.bias"], eps=1e-3))
    return F.linear(x.mean((0, 2, 3)), head["_fc.weight"], head["_fc.bias"]).softmax(0)
