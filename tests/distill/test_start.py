"""What a run starts from: classes that lie apart, first weights, a teacher, and pictures that are never trained on."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from rmpsam_mobile.checkpoint.store import Checkpoint, save_checkpoint
from rmpsam_mobile.data.records import PictureFile, Record, Skipped
from rmpsam_mobile.data.samples import Task
from rmpsam_mobile.data.sources import DataSources, open_data
from rmpsam_mobile.data.youtube_vis import Clip
from rmpsam_mobile.distill import start
from rmpsam_mobile.distill.inherit import InheritedBlock
from rmpsam_mobile.distill.pretrained import pretrained_backbone
from rmpsam_mobile.distill.recipe import Terms
from rmpsam_mobile.distill.start import (
    begin_from_backbone,
    begin_from_checkpoint,
    build_teacher,
    new_student,
    orthonormal_rows,
    shortened,
    training_data,
)
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.model.rmpsam import RmpSam
from rmpsam_mobile.model.vocabulary import COCO_PANOPTIC, Vocabulary
from tests.data.painted import box_mask, label, record, refuse
from tests.distill.small_runs import (
    CLASSES,
    OTHER_MOBILE,
    SMALL_MOBILE,
    named_student,
    painted_data,
    small_data,
    small_presets,
    small_recipe,
    small_student,
    store,
)
from tests.models import SMALL

__all__ = ["painted_data", "small_presets"]
pytestmark = pytest.mark.usefixtures("small_presets")
FEATURES = Terms(features=1.0)


def same_weights(one: RmpSam, other: RmpSam) -> bool:
    weights = other.state_dict()
    return all(torch.equal(value, weights[name]) for name, value in one.state_dict().items())


@pytest.mark.parametrize(("count", "width"), [(1, 1), (133, 136), (160, 160)])
def test_class_rows_are_orthonormal(count: int, width: int) -> None:
    rows = orthonormal_rows(count, width, seed=3)
    assert (rows.shape, rows.dtype) == ((count, width), torch.float32)
    torch.testing.assert_close(rows.double() @ rows.double().T, torch.eye(count).double(), rtol=0, atol=1e-6)
    assert torch.equal(rows, orthonormal_rows(count, width, seed=3))
    assert count == 1 or not torch.equal(rows, orthonormal_rows(count, width, seed=4))


def test_a_new_student_has_classes_and_seeded_weights() -> None:
    torch.manual_seed(11)
    wanted = torch.rand(1)
    torch.manual_seed(11)
    student = new_student(SMALL_MOBILE.name)
    assert torch.equal(torch.rand(1), wanted)  # nobody else's chance is touched
    assert student.classifier is not None
    assert student.vocabulary == COCO_PANOPTIC
    assert student.trained
    assert torch.equal(student.classifier.text_embeddings[:, 0], orthonormal_rows(133, SMALL_MOBILE.text_width, 0))
    assert same_weights(student, new_student(SMALL_MOBILE.name))
    assert not same_weights(student, new_student(SMALL_MOBILE.name, seed=1))


def test_too_many_classes_and_unknown_students() -> None:
    names = Vocabulary(tuple(f"class {i}" for i in range(137)), 137)
    with pytest.raises(InputError) as caught:
        new_student(SMALL_MOBILE.name, names)
    assert str(caught.value) == "137 classes; the limit of small-mobile is 136; leave some out"
    with pytest.raises(InputError, match=r"^unknown preset 'small-mobil'; did you mean 'small-mobile'\?"):
        new_student("small-mobil")


def test_random_weights_are_left_alone(painted_data: Path) -> None:
    student, stream = small_student(), small_data(painted_data, small_recipe()).stream
    begin_from_checkpoint(student, None)
    begin_from_checkpoint(student, "efficientnet-lite0")
    assert begin_from_backbone(student, None, stream) is None
    assert begin_from_backbone(student, "first.safetensors", stream) is None
    assert same_weights(student, small_student())


def test_weights_and_classes_of_a_checkpoint(tmp_path: Path) -> None:
    """Five classes of other names, in rows of three synonyms each."""
    stored = named_student(("book", "zebra", "sports ball", "sky", "sea"), synonyms=3, seed=9)
    student = small_student()
    begin_from_checkpoint(student, str(store(stored, tmp_path / "first.safetensors")))
    assert same_weights(student, stored)
    assert student.classifier is not None
    assert stored.classifier is not None
    assert torch.equal(student.classifier.text_embeddings, stored.classifier.text_embeddings)
    assert student.vocabulary == stored.vocabulary


def test_a_checkpoint_without_classes_leaves_those_of_the_student(tmp_path: Path) -> None:
    stored, student = small_student(seed=9), small_student()
    save_checkpoint(Checkpoint(preset=stored.preset, tensors=stored.state_dict()), tmp_path / "bare.safetensors")
    begin_from_checkpoint(student, str(tmp_path / "bare.safetensors"))
    assert same_weights(student, stored)
    assert student.classifier is not None
    assert torch.equal(student.classifier.text_embeddings[:, 0], orthonormal_rows(133, SMALL_MOBILE.text_width, 0))
    assert student.vocabulary == COCO_PANOPTIC


def test_labels_are_places_in_the_vocabulary(painted_data: Path) -> None:
    """Rectangles are books, number 0; nothing else that was painted has a name."""
    tasks = {Task.IMAGE: 1.0}
    found, recipe = open_data([painted_data]), small_recipe(tasks=tasks)
    data = training_data(found, recipe, refuse, Vocabulary(("book", "zebra"), 2))
    assert {int(x) for i in range(9) for x in data.stream.sample(i).labels} == {0, -1}
    assert {int(x) for sample in data.held for x in sample.labels} == {0, -1}


def test_a_checkpoint_of_another_preset_is_refused(tmp_path: Path) -> None:
    path = store(new_student(OTHER_MOBILE.name), tmp_path / "other.safetensors")
    with pytest.raises(InputError) as caught:
        begin_from_checkpoint(small_student(), str(path))
    assert str(caught.value) == (f"{path} is a other-mobile, the student is a small-mobile; give one of its preset")


def test_a_trunk_is_inherited_with_pictures_of_the_stream(painted_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def inherit(trunk: Any, source: str, pixels: Tensor) -> list[InheritedBlock]:
        asked.append((trunk, source, pixels.shape))
        return [InheritedBlock("smb1.0", 0, 4, 8, 0.5, 0.75), InheritedBlock("smb1.1", 1, 4, 8, 0.5, 0.5)]

    monkeypatch.setattr(start, "inherit_trunk", inherit)
    monkeypatch.setattr(start, "pretrained_backbone", lambda name: f"weights of {name}")
    monkeypatch.setattr(start, "CALIBRATION_PICTURES", 2)
    student = small_student()
    said = begin_from_backbone(student, "efficientnet-lite0", small_data(painted_data, small_recipe()).stream)
    assert asked == [(student.backbone, "weights of efficientnet-lite0", (2, 3, 256, 256))]
    assert said == "inherited 2 blocks of efficientnet-lite0; the last map correlates 0.500"


def test_the_teacher_starts_from_its_own_backbone(painted_data: Path) -> None:
    teacher = new_student("rmpsam-teacher-efflite2")
    stream = small_data(painted_data, small_recipe()).stream
    assert begin_from_backbone(teacher, "efficientnet-lite2", stream) == "the encoder starts from efficientnet-lite2"
    wanted = pretrained_backbone("efficientnet-lite2").state_dict()
    assert all(torch.equal(value, wanted[name]) for name, value in teacher.backbone.state_dict().items())
    with pytest.raises(InputError) as caught:
        begin_from_backbone(teacher, "efficientnet-lite0", stream)
    assert str(caught.value) == (
        "rmpsam-teacher-efflite2 can not inherit efficientnet-lite0: it is no SeaFormer; give a checkpoint instead"
    )


def test_a_trunk_that_cannot_inherit(painted_data: Path) -> None:
    with pytest.raises(InputError) as caught:
        begin_from_backbone(RmpSam(SMALL), "efficientnet-lite0", small_data(painted_data, small_recipe()).stream)
    assert str(caught.value) == (
        "small can not inherit efficientnet-lite0: it is no SeaFormer; give a checkpoint instead"
    )


def test_teachers_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe, backbone = small_recipe(terms=FEATURES), small_student().backbone
    assert build_teacher(None, recipe) is build_teacher("labels", recipe) is None
    monkeypatch.setattr(start, "pretrained_backbone", lambda _: backbone)
    teacher = build_teacher("efficientnet-lite2", recipe)
    assert teacher is not None
    assert (teacher.network, teacher.model, teacher.cache) == (backbone, None, None)
    stored = small_student(seed=3)
    whole = build_teacher(str(store(stored, tmp_path / "teacher.safetensors")), recipe, tmp_path / "cache")
    assert whole is not None
    assert whole.model is not None
    assert same_weights(whole.model, stored)
    assert whole.cache is not None
    with pytest.raises(InputError) as caught:
        build_teacher("gone.safetensors", recipe)
    assert str(caught.value) == "gone.safetensors: no such file; check the path"


def test_a_teacher_without_anything_to_teach() -> None:
    with pytest.raises(InputError) as caught:
        build_teacher("efficientnet-lite0", small_recipe())
    assert str(caught.value) == (
        "teacher efficientnet-lite0 has nothing to teach: all terms of recipe small are 0; "
        "leave --teacher away, or give a recipe that imitates"
    )


def test_shortened_recipes() -> None:
    recipe = small_recipe()
    assert shortened(recipe, None, None) == recipe
    assert shortened(recipe, 5, 7) == replace(recipe, steps=5, batch=7)
    with pytest.raises(InputError, match=r"^0 steps of 2 pictures; give at least 1 of each$"):
        shortened(recipe, 0, None)


def test_held_pictures_are_never_read_for_training(painted_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even to paste of them: the files that are read are those of the other pictures."""
    tasks = dict.fromkeys((Task.PROMPTS, Task.IMAGE, Task.IMITATE), 1.0)
    recipe = small_recipe(copy_paste=1.0, tasks=tasks, terms=FEATURES)
    read: set[str] = set()
    usual = Record.read

    def spy(self: Record) -> Any:
        read.add(self.key)
        return usual(self)

    monkeypatch.setattr(Record, "read", spy)
    data = small_data(painted_data, recipe)
    held, read_for_measuring = {sample.key for sample in data.held}, set(read)
    assert held == read_for_measuring
    assert len(held) == len(data.held) == 3
    read.clear()
    for number in range(150):
        data.stream.sample(number)
    every = {f"tar:{number:02}.png" for number in range(24)}
    assert (data.records, data.held_records) == (18, 6)
    assert len(read) == 18
    assert not read & held
    assert held <= every - read


def test_held_samples_are_fitted_and_nothing_is_left_to_chance(painted_data: Path) -> None:
    recipe = small_recipe(sizes=(64, 96), copy_paste=1.0)
    one, two = (small_data(painted_data, recipe).held for _ in range(2))
    assert len(one) == recipe.held_pictures
    for sample, again in zip(one, two, strict=True):
        assert np.array_equal(sample.pixels, again.pixels)
        assert (sample.pixels.shape, sample.image_size) == ((1, 96, 96, 3), (72, 96))  # the largest size, whole
        assert sample.is_labelled


@pytest.mark.parametrize(("asked", "found"), [(4, 4), (6, 6), (64, 6)])
def test_each_held_picture_is_measured_once(painted_data: Path, asked: int, found: int) -> None:
    held = small_data(painted_data, small_recipe(held_pictures=asked)).held
    assert len(held) == len({sample.key for sample in held}) == found


def test_held_pictures_are_spread_over_sources_by_weight(tmp_path: Path) -> None:
    """Those of a source that counts little come last; of one that counts nothing none is measured."""
    mask = [label(box_mask(48, 64, (4, 4, 40, 40)))]
    found = [record(tmp_path, f"{s}{i}.png", mask, source=s) for s in ("rare", "usual", "none") for i in range(20)]
    recipe = small_recipe(held_out=0.8, held_pictures=12, source_weights={"rare": 0.05, "none": 0.0})
    sources = [sample.source for sample in training_data(DataSources(records=tuple(found)), recipe, refuse).held]
    assert len(sources) == 12
    assert sources.count("usual") >= 10  # 11.4 of 12 were they put back, 6 if all were alike
    assert "none" not in sources


def test_held_pictures_that_cannot_be_read_are_named(painted_data: Path) -> None:
    found, recipe, skipped = open_data([painted_data]), small_recipe(held_pictures=64), list[Skipped]()
    broken = small_data(painted_data, recipe).held[2].key
    records = tuple(replace(r, height=71) if r.key == broken else r for r in found.records)
    held = training_data(replace(found, records=records), recipe, skipped.append).held
    assert len(held) == 5
    assert [skip.key for skip in skipped] == [broken]


def test_nothing_held_out_and_nothing_labelled(painted_data: Path, tmp_path: Path) -> None:
    data = small_data(painted_data, small_recipe(held_out=0.0))
    assert (data.held, data.records, data.held_records) == ((), 24, 0)
    bare = [record(tmp_path, f"{i}.png", is_labelled=False) for i in range(12)]
    recipe = small_recipe(tasks={Task.IMITATE: 1.0}, terms=FEATURES, held_out=0.5)
    unlabelled = training_data(DataSources(records=tuple(bare)), recipe, refuse)
    assert unlabelled.held == ()
    assert unlabelled.held_records == 0
    assert 0 < unlabelled.records < 12


def clip_of(folder: Path) -> Clip:
    record(folder, "frame.png")
    mask = label(box_mask(48, 64, (4, 4, 40, 40)), CLASSES[0])
    frames = (PictureFile(folder / "frame.png"),) * 3
    return Clip(key="clip", frames=frames, height=48, width=64, objects=((mask, None, mask),), source="films")


def test_clips_alone_can_be_trained_on(tmp_path: Path) -> None:
    recipe = small_recipe(tasks={Task.CLIP: 1.0})
    data = training_data(DataSources(clips=(clip_of(tmp_path),)), recipe, refuse)
    sample = data.stream.sample(0)
    assert (sample.task, sample.source, sample.pixels.shape[0]) == (Task.CLIP, "films", 4)
    assert data.held == ()


def test_weights_of_sources_that_are_not_there_are_dropped(painted_data: Path, tmp_path: Path) -> None:
    weights = {"painted0": 3.0, "films": 2.0, "elsewhere": 9.0}
    tasks = {Task.PROMPTS: 1.0, Task.CLIP: 1.0}
    found = replace(open_data([painted_data]), clips=(clip_of(tmp_path), replace(clip_of(tmp_path), source="b")))
    skipped: list[Skipped] = []
    data = training_data(found, small_recipe(source_weights=weights, tasks=tasks, held_out=0.0), skipped.append)
    assert skipped == []
    assert data.stream.shares(Task.PROMPTS) == pytest.approx({"painted0": 0.75, "painted1": 0.25})
    assert data.stream.shares(Task.CLIP) == pytest.approx({"films": 2 / 3, "b": 1 / 3})
