"""Weights that a trunk inherits: the same function where sizes agree, the best of a smaller one where they do not."""

from copy import deepcopy
from dataclasses import replace
from functools import cache
from itertools import combinations

import pytest
import torch
from torch import Tensor, nn

from rmpsam_mobile.contracts import Size
from rmpsam_mobile.distill.inherit import (
    agreement,
    choose_channels,
    copy_conv_norm,
    inherit_block,
    inherit_trunk,
    match_blocks,
    sample_cells,
    set_projection,
    start_as_identity,
)
from rmpsam_mobile.distill.pretrained import pretrained_backbone
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.fit import fit_picture
from rmpsam_mobile.model.config import AxialStage, MobileBlock, SeaFormerConfig
from rmpsam_mobile.model.encoders import EfficientNetLite, SeaFormer, build_encoder
from rmpsam_mobile.model.encoders.seaformer import ConvNorm, InvertedResidual
from rmpsam_mobile.model.presets import BACKBONES, preset_config
from rmpsam_mobile.preprocess import pixel_values
from tests.bundles import photo
from tests.models import enliven_norms, random_tensor, relative_error

PRUNED = SeaFormerConfig(  # the first six blocks of Lite0, with smaller expansions
    stem_width=32,
    mobile=(
        (MobileBlock(3, 1, 16, 1), MobileBlock(3, 4, 24, 2), MobileBlock(3, 3, 24, 1)),
        (MobileBlock(5, 4, 40, 2), MobileBlock(5, 3, 40, 1)),
        (MobileBlock(3, 4, 80, 2),),
    ),
    axial=(AxialStage(4, 2, 80, 2),),
    num_heads=2,
    outputs=("smb1", "smb2", "smb3", "trans1"),
    relu6=True,
)
SOURCES = {"tiny": [*range(10), 11, 12], "small": [*range(10), 11, 12, 13], "base": list(range(15))}


@cache
def lite0() -> EfficientNetLite:
    """Not to be edited."""
    return pretrained_backbone("efficientnet-lite0")


@cache
def crops() -> Tensor:
    """[24, 3, 128, 128] of two photographs."""
    pictures = [
        torch.from_numpy(pixel_values(photo(n), fit_picture(427, 640, Size(448, 640))))
        for n in ("china.jpg", "flower.jpg")
    ]
    both = torch.cat(pictures)[..., :384, :512]
    return both.unfold(2, 128, 128).unfold(3, 128, 128).permute(0, 2, 3, 1, 4, 5).flatten(0, 2)


def trunk(size: str) -> SeaFormer:
    student = build_encoder(preset_config(f"rmpsam-mobile-{size}").encoder)
    assert isinstance(student, SeaFormer)
    return student


@pytest.mark.parametrize("size", sorted(SOURCES))
def test_blocks_map_stage_by_stage_and_first_repeats_first(size: str) -> None:
    with torch.device("meta"):
        student, source = trunk(size), EfficientNetLite(BACKBONES["efficientnet-lite0"])
    matches = match_blocks(student, source)
    assert [match.source for match in matches] == SOURCES[size]
    assert [match.path for match in matches][:4] == ["smb1.layer1", "smb1.layer2", "smb1.layer3", "smb2.layer1"]
    assert all(student.get_submodule(match.path) is match.block for match in matches)


@torch.no_grad()
def test_equal_expansions_give_the_sources_own_maps() -> None:
    """Nothing is pruned in "base", so every map is the source's but for float32 (1e-4: 45 layers of it)."""
    student, pixels = trunk("base"), crops()[:3]
    report = inherit_trunk(student, lite0(), pixels)
    assert student.training
    x, wanted = lite0().stem(pixels, same_padding=False), {}
    for i, block in enumerate(lite0().blocks):
        x = wanted[i] = block(x, same_padding=False)
    for got, index in zip(student.eval()(pixels), (2, 4, 10, 14), strict=True):
        assert relative_error(got, wanted[index]) < 1e-4
    assert [block.source for block in report] == SOURCES["base"]
    assert all(block.kept == block.of and block.error < 1e-4 and block.correlation > 1 - 1e-6 for block in report)


@torch.no_grad()
def test_pruned_trunk_follows_its_source_on_pictures_it_did_not_see() -> None:
    """Here: seen, errors to 0.22, correlations from 0.97; unseen, 0.34 and 0.935. Bounds are a third wider."""
    student = SeaFormer(PRUNED).eval()
    report = inherit_trunk(student, lite0(), crops()[0::3])
    assert not student.training
    assert [(b.kept, b.of) for b in report] == [(32, 32), (64, 96), (72, 144), (96, 144), (120, 240), (160, 240)]
    assert all(block.error < 0.3 and block.correlation > 0.95 for block in report)
    unseen = crops()[1::3]
    x = lite0().stem(unseen, same_padding=False)
    for block in lite0().blocks[:6]:
        x = block(x, same_padding=False)
    error, correlation = agreement([student(unseen)[2]], [x])
    assert error < 0.45
    assert correlation > 0.9


@torch.no_grad()
def test_refit_beats_the_kept_columns_as_they_were() -> None:
    teacher, block = lite0().blocks[2], inverted(24, MobileBlock(3, 3, 24, 1))
    x = lite0().stem(crops(), same_padding=False)
    for earlier in lite0().blocks[:2]:
        x = earlier(x, same_padding=False)
    wanted = teacher(x, same_padding=False)
    inherit_block(block, teacher, [x], [wanted])
    cut = deepcopy(block)
    hidden = iter([teacher.hidden(x, same_padding=False)])
    kept = choose_channels(*sample_cells(hidden, [wanted - x]), 72)
    last = cut.conv[-1]
    assert isinstance(last, ConvNorm)
    whole = ConvNorm(144, 24)
    copy_conv_norm(teacher._project_conv, teacher._bn2, whole)
    last.load_state_dict(whole.state_dict() | {"c.weight": whole.get_submodule("c").state_dict()["weight"][:, kept]})
    assert agreement([block(x)], [wanted])[0] < 0.7 * agreement([cut(x)], [wanted])[0]


@torch.no_grad()
def test_a_residual_block_makes_up_for_its_wrong_input() -> None:
    """What the block is fitted to is the source's output less the student's own shortcut."""
    teacher, block = lite0().blocks[2], inverted(24, MobileBlock(3, 5, 24, 1))
    x = lite0().stem(crops(), same_padding=False)
    for earlier in lite0().blocks[:2]:
        x = earlier(x, same_padding=False)
    wanted, wrong = teacher(x, same_padding=False), 0.8 * x + 0.3
    inherit_block(block, teacher, [wrong], [wanted])
    assert agreement([block(wrong)], [wanted])[0] < 0.5 * agreement([teacher(wrong, same_padding=False)], [wanted])[0]


def test_the_channel_dropped_first_is_the_best_one_to_drop() -> None:
    cells = random_tensor(300, 6) @ random_tensor(6, 6, seed=1)
    targets = cells @ random_tensor(6, 3, seed=2) + 0.1 * random_tensor(300, 3, seed=3)

    def loss(kept: tuple[int, ...]) -> float:
        x = torch.cat((cells[:, list(kept)], torch.ones(300, 1, dtype=torch.float64)), 1)
        return float((x @ torch.linalg.lstsq(x, targets).solution - targets).square().sum())

    best = min(combinations(range(6), 5), key=loss)
    assert choose_channels(cells, targets, 5).tolist() == list(best)


def test_channels_that_say_nothing_new_go_first() -> None:
    own = random_tensor(400, 4)
    cells = torch.stack((own[:, 0], 2 * own[:, 0], own[:, 1], own[:, 2], own[:, 3], 0 * own[:, 0]), 1)
    targets = own[:, :3] @ random_tensor(3, 5, seed=1)
    kept = choose_channels(cells, targets, 3).tolist()
    assert kept in ([0, 2, 3], [1, 2, 3])  # neither the copy, nor the useless, nor the dead


@torch.no_grad()
def test_a_fitted_projection_is_least_squares_with_its_own_statistics() -> None:
    cells = random_tensor(500, 7) + 1
    targets = cells @ random_tensor(7, 4, seed=1) + 5
    project = ConvNorm(7, 4).double()
    set_projection(project, cells, targets)
    maps = cells.T[None, :, :, None]
    fixed = project.eval()(maps)
    wanted = targets.T[None, :, :, None]
    assert relative_error(fixed, wanted) < 0.02  # the ridge of 1 % of a channel's variance
    outputs = project.get_submodule("c")(maps)[0, :, :, 0]
    norm = project.get_submodule("bn")
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    assert torch.allclose(norm.running_mean, outputs.mean(1), atol=1e-12, rtol=0)
    assert torch.allclose(norm.running_var, outputs.var(1), atol=1e-12, rtol=0)
    undone = (outputs - outputs.mean(1, keepdim=True)).T + targets.mean(0)
    assert relative_error(fixed[0, :, :, 0].T, undone) < 1e-12
    assert relative_error(project.train()(maps), fixed) < 1e-3  # a batch's variance is divided by N, not N - 1


@torch.no_grad()
def test_a_channel_that_is_hardly_ever_on_gets_no_large_weight() -> None:
    """Its few values would explain the target, if scaled by ten million; on other pictures they would explode."""
    own = random_tensor(100, 2)
    project = ConvNorm(2, 1).double()
    set_projection(project, own * torch.tensor([1.0, 1e-7], dtype=torch.float64), own.sum(1, keepdim=True))
    weight = project.get_submodule("c").state_dict()["weight"].flatten().abs()
    assert weight[0] > 0.9
    assert weight[1] < 0.1


@torch.no_grad()
def test_a_copied_norm_with_another_epsilon_is_the_same_function() -> None:
    conv, norm = nn.Conv2d(3, 6, 3, padding=1, bias=False).double(), nn.BatchNorm2d(6, eps=1e-3).double().eval()
    enliven_norms(norm)
    assert norm.running_var is not None
    norm.running_var[:2] = torch.tensor([0.0, 1e-4])  # where epsilon counts
    target, x, kept = ConvNorm(3, 4, 3).double().eval(), random_tensor(1, 3, 5, 5), torch.tensor([0, 1, 3, 5])
    copy_conv_norm(conv, norm, target, kept)
    assert relative_error(target(x), norm(conv(x))[:, kept]) < 1e-12
    own = target.get_submodule("bn")
    assert isinstance(own, nn.BatchNorm2d)
    assert own.eps == 1e-5
    assert own.running_var is not None
    assert torch.equal(own.running_var, norm.running_var[kept])


def test_axial_blocks_start_as_the_identity_and_can_leave_it() -> None:
    student = SeaFormer(PRUNED)
    enliven_norms(student)
    start_as_identity(student)
    x, axial = random_tensor(2, 80, 4, 6, dtype=torch.float32), student.get_submodule("trans1")
    assert torch.equal(axial.eval()(x), x)
    assert torch.equal(axial.train()(x), x)
    axial(x).square().sum().backward()
    gradients = {
        name: p.grad for name, p in axial.named_parameters() if name.endswith(("pwconv.bn.weight", "fc2.bn.weight"))
    }
    assert len(gradients) == 4
    assert all(g is not None and g.abs().max() > 0 for g in gradients.values())


def test_agreement_of_maps_that_differ_in_scale() -> None:
    x = random_tensor(2, 3, 4, 5)
    error, correlation = agreement([x[:1], x[1:]], [2 * x[:1], 2 * x[1:]])
    assert error == pytest.approx(0.5)
    assert correlation == pytest.approx(1)
    assert agreement([x + torch.arange(3)[:, None, None]], [x])[1] == pytest.approx(1)
    assert agreement([-x], [x])[1] == pytest.approx(-1)


def test_a_source_in_training_mode_is_refused() -> None:
    with torch.device("meta"):
        student, source = SeaFormer(PRUNED), EfficientNetLite(BACKBONES["efficientnet-lite0"])
    with pytest.raises(InputError) as caught:
        inherit_trunk(student, source, torch.zeros(1, 3, 32, 32))
    assert str(caught.value) == "the source is in training mode; call eval() on it first"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"stem_width": 16},
            "the student's stem is (16, 3, 3, 3), the source's (32, 3, 3, 3); take a student with the source's widths",
        ),
        (
            {"relu6": False},
            "smb1.layer1 (kernel, stride, widths (3, 1, 32, 16)) fits no block of the source from 0 on; take a student "
            "with the source's kernels, widths and ReLU6 and at most its expansions",
        ),
        (
            {"mobile": (PRUNED.mobile[0], (MobileBlock(5, 7, 40, 2),), (MobileBlock(3, 4, 80, 2),))},
            "smb2.layer1 (kernel, stride, widths (5, 2, 24, 40)) fits no block of the source from 3 on; take a student "
            "with the source's kernels, widths and ReLU6 and at most its expansions",
        ),
    ],
)
def test_a_student_that_is_no_part_of_the_source_is_refused(change: dict[str, object], message: str) -> None:
    with torch.device("meta"):
        student = SeaFormer(replace(PRUNED, **change))  # type: ignore[arg-type]
        source = EfficientNetLite(BACKBONES["efficientnet-lite0"])
    with pytest.raises(InputError) as caught:
        match_blocks(student, source)
    assert str(caught.value) == message


def inverted(in_width: int, block: MobileBlock) -> InvertedResidual:
    return InvertedResidual(in_width, block, nn.ReLU6).eval()
