"""What a run starts from: a student with classes, its first weights, its teacher, and its data."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from rmpsam_mobile.checkpoint.load import load_checkpoint
from rmpsam_mobile.data.assemble import Assembly
from rmpsam_mobile.data.augment import Augmentation
from rmpsam_mobile.data.draws import build_pool
from rmpsam_mobile.data.records import Record, Skipped
from rmpsam_mobile.data.samples import Sample, Task
from rmpsam_mobile.data.sources import DataSources, hold_out
from rmpsam_mobile.data.stream import SampleStream, StreamSettings
from rmpsam_mobile.distill.batch import Batch
from rmpsam_mobile.distill.inherit import inherit_trunk
from rmpsam_mobile.distill.lesson_cache import LessonCache
from rmpsam_mobile.distill.pretrained import FILES, pretrained_backbone
from rmpsam_mobile.distill.recipe import Recipe
from rmpsam_mobile.distill.teacher import Teacher
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.model.encoders import SeaFormer
from rmpsam_mobile.model.presets import BACKBONES, preset_config
from rmpsam_mobile.model.rmpsam import RmpSam
from rmpsam_mobile.model.vocabulary import COCO_PANOPTIC, Vocabulary

CALIBRATION_PICTURES = 256  # by which an inherited trunk is pruned and refit
CALIBRATION_SIZE = 256
HELD_OBJECTS = 24  # labels of one held-out picture that are read at most


@dataclass(frozen=True)
class TrainingData:
    """The stream that is trained on and the samples that are measured."""

    stream: SampleStream
    held: tuple[Sample, ...]
    records: int
    held_records: int


def training_data(
    found: DataSources,
    recipe: Recipe,
    on_skip: Callable[[Skipped], None],
    vocabulary: Vocabulary = COCO_PANOPTIC,
) -> TrainingData:
    """Hold out a part of the labelled pictures and make a stream of the rest; labels are places in ``vocabulary``."""
    train, held = hold_out(found.records, recipe.held_out, recipe.seed)
    present = {record.source for record in train} | {clip.source for clip in found.clips}
    settings = StreamSettings(
        seed=recipe.seed,
        size=recipe.sizes[0],
        task_weights=dict(recipe.tasks),
        augmentation=Augmentation(size=recipe.sizes[0], scale=recipe.scale, copy_paste=recipe.copy_paste),
        class_names=vocabulary.names,
        source_weights={name: weight for name, weight in recipe.source_weights.items() if name in present},
    )
    stream = SampleStream(train, found.clips, settings, on_skip)
    labelled = [record for record in held if record.is_labelled and record.objects]
    samples = _held_samples(labelled, recipe, vocabulary, on_skip)
    return TrainingData(stream, samples, len(train), len(labelled))


def _held_samples(
    records: Sequence[Record], recipe: Recipe, vocabulary: Vocabulary, on_skip: Callable[[Skipped], None]
) -> tuple[Sample, ...]:
    """At most ``held_pictures`` whole pictures, each once; sources come first as often as they are trained on."""
    assembly = Assembly(
        augmentation=Augmentation.none(max(recipe.sizes)),
        classes={name: number for number, name in enumerate(vocabulary.names)},
        max_objects=HELD_OBJECTS,
        num_frames=1,
    )
    samples: list[Sample] = []
    for number in _held_order(records, recipe):
        if len(samples) == recipe.held_pictures:
            break
        try:
            samples.append(assembly.still(records[number], Task.PROMPTS, np.random.default_rng((recipe.seed, number))))
        except (InputError, OSError) as error:
            on_skip(Skipped(records[number].key, str(error)))
    return tuple(samples)


def _held_order(records: Sequence[Record], recipe: Recipe) -> list[int]:
    """Numbers of the records whose source has a weight, in the order of drawing without putting back."""
    pool = build_pool([(i, record.source) for i, record in enumerate(records)], recipe.source_weights)
    if pool is None:
        return []
    numbers = np.concatenate(pool.members)
    shares = zip(pool.shares().values(), pool.members, strict=True)
    chances = np.concatenate([np.full(len(members), share / len(members)) for share, members in shares])
    drawn = np.random.default_rng((recipe.seed, 3)).choice(numbers, len(numbers), replace=False, p=chances)
    return [int(number) for number in drawn]


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


def begin_from_checkpoint(student: RmpSam, init: str | None) -> None:
    """Give a student the weights of a checkpoint, and its classes where it has any; leave it where ``init`` is none.

    Args:
        student: changed in place.
        init: a checkpoint of its preset; None and backbones change nothing.

    Raises:
        InputError: a checkpoint of another preset.
    """
    if init is None or init in FILES:
        return
    found = load_checkpoint(init)
    if found.preset != student.preset:
        raise InputError(f"{init} is a {found.preset}, the student is a {student.preset}; give one of its preset")
    student.load_state_dict(found.state_dict())
    if found.classifier is not None:
        student.set_classifier(found.classifier.text_embeddings)
        student.vocabulary = found.vocabulary


def begin_from_backbone(student: RmpSam, init: str | None, stream: SampleStream) -> str | None:
    """Give a student's encoder the weights of a pretrained backbone: as they are where it is one, else pruned.

    Args:
        student: changed in place.
        init: a backbone; None and checkpoints change nothing.
        stream: of pictures, by which a SeaFormer's trunk is pruned.

    Returns:
        What was taken over, in words; None where nothing was.

    Raises:
        InputError: this student cannot inherit.
    """
    if init not in FILES:
        return None
    if student.config.encoder == BACKBONES[init]:
        student.backbone.load_state_dict(pretrained_backbone(init).state_dict())
        return f"the encoder starts from {init}"
    if not isinstance(student.backbone, SeaFormer):
        raise InputError(f"{student.preset} can not inherit {init}: it is no SeaFormer; give a checkpoint instead")
    samples = tuple(stream.sample(i, task=Task.IMITATE, size=CALIBRATION_SIZE) for i in range(CALIBRATION_PICTURES))
    pixels = Batch(0, 0, Task.IMITATE, samples, 0).pixel_values(torch.device("cpu"))
    blocks = inherit_trunk(student.backbone, pretrained_backbone(init), pixels)
    return f"inherited {len(blocks)} blocks of {init}; the last map correlates {blocks[-1].correlation:.3f}"


def build_teacher(name: str | None, recipe: Recipe, cache: Path | None = None) -> Teacher | None:
    """A teacher by name: a pretrained backbone, or a checkpoint of a whole model; None for labels alone.

    Raises:
        InputError: the recipe imitates nothing.
    """
    if name is None or name == "labels":
        return None
    if not recipe.terms.imitates:
        raise InputError(
            f"teacher {name} has nothing to teach: all terms of recipe {recipe.name} are 0; "
            "leave --teacher away, or give a recipe that imitates"
        )
    network = pretrained_backbone(name) if name in FILES else load_checkpoint(Path(name))
    return Teacher(network, None if cache is None else LessonCache(cache, network, recipe))


def shortened(recipe: Recipe, steps: int | None, batch: int | None) -> Recipe:
    """The recipe with other numbers of updates or pictures."""
    return replace(
        recipe, steps=recipe.steps if steps is None else steps, batch=recipe.batch if batch is None else batch
    )
