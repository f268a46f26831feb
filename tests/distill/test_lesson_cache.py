"""Lessons on disk: the same answers back, nothing mixed up, nothing too large."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
import torch

from rmpsam_mobile.distill.lesson_cache import LessonCache, refuse_too_large
from rmpsam_mobile.distill.recipe import RECIPES
from rmpsam_mobile.distill.teacher import Lesson, Teacher
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.model.rmpsam import RmpSam
from tests.models import SMALL, random_tensor, unit_rows

RECIPE = RECIPES["imitate-features"]


def network(seed: int = 0) -> RmpSam:
    torch.manual_seed(seed)
    model = RmpSam(SMALL)
    model.set_classifier(unit_rows(3, 1, SMALL.text_width).float())
    return model


def look(teacher: Teacher, key: str, seed: int = 0) -> Lesson:
    pixels = random_tensor(2, 3, 64, 64, seed=seed, dtype=torch.float32)
    return teacher.lesson(pixels, key, with_neck=True, with_objects=True)


def test_a_lesson_comes_back_in_half_precision(tmp_path: Path) -> None:
    teacher = Teacher(network(), LessonCache(tmp_path / "cache", network(), RECIPE))
    first = look(teacher, "000000000_2")
    again = look(teacher, "000000000_2", seed=9)  # other pixels: what is stored is what counts
    for name, tensor in first.tensors().items():
        assert torch.equal(again.tensors()[name], tensor.half().float()), name
    assert again.objects is not None


def test_another_batch_is_another_lesson(tmp_path: Path) -> None:
    teacher = Teacher(network(), LessonCache(tmp_path / "cache", network(), RECIPE))
    first, second = look(teacher, "000000000_2"), look(teacher, "000000002_2", seed=9)
    assert not torch.equal(first.maps[0], second.maps[0])


def test_what_a_stopped_run_stored_is_found_again(tmp_path: Path) -> None:
    for _ in range(2):  # a second process opens the same folder
        cache = LessonCache(tmp_path / "cache", network(), RECIPE)
        look(Teacher(network(), cache), "000000000_2")
    assert len(list((tmp_path / "cache").rglob("*.safetensors"))) == 1
    assert cache.read("000000004_2") is None


@pytest.mark.parametrize("other", ["teacher", "stream"])
def test_lessons_of_another_kind_are_refused(tmp_path: Path, other: str) -> None:
    folder = tmp_path / "cache"
    LessonCache(folder, network(), RECIPE)
    recipe = replace(RECIPE, seed=1) if other == "stream" else RECIPE
    with pytest.raises(InputError) as caught:
        LessonCache(folder, network(1 if other == "teacher" else 0), recipe)
    assert str(caught.value) == (f"{folder} holds lessons of another teacher or another stream; give another folder")


class Usage(NamedTuple):
    """As ``shutil.disk_usage`` returns it."""

    total: int
    used: int
    free: int


def test_the_size_is_estimated_before_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, 3_000_000_000))
    assert refuse_too_large(tmp_path, 2_000_000, 1000) == "2.0 GB for 1,000 batches of 2.0 MB; 3.0 GB are free"
    with pytest.raises(InputError) as caught:
        refuse_too_large(tmp_path, 2_000_000, 2000)
    assert str(caught.value) == (
        f"{tmp_path}: 2,000 batches need 4.0 GB and 3.0 GB are free; "
        "leave --cache away, or take fewer steps or another disk"
    )
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, 1000))
    with pytest.raises(InputError):
        look(Teacher(network(), LessonCache(tmp_path / "cache", network(), RECIPE)), "0_2")
    assert not list(tmp_path.rglob("*.safetensors"))
