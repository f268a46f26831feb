"""What a training run does, in numbers: a typed value, stored with the run."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from rmpsam_mobile.data.samples import Task
from rmpsam_mobile.distill.object_task import ObjectTask
from rmpsam_mobile.distill.prompt_task import PromptTask
from rmpsam_mobile.errors import InputError


class Schedule(StrEnum):
    """How the learning rate falls after its linear rise."""

    COSINE = "cosine"
    STEP = "step"


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Weights of what is imitated; 0 leaves a term out. Papers: distill/imitation.py.

    Attributes:
        features: the encoder's maps at strides 4 to 32, through 1x1 adapters.
        mask_features: the neck's output.
        object_logits: classes of the teacher's query i by the student's query i.
        object_masks: its masks.
        prompt_masks: masks of the same prompts.
        iou: predicted overlaps of the same prompts.
    """

    features: float = 0.0
    mask_features: float = 0.0
    object_logits: float = 0.0
    object_masks: float = 0.0
    prompt_masks: float = 0.0
    iou: float = 0.0

    @property
    def imitates(self) -> bool:
        """Whether anything is imitated."""
        return bool(self.features or self.needs_neck)

    @property
    def needs_neck(self) -> bool:
        """Whether the teacher's mask features are read."""
        return bool(self.mask_features or self.prompt_masks or self.iou or self.needs_objects)

    @property
    def needs_objects(self) -> bool:
        """Whether the teacher's object path is read."""
        return bool(self.object_logits or self.object_masks)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One run.

    Attributes:
        name: as ``--recipe`` takes it.
        steps: updates.
        batch: pictures an update and process.
        sizes: sides of the square input, drawn for each update; multiples of 32.
        tasks: how often each task is drawn for an update.
        source_weights: how often each source is drawn; see ``StreamSettings``.
        scale: large-scale jitter, see ``Augmentation``.
        copy_paste: share of samples with pasted objects.
        learning_rate: of AdamW after the rise.
        encoder_rate: factor of the encoder's inherited or pretrained weights.
        weight_decay: of matrices and kernels, not of norms, biases and embeddings.
        warmup: updates of the linear rise.
        schedule: of the fall; ``step`` divides by 10 at 2 / 3 and 8 / 9 of the updates.
        clip_norm: largest norm of the gradient.
        ema_decay: of the averaged weights, which are what is validated and kept.
        frozen: parts of the student, by name, that stay as they are.
        frozen_norms: keep all batch statistics as they are.
        prompts: the prompt branch.
        objects: the object branch.
        prompt_weight: of all its losses; 0 leaves the branch out.
        object_weight: the same of the object branch.
        terms: what is imitated.
        validate_every: updates between measurements on the held-out part.
        save_every: updates between checkpoints.
        held_out: share of the training data that is never trained on, for choosing.
        held_pictures: at most so many of them are measured.
        seed: of everything that is drawn.
        rounding: layers compute as in 8 bit (``distill --qat``).
        schema: version of this record.
    """

    name: str
    steps: int
    batch: int = 8
    sizes: tuple[int, ...] = (320,)
    tasks: Mapping[Task, float] = field(default_factory=lambda: {Task.PROMPTS: 1.0})
    source_weights: Mapping[str, float] = field(default_factory=dict)
    scale: tuple[float, float] = (0.8, 2.0)
    copy_paste: float = 0.0
    learning_rate: float = 1e-3
    encoder_rate: float = 0.3
    weight_decay: float = 0.02
    warmup: int = 200
    schedule: Schedule = Schedule.COSINE
    clip_norm: float = 1.0
    ema_decay: float = 0.998
    frozen: tuple[str, ...] = ()
    frozen_norms: bool = False
    prompts: PromptTask = field(default_factory=PromptTask)
    objects: ObjectTask = field(default_factory=ObjectTask)
    prompt_weight: float = 1.0
    object_weight: float = 0.1
    terms: Terms = Terms()
    validate_every: int = 500
    save_every: int = 200
    held_out: float = 0.04
    held_pictures: int = 64
    seed: int = 0
    rounding: bool = False
    schema: int = 1

    def __post_init__(self) -> None:
        """Refuse what no run can be made of."""
        if self.steps < 1 or self.batch < 1:
            raise InputError(f"{self.steps} steps of {self.batch} pictures; give at least 1 of each")
        if self.validate_every < 1 or self.save_every < 1:
            raise InputError(
                f"validate_every is {self.validate_every}, save_every {self.save_every}; give at least 1 update each"
            )
        if not self.tasks or min(self.tasks.values()) < 0 or not sum(self.tasks.values()):
            shares = ", ".join(f"{task} {share:g}" for task, share in self.tasks.items())
            raise InputError(f"tasks are: {shares or 'none'}; give numbers of 0 or more, one of them above 0")
        wrong = [size for size in self.sizes if size % 32 or not 64 <= size <= 1024]
        if wrong or not self.sizes:
            raise InputError(f"training sizes {self.sizes}; wanted multiples of 32 from 64 to 1024")
        if abs(sum(self.prompts.corrections) - 1) > 1e-6 or min(self.prompts.corrections) < 0:
            raise InputError(
                f"chances of corrections are {self.prompts.corrections}; give numbers of 0 or more that sum to 1"
            )

        idle = [task for task, share in self.tasks.items() if share and not self._teaches(Task(task))]
        if idle:
            raise InputError(
                f"task {idle[0]} has no loss in recipe {self.name}; give it no weight, or weigh a loss of it"
            )

    def _teaches(self, task: Task) -> bool:
        """Whether an update of a task has anything to minimise."""
        terms = self.terms
        on_prompts = self.prompt_weight if task in (Task.PROMPTS, Task.IMAGE) else 0
        on_objects = 0 if task in (Task.PROMPTS, Task.IMITATE) else self.object_weight
        return bool(terms.features or terms.mask_features or on_prompts or on_objects)

    def document(self) -> str:
        """The recipe as JSON, as it is stored with the run."""
        return json.dumps(asdict(self), indent=1, sort_keys=True)


def same_recipe(stored: str, recipe: Recipe) -> bool:
    """Tell whether a stored document is this recipe; an order of names means nothing, whoever draws sorts them."""
    found: Any = {"rounding": False} | json.loads(stored)  # earlier runs did not know of it
    wanted: Any = json.loads(recipe.document())
    return bool(found == wanted)


# Berkeley regions are most of the masks and partly stuff; single-object collections are easy: both count less.
_SOURCES: Final = {"bsds": 1.0, "sysu-shapes": 0.4, "caltech101": 0.5, "facade": 0.5, "facade2": 0.4, "camvid": 0.4}
# Nearly all classes are COCO's.
_OBJECT_SOURCES: Final = {**_SOURCES, "coco-panoptic": 3.0, "coco": 2.0, "caltech101": 0.3, "sysu-shapes": 0.3}

RECIPES: Final[Mapping[str, Recipe]] = MappingProxyType(
    {
        recipe.name: recipe
        for recipe in (
            # Stage 1: the teacher itself, from labels on its pretrained encoder.
            Recipe(
                name="teacher",
                steps=12_000,
                batch=16,
                sizes=(384, 448, 512),
                tasks={Task.PROMPTS: 0.5, Task.IMAGE: 0.5},
                source_weights=_OBJECT_SOURCES,
                scale=(0.5, 2.0),
                copy_paste=0.2,
                encoder_rate=0.1,
                object_weight=1.0,
            ),
            # Stage 2, on labelled and unlabelled pictures.
            Recipe(
                name="imitate-features",
                steps=1200,
                batch=16,
                sizes=(256,),
                tasks={Task.IMITATE: 1.0},
                scale=(0.8, 1.6),
                terms=Terms(features=1.0),
                encoder_rate=1.0,
                object_weight=0.0,
            ),
            # Stage 3: labels and an RMP-SAM teacher together.
            Recipe(
                name="from-teacher",
                steps=4000,
                sizes=(256, 320, 384),
                tasks={Task.PROMPTS: 0.5, Task.IMAGE: 0.5},
                source_weights=_OBJECT_SOURCES,
                scale=(0.8, 1.8),
                copy_paste=0.2,
                object_weight=0.5,
                terms=Terms(mask_features=0.5, object_logits=0.5, object_masks=0.5, prompt_masks=0.5, iou=0.5),
                frozen=("backbone.smb1",),
            ),
            Recipe(
                name="segment",
                steps=1400,
                sizes=(256, 320, 384),
                tasks={Task.PROMPTS: 0.9, Task.IMAGE: 0.1},
                source_weights=_SOURCES,
                scale=(0.8, 1.8),
                copy_paste=0.2,
                frozen=("backbone.smb1",),
            ),
            Recipe(
                name="segment-512",
                steps=450,
                sizes=(512,),
                tasks={Task.PROMPTS: 0.88, Task.IMAGE: 0.12},
                source_weights=_SOURCES,
                scale=(0.8, 1.25),
                copy_paste=0.1,
                learning_rate=5e-4,
                warmup=20,
                frozen=("backbone.smb1",),
                validate_every=150,
                save_every=50,
            ),
            # From a student that answers prompts: objects weigh more, and COCO is seen more often.
            Recipe(
                name="objects",
                steps=2200,
                sizes=(256, 320, 384),
                tasks={Task.PROMPTS: 0.45, Task.IMAGE: 0.55},
                source_weights=_OBJECT_SOURCES,
                scale=(0.8, 1.8),
                copy_paste=0.2,
                warmup=100,
                object_weight=0.5,
                frozen=("backbone.smb1",),
            ),
            Recipe(
                name="objects-512",
                steps=400,
                sizes=(512,),
                tasks={Task.PROMPTS: 0.6, Task.IMAGE: 0.4},
                source_weights=_OBJECT_SOURCES,
                scale=(0.8, 1.25),
                copy_paste=0.1,
                learning_rate=5e-4,
                warmup=20,
                object_weight=0.5,
                frozen=("backbone.smb1",),
                validate_every=100,
                save_every=50,
            ),
        )
    }
)


def recipe_named(name: str) -> Recipe:
    """Return the recipe of that name.

    Raises:
        InputError: unknown; the known ones are listed.
    """
    if name not in RECIPES:
        raise InputError(f"unknown recipe {name!r}; known: {', '.join(RECIPES)}")
    return RECIPES[name]
