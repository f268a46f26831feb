"""A SeaFormer trunk inherits the weights of an EfficientNet-Lite whose widths, kernels and strides it shares.

Where the student's expansion is smaller, hidden channels are pruned by the optimal brain surgeon's rule (Hassibi and
Stork, NIPS 1992) and the projection is refit by least squares on the student's own, already inherited input, so that
the error of earlier blocks is corrected and not handed on (He et al., Channel pruning, arXiv 1707.06168, sections 3.1
and 3.3). The source runs with symmetric padding, as the student does, so that positions agree.
Letters: N cells, H hidden channels of the source, K those kept, C channels of a block's output.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn

from rmpsam_mobile.errors import InputError
from rmpsam_mobile.model.encoders import EfficientNetLite, SeaFormer
from rmpsam_mobile.model.encoders.efficientnet_lite import LiteBlock
from rmpsam_mobile.model.encoders.seaformer import AxialBlock, ConvNorm, InvertedResidual, MobileStage

CHUNK: Final = 8  # pictures that run at once
MAX_CELLS: Final = 20_000  # that one regression sees
RIDGE: Final = 1e-2  # in units of a hidden channel's variance
LEAST_DEVIATION: Final = 0.02  # of a hidden channel, whose values reach 6


class InheritedBlock(NamedTuple):
    """What one block of the student got.

    Attributes:
        path: of the student's block.
        source: index of the source's block.
        kept: hidden channels of the student.
        of: hidden channels of the source.
        error: ||student - source|| / ||source|| of the output maps, with all earlier blocks inherited.
        correlation: of these maps, over all values, each channel's mean taken off first.
    """

    path: str
    source: int
    kept: int
    of: int
    error: float
    correlation: float


class Match(NamedTuple):
    """A block of the student and the block of the source that it inherits from."""

    path: str
    block: InvertedResidual
    source: int


@torch.no_grad()
def inherit_trunk(student: SeaFormer, source: EfficientNetLite, pixels: Tensor) -> list[InheritedBlock]:
    """Give the student's mobile stages the source's weights; its axial blocks start as the identity.

    Args:
        student: changed in place; its mode stays as it was.
        source: not changed; in eval mode.
        pixels: [B, 3, S, S] normalised pictures, S a multiple of 32; the deepest level should have several cells for
            each of its hidden channels: 128 pictures of 256 pixels give 8192.

    Raises:
        InputError: the student's blocks are no part of the source's, or the source is in training mode.
    """
    if source.training:
        raise InputError("the source is in training mode; call eval() on it first")
    matches = match_blocks(student, source)
    was_training = student.training
    student.eval()
    stem = student.get_submodule("smb1.stem_block")
    copy_conv_norm(source._conv_stem, source._bn0, _conv_norms(stem)[0])
    ours = [stem(chunk) for chunk in pixels.split(CHUNK)]
    theirs = [source.stem(chunk, same_padding=False) for chunk in pixels.split(CHUNK)]
    report, done = [], 0
    for path, block, index in matches:
        # up to and with this one: the student may lack blocks before it
        for teacher in source.blocks[done : index + 1]:
            theirs = [teacher(x, same_padding=False) for x in theirs]
        done, teacher = index + 1, source.blocks[index]
        inherit_block(block, teacher, ours, theirs)
        ours = [block(x) for x in ours]
        widths = _hidden_width(block), teacher._depthwise_conv.out_channels
        report.append(InheritedBlock(path, index, *widths, *agreement(ours, theirs)))
    start_as_identity(student)
    student.train(was_training)
    return report


def match_blocks(student: SeaFormer, source: EfficientNetLite) -> list[Match]:
    """Find for each block of the student, in order, the next of the source with its kernel, stride and widths.

    Of a stage with more repeats than the student has, the first ones are taken.

    Raises:
        InputError: stems differ, no block is left that fits, or the activations differ.
    """
    stem = _conv_norms(student.get_submodule("smb1.stem_block"))[0]
    if _conv(stem).weight.shape != source._conv_stem.weight.shape:
        raise InputError(
            f"the student's stem is {tuple(_conv(stem).weight.shape)}, the source's "
            f"{tuple(source._conv_stem.weight.shape)}; take a student with the source's widths"
        )
    matches, start = [], 0
    for path, block in _student_blocks(student):
        fitting = [i for i, other in enumerate(source.blocks) if i >= start and _fits(block, other)]
        if not fitting:
            raise InputError(
                f"{path} (kernel, stride, widths {_shape(_conv_norms(block.conv))}) fits no block of the source from "
                f"{start} on; take a student with the source's kernels, widths and ReLU6 and at most its expansions"
            )
        matches.append(Match(path, block, fitting[0]))
        start = fitting[0] + 1
    return matches


def inherit_block(
    block: InvertedResidual, teacher: LiteBlock, inputs: Sequence[Tensor], wanted: Sequence[Tensor]
) -> None:
    """Copy a block of equal size exactly; else prune hidden channels and refit the projection.

    Args:
        block: changed in place.
        teacher: block of the source, in eval mode.
        inputs: [B, in_width, H, W] each, what the student's block will see.
        wanted: [B, C, H', W'] each, what the source's block gives, its shortcut included.
    """
    *before, project = _conv_norms(block.conv)
    if _hidden_width(block) == teacher._depthwise_conv.out_channels:
        kept = torch.arange(_hidden_width(block))
        copy_conv_norm(teacher._project_conv, teacher._bn2, project)
    else:
        residuals = [y - x for x, y in zip(inputs, wanted, strict=True)] if block.is_residual else wanted
        hidden = (teacher.hidden(x, same_padding=False) for x in inputs)
        cells, targets = sample_cells(hidden, residuals)
        kept = choose_channels(cells, targets, _hidden_width(block))
        set_projection(project, cells[:, kept], targets)
    if teacher.is_expanded:
        copy_conv_norm(teacher._expand_conv, teacher._bn0, before[0], kept)
    copy_conv_norm(teacher._depthwise_conv, teacher._bn1, before[-1], kept)


def sample_cells(hidden: Iterator[Tensor], targets: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Draw at most MAX_CELLS cells, the same of both: maps [B, H, h, w] and [B, C, h, w] -> [N, H], [N, C] float64."""
    generator = torch.Generator().manual_seed(0)
    quota = MAX_CELLS // len(targets)
    rows, wanted = [], []
    for x, y in zip(hidden, targets, strict=True):
        where = torch.randperm(y.shape[0] * y[0, 0].numel(), generator=generator)[:quota]
        rows.append(x.movedim(1, -1).flatten(0, 2)[where].double())
        wanted.append(y.movedim(1, -1).flatten(0, 2)[where].double())
    return torch.cat(rows), torch.cat(wanted)


def choose_channels(cells: Tensor, targets: Tensor, count: int) -> Tensor:
    """Drop hidden channels one by one, always the one without which a refit projection errs least more.

    With W the ridge solution and G the regularised covariance of the channels, dropping j adds
    ||W_j||^2 / (G^-1)_jj to the squared error, and G^-1 and W follow by a rank-one step (optimal brain surgeon).

    Args:
        cells: [N, H] hidden activations.
        targets: [N, C] what the projection shall give.
        count: channels to keep, K.

    Returns:
        [K] int64 rising indices.
    """
    covariance, cross = _moments(cells, targets)
    inverse = torch.linalg.inv(covariance)
    weight = inverse @ cross
    is_kept = torch.ones_like(weight[:, 0], dtype=torch.bool)
    for _ in range(len(weight) - count):
        cost = weight.square().sum(1) / inverse.diagonal()
        cost[~is_kept] = torch.inf
        j = int(cost.argmin())
        column = inverse[:, j] / inverse[j, j]
        weight -= torch.outer(column, weight[j])
        inverse -= torch.outer(column, inverse[j])
        is_kept[j] = False
        inverse[j, j] = 1.0  # a dropped row is zero; keep the quotient above finite
    return is_kept.nonzero().flatten()


def set_projection(project: ConvNorm, cells: Tensor, targets: Tensor) -> None:
    """Fit ``project`` from [N, K] hidden activations to [N, C] targets; its norm gets the fit's own statistics.

    The running mean and variance are those of the convolution's output over the cells, and scale and shift undo them,
    so that the function is the least-squares one in eval mode and about the same in training mode.
    """
    conv, norm = _conv(project), _norm(project)
    covariance, cross = _moments(cells, targets)
    weight = torch.linalg.solve(covariance, cross) / _scale(cells)[:, None]  # [K, C]
    outputs = cells @ weight
    variance, mean = torch.var_mean(outputs, 0)
    conv.weight.copy_(weight.T[:, :, None, None])
    _mean(norm).copy_(mean)
    _variance(norm).copy_(variance)
    norm.weight.copy_((variance + norm.eps).sqrt())
    norm.bias.copy_(targets.mean(0))


def copy_conv_norm(conv: nn.Conv2d, norm: nn.BatchNorm2d, target: ConvNorm, kept: Tensor | None = None) -> None:
    """Copy a convolution and its norm, or only the output channels ``kept`` [K], without changing the function.

    The norms differ in epsilon: scale' = scale * sqrt((variance + epsilon') / (variance + epsilon)).
    """
    if kept is None:
        kept = torch.arange(conv.out_channels)
    own = _norm(target)
    _conv(target).weight.copy_(conv.weight[kept])
    variance = _variance(norm)[kept].double()
    own.weight.copy_(norm.weight[kept] * ((variance + own.eps) / (variance + norm.eps)).sqrt())
    own.bias.copy_(norm.bias[kept])
    _mean(own).copy_(_mean(norm)[kept])
    _variance(own).copy_(variance)


@torch.no_grad()
def start_as_identity(student: SeaFormer) -> None:
    """Silence both residual branches of every axial block by a last norm of zeros, which gradients reach."""
    for block in student.modules():
        if isinstance(block, AxialBlock):
            for last in (block.attn.pwconv, block.mlp.fc2):
                _norm(last).weight.zero_()
                _norm(last).bias.zero_()


def agreement(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> tuple[float, float]:
    """Relative error and correlation of maps, [B, C, h, w] each, over all of them; see `InheritedBlock`."""
    count, terms = 0, theirs[0].new_zeros(6, theirs[0].shape[1], dtype=torch.float64)
    for a, b in zip(ours, theirs, strict=True):
        x, y = (m.movedim(1, 0).flatten(1).double() for m in (a, b))  # [C, N]
        count += x.shape[1]
        terms += torch.stack([t.sum(1) for t in (x, y, x * x, y * y, x * y, (x - y).square())])
    sum_x, sum_y, xx, yy, xy, difference = terms
    error = (difference.sum() / yy.sum()).sqrt()
    var_x, var_y = (xx - sum_x * sum_x / count).sum(), (yy - sum_y * sum_y / count).sum()
    return float(error), float((xy - sum_x * sum_y / count).sum() / (var_x * var_y).sqrt())


def _moments(cells: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Regularised covariance [H, H] of the channels at unit variance, and their covariance [H, C] with the targets."""
    x = (cells - cells.mean(0)) / _scale(cells)
    covariance = x.T @ x / len(x)
    covariance.diagonal().add_(RIDGE)
    return covariance, x.T @ (targets - targets.mean(0)) / len(x)


def _scale(cells: Tensor) -> Tensor:
    """[N, H] -> [H] standard deviations; the floor for those hardly ever on, which a fit would blow up."""
    return cells.std(0).clamp_min(LEAST_DEVIATION)


def _student_blocks(student: SeaFormer) -> Iterator[tuple[str, InvertedResidual]]:
    for name in student.order:
        stage = student.get_submodule(name)
        if isinstance(stage, MobileStage):
            blocks = ((f"{name}.{child}", block) for child, block in stage.named_children())
            yield from ((path, block) for path, block in blocks if isinstance(block, InvertedResidual))


def _fits(block: InvertedResidual, other: LiteBlock) -> bool:
    own = _conv_norms(block.conv)
    theirs = [other._expand_conv] if other.is_expanded else []
    theirs += [other._depthwise_conv, other._project_conv]
    return (
        len(own) == len(theirs)
        and _shape(own) == _conv_shape(theirs)
        and _hidden_width(block) <= other._depthwise_conv.out_channels
        and not any(type(part) is nn.ReLU for part in block.conv)
    )


def _shape(parts: Sequence[ConvNorm]) -> tuple[int, ...]:
    return _conv_shape([_conv(part) for part in parts])


def _conv_shape(convs: Sequence[nn.Conv2d]) -> tuple[int, ...]:
    """Kernel, stride, width of the input and of the output."""
    return convs[-2].kernel_size[0], convs[-2].stride[0], convs[0].in_channels, convs[-1].out_channels


def _hidden_width(block: InvertedResidual) -> int:
    return _conv(_conv_norms(block.conv)[-1]).in_channels


def _conv_norms(parts: nn.Module) -> list[ConvNorm]:
    return [part for part in parts.children() if isinstance(part, ConvNorm)]


def _conv(part: ConvNorm) -> nn.Conv2d:
    conv = part.get_submodule("c")
    assert isinstance(conv, nn.Conv2d)
    return conv


def _norm(part: ConvNorm) -> nn.BatchNorm2d:
    norm = part.get_submodule("bn")
    assert isinstance(norm, nn.BatchNorm2d)
    return norm


def _mean(norm: nn.BatchNorm2d) -> Tensor:
    assert norm.running_mean is not None
    return norm.running_mean


def _variance(norm: nn.BatchNorm2d) -> Tensor:
    assert norm.running_var is not None
    return norm.running_var
