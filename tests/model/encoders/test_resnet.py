"""What the R18 numbers of the official code cannot show: bottlenecks."""

import torch
from torch.nn import functional as F

from rmpsam_mobile.model.encoders.resnet import BasicBlock, Bottleneck, ResNet
from tests.models import enliven_norms, random_tensor, relative_error


def test_a_bottleneck_strides_in_its_middle_convolution() -> None:
    block = Bottleneck(8, 4, 2).double().eval()
    assert [conv.stride for conv in (block.conv1, block.conv2, block.conv3)] == [(1, 1), (2, 2), (1, 1)]
    assert block(random_tensor(1, 8, 6, 10)).shape == (1, 16, 3, 5)


@torch.no_grad()
def test_a_bottleneck_is_three_convolutions_and_a_shortcut() -> None:
    block = Bottleneck(8, 2, 1).double().eval()
    enliven_norms(block)
    x = random_tensor(2, 8, 5, 7)
    y = F.relu(block.bn1(F.conv2d(x, block.conv1.weight)))
    y = F.relu(block.bn2(F.conv2d(y, block.conv2.weight, padding=1)))
    y = block.bn3(F.conv2d(y, block.conv3.weight))
    assert block.downsample is None
    assert relative_error(block(x), F.relu(y + x)) < 1e-12


def test_only_blocks_that_change_shape_have_a_shortcut_convolution() -> None:
    encoder = ResNet((2, 1, 1, 1), bottleneck=False)
    blocks = [block for block in encoder.modules() if isinstance(block, BasicBlock)]
    assert [block.downsample is not None for block in blocks] == [False, False, True, True, True]
    deep = ResNet((1, 2, 1, 1), bottleneck=True)
    bottlenecks = [block for block in deep.modules() if isinstance(block, Bottleneck)]
    assert [block.downsample is not None for block in bottlenecks] == [True, True, False, True, True]
