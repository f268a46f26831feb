"""What a teacher says: exactly what its network says, without gradients, for any number of points and frames."""

from functools import cache

import pytest
import torch
from torch import Tensor

from rmpsam_mobile.distill.start import new_student
from rmpsam_mobile.distill.teacher import Lesson, Teacher
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.model.prompt import PromptSet
from rmpsam_mobile.model.rmpsam import RmpSam
from tests.distill.small_runs import small_presets, small_student, small_teacher
from tests.models import SMALL, random_tensor, unit_rows

__all__ = ["small_presets"]
pytestmark = pytest.mark.usefixtures("small_presets")


@cache
def official() -> RmpSam:
    """A small model of the official kind, one click or box a prompt. Not to be edited."""
    torch.manual_seed(0)
    model = RmpSam(SMALL)
    model.set_classifier(unit_rows(3, 1, SMALL.text_width).float())
    return model.eval()


def pixels(batch: int = 2) -> Tensor:
    return random_tensor(batch, 3, 64, 64, dtype=torch.float32)


def prompts(num_points: int) -> PromptSet:
    """A foreground click, then a background click, and a box in the second prompt."""
    points = 20 + 20 * random_tensor(2, 2, num_points, 2, dtype=torch.float32).sigmoid()
    labels = torch.full((2, 2, num_points + 1), -1.0)
    labels[..., 0] = 1
    if num_points > 1:
        labels[..., 1] = 0
    labels[:, 1, -1] = 1
    boxes = torch.tensor([4.0, 8.0, 40.0, 44.0]).expand(2, 2, 4)
    return PromptSet(points, labels, boxes)


def lesson_of(teacher: Teacher, **asked: bool) -> Lesson:
    return teacher.lesson(pixels(), "key", **{"with_neck": False, "with_objects": False} | asked)


def test_a_backbone_teaches_its_maps() -> None:
    backbone = small_student().backbone
    teacher = Teacher(backbone)
    lesson = lesson_of(teacher)
    assert teacher.widths == tuple(backbone.widths) == tuple(m.shape[1] for m in lesson.maps)
    assert all(torch.equal(a, b) for a, b in zip(lesson.maps, backbone(pixels()), strict=True))
    assert (lesson.mask_features, lesson.objects) == (None, None)


def test_a_model_teaches_all_that_it_says() -> None:
    model = new_student("small-mobile", seed=5).eval()
    lesson = lesson_of(Teacher(model), with_neck=True, with_objects=True)
    encoding = model.encode(pixels())
    objects = model.objects(encoding)
    assert lesson.mask_features is not None
    assert lesson.objects is not None
    assert torch.equal(lesson.mask_features, encoding.mask_features)
    assert torch.equal(lesson.objects.class_logits, objects.class_logits)
    assert torch.equal(lesson.objects.mask_logits, objects.mask_logits)


def test_a_teacher_neither_learns_nor_changes() -> None:
    student = small_student().train()
    teacher = Teacher(student)
    before = {name: value.clone() for name, value in student.state_dict().items()}
    lesson = lesson_of(teacher, with_neck=True, with_objects=True)
    answer = teacher.answer(lesson, prompts(3), torch.full((2, 2), 64.0))
    assert not any(tensor.requires_grad for tensor in (*lesson.tensors().values(), answer.mask_logits, answer.iou))
    assert not any(parameter.requires_grad for parameter in student.parameters())
    assert not student.training
    assert all(torch.equal(value, before[name]) for name, value in student.state_dict().items())


def test_objects_of_clips_span_their_frames() -> None:
    """Two clips of two frames: what ``RmpSam.clip`` says of each, masks of the frames under one another."""
    teacher, frames = small_teacher(), pixels(4)
    lesson = teacher.lesson(frames, "key", with_neck=True, with_objects=True, frames=2)
    assert teacher.model is not None
    assert lesson.objects is not None
    assert lesson.mask_features is not None
    wanted = teacher.model.clip(frames.unflatten(0, (2, 2)))
    torch.testing.assert_close(lesson.objects.class_logits, wanted.class_logits)
    torch.testing.assert_close(lesson.objects.mask_logits, wanted.mask_logits.flatten(2, 3))
    assert lesson.mask_features.shape[0] == 4


@pytest.mark.parametrize("num_points", [1, 3, 5])
def test_an_official_teacher_reads_the_box_or_the_first_click(num_points: int) -> None:
    teacher, asked, size = Teacher(official()), prompts(num_points), torch.tensor([[48.0, 64.0]] * 2)
    lesson = lesson_of(teacher, with_neck=True)
    answer = teacher.answer(lesson, asked, size)
    half = SMALL.click_half_width
    click = torch.cat((asked.points[:, :1, 0] - half, asked.points[:, :1, 0] + half), -1)
    boxes = torch.cat((click, asked.boxes[:, 1:]), 1)
    wanted = official().prompts(official().encode(pixels()), boxes, (48, 64))
    torch.testing.assert_close(answer.mask_logits, wanted.mask_logits)
    torch.testing.assert_close(answer.iou, wanted.iou)


@pytest.mark.parametrize("num_points", [1, 2, 3, 5])
def test_a_mobile_teacher_reads_as_many_clicks_as_it_can(num_points: int) -> None:
    """It reads three; a student that reads fewer or more asks with as many."""
    teacher, asked, size = small_teacher(), prompts(num_points), torch.tensor([[48.0, 64.0]] * 2)
    lesson = lesson_of(teacher, with_neck=True)
    answer = teacher.answer(lesson, asked, size)
    three = prompts(max(num_points, 3))
    three.points[:, :, :num_points] = asked.points
    labels = torch.full((2, 2, 4), -1.0)
    labels[..., : min(num_points, 3)] = asked.labels[..., : min(num_points, 3)]
    labels[..., -1] = asked.labels[..., -1]
    assert teacher.model is not None
    assert lesson.mask_features is not None
    padded = PromptSet(three.points[:, :, :3], labels, asked.boxes)
    wanted = teacher.model.panoptic_head.answer(lesson.mask_features, padded, size)
    torch.testing.assert_close(answer.mask_logits, wanted.mask_logits)


def test_what_a_teacher_cannot_say() -> None:
    backbone, said = Teacher(small_student().backbone), prompts(3)
    with pytest.raises(InputError) as caught:
        lesson_of(backbone, with_neck=True)
    assert str(caught.value) == (
        "a backbone teaches features alone, no mask features; give a checkpoint, or another recipe"
    )
    with pytest.raises(InputError) as caught:
        backbone.answer(lesson_of(backbone), said, torch.ones(2, 2))
    assert str(caught.value) == (
        "a backbone teaches features alone, no prompted masks; give a checkpoint, or another recipe"
    )
    whole = small_teacher()
    with pytest.raises(InputError) as caught:
        whole.answer(lesson_of(whole), said, torch.ones(2, 2))
    assert str(caught.value) == "this lesson has no mask features; ask for them with_neck"
