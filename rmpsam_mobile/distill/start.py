"""What a run starts from: a student with classes, its first weights, its teacher, and its data."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from rmpsam_mobile.checkpoint.load import load_checkpoint
from rmpsam_mobile.data.augment import Augmentation
from rmpsam_mobile.data.records import Record, Skipped
from rmpsam_mobile.data.samples import Sample, Task
from rmpsam_mobile.data.sources import DataSources, hold_out
from rmpsam_mobile.data.stream import SampleStream, StreamSettings
from rmpsam_mobile.distill.batch import Batch
from rmpsam_mobile.distill.inherit import InheritedBlock, inherit_trunk
from rmpsam_mobile.distill.lesson_cache import LessonCache
from rmpsam_mobile.distill.pretrained import FILES, pretrained_backbone
from rmpsam_mobile.distill.recipe import Recipe
from rmpsam_mobile.distill.teacher import Teacher
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.model.encoders import SeaFormer
from rmpsam_mobile.model.presets import preset_config
from rmpsam_mobile.model.rmpsam import RmpSam
from rmpsam_mobile.model.vocabulary import COCO_PANOPTIC, Vocabulary

CALIBRATION_PICTURES = 256  # by which an inherited trunk is pruned and refit
CALIBRATION_SIZE = 256


@dataclass(frozen=True)
class TrainingData:
    """The stream that is trained on and the samples that are measured."""

    stream: SampleStream
    held: tuple[Sample, ...]
    records: int
    held_records: int


def training_data(found: DataSources, recipe: Recipe, on_skip: Callable[[Skipped], None]) -> TrainingData:
    """Hold out a part of the labelled pictures and make a stream of the rest."""
    train, held = hold_out(found.records, recipe.held_out, recipe.seed)
    augmentation = Augmentation(size=recipe.sizes[0], scale=recipe.scale, copy_paste=recipe.copy_paste)
    stream = _stream(train, found, recipe, augmentation, on_skip)
    labelled = [record for record in held if record.is_labelled and record.objects]
    if not labelled:
        return TrainingData(stream, (), len(train), 0)
    measured = _stream(labelled, DataSources(), recipe, Augmentation.none(max(recipe.sizes)), on_skip)
    samples = [measured.sample(i, task=Task.PROMPTS) for i in range(recipe.held_pictures)]
    return TrainingData(stream, tuple(samples), len(train), len(labelled))


def _stream(
    records: Sequence[Record],
    found: DataSources,
    recipe: Recipe,
    augmentation: Augmentation,
    on_skip: Callable[[Skipped], None],
) -> SampleStream:
    present = {record.source for record in records} | {clip.source for clip in found.clips}
    settings = StreamSettings(
        seed=recipe.seed,
        size=augmentation.size,
        task_weights=dict(recipe.tasks) if found.records or found.clips else {Task.PROMPTS: 1.0},
        augmentation=augmentation,
        class_names=COCO_PANOPTIC.names,
        source_weights={name: weight for name, weight in recipe.source_weights.items() if name in present},
    )
    return SampleStream(records, found.clips, settings, on_skip)


def new_student(preset: str, vocabulary: Vocabulary = COCO_PANOPTIC, seed: int = 0) -> RmpSam:
    """A student with random weights and fixed class embeddings.

    The embeddings are orthonormal rows, as far from one another as can be: which directions stand for which classes
    need not be learned (Hoffer et al., Fix your classifier, arXiv 1801.04540).

    Raises:
        InputError: unknown preset, or more classes than the preset's class branch is wide.
    """
    config = preset_config(preset)
    if len(vocabulary) > config.text_width:
        raise InputError(f"{len(vocabulary)} classes; the limit of {preset} is {config.text_width}; leave some out")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = RmpSam(config)
    model.set_classifier(orthonormal_rows(len(vocabulary), config.text_width, seed).unsqueeze(1))
    model.vocabulary, model.trained = vocabulary, True
    return model


def orthonormal_rows(count: int, width: int, seed: int) -> Tensor:
    """[count, width] float32, count <= width, seeded."""
    generator = torch.Generator().manual_seed(seed)
    rows, _ = torch.linalg.qr(torch.randn(width, count, generator=generator, dtype=torch.float64))
    made: Tensor = rows.T.float().contiguous()
    return made


def begin_from(student: RmpSam, init: str | None, stream: SampleStream) -> list[InheritedBlock]:
    """Give a student its first weights.

    Args:
        student: changed in place.
        init: None for random ones, a pretrained backbone whose trunk is inherited, or a checkpoint of its preset.
        stream: of pictures, for pruning an inherited trunk.

    Raises:
        InputError: a checkpoint of another preset, or a backbone that this student cannot inherit from.
    """
    if init is None:
        return []
    if init not in FILES:
        found = load_checkpoint(init)
        if found.preset != student.preset:
            raise InputError(f"{init} is a {found.preset}, the student is a {student.preset}; give one of its preset")
        student.load_state_dict(found.state_dict())
        return []
    if not isinstance(student.backbone, SeaFormer):
        raise InputError(f"{student.preset} has no SeaFormer trunk to inherit {init}; give a checkpoint instead")
    samples = tuple(stream.sample(i, task=Task.IMITATE, size=CALIBRATION_SIZE) for i in range(CALIBRATION_PICTURES))
    pixels = Batch(0, 0, Task.IMITATE, samples, 0).pixel_values(torch.device("cpu"))
    return inherit_trunk(student.backbone, pretrained_backbone(init), pixels)


def build_teacher(name: str | None, recipe: Recipe, cache: Path | None = None) -> Teacher | None:
    """A teacher by name: a pretrained backbone, or a checkpoint of a whole model; None for labels alone."""
    if name is None or name == "labels":
        return None
    network = pretrained_backbone(name) if name in FILES else load_checkpoint(Path(name))
    return Teacher(network, None if cache is None else LessonCache(cache, network, recipe))


def shortened(recipe: Recipe, steps: int | None, batch: int | None) -> Recipe:
    """The recipe with other numbers of updates or pictures."""
    return replace(
        recipe, steps=recipe.steps if steps is None else steps, batch=recipe.batch if batch is None else batch
    )
