"""An endless, repeatable stream of training samples: number i is the same in every process."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from rmpsam_mobile.data.assemble import Assembly
from rmpsam_mobile.data.augment import Augmentation
from rmpsam_mobile.data.copy_paste import is_pasteable, paste
from rmpsam_mobile.data.draws import Pool, build_pool
from rmpsam_mobile.data.records import ObjectLabel, Record, Skipped
from rmpsam_mobile.data.samples import Sample, Task
from rmpsam_mobile.data.youtube_vis import Clip
from rmpsam_mobile.errors import InputError

MAX_BROKEN = 50  # pictures in a row that cannot be read before a sample is given up


@dataclass(frozen=True, kw_only=True)
class StreamSettings:
    """What is drawn how often, and what is done to it.

    Attributes:
        seed: 0 or more.
        size: side of the square in pixels; replaces the augmentation's own.
        task_weights: how often each task is drawn, in proportion.
        augmentation: of every sample.
        class_names: the vocabulary; labels are places in it.
        source_weights: a source is drawn in proportion to this (1 where it is absent) times the square root of its
            number of pictures; 0 leaves it out. Real clips are drawn by their own ``source``.
        max_objects: of one sample, drawn at random where there are more.
        num_frames: of clips and pseudo-videos.
    """

    seed: int
    size: int
    task_weights: Mapping[Task, float]
    augmentation: Augmentation
    class_names: tuple[str, ...]
    source_weights: Mapping[str, float] = field(default_factory=dict)
    max_objects: int = 24
    num_frames: int = 4


class SampleStream:
    """Samples by number. It can be pickled where ``on_skip`` can.

    Attributes:
        skipped: by key, how often a picture was drawn that could not be read, in this process.
    """

    def __init__(
        self,
        records: Sequence[Record],
        clips: Sequence[Clip],
        settings: StreamSettings,
        on_skip: Callable[[Skipped], None],
    ) -> None:
        """Sort records and clips by what they can be drawn for; no picture is read.

        Args:
            on_skip: called once for each picture that cannot be read, and for each weight whose source is not there.

        Raises:
            InputError: a setting out of range, or a task with a weight and without any picture.
        """
        self.skipped: Counter[str] = Counter()
        self._records, self._clips, self._settings, self._on_skip = tuple(records), tuple(clips), settings, on_skip
        self._classes = {name: number for number, name in enumerate(settings.class_names)}
        _check(settings, len(self._classes))
        self._pools = {task: self._pool(task) for task in Task}
        numbered = [(i, r.source) for i, r in enumerate(self._records) if _may_donate(r)]
        self._donors = build_pool(numbered, settings.source_weights)
        self._tasks = [(Task(task), weight) for task, weight in sorted(settings.task_weights.items()) if weight > 0]
        for task, _ in self._tasks:
            self._pool_of(task)
        present = {record.source for record in self._records} | {clip.source for clip in self._clips}
        for name in sorted(settings.source_weights.keys() - present):
            on_skip(Skipped(f"weight of source {name!r}", "no picture or clip is of this source"))

    def sample(self, index: int, *, task: Task | None = None, size: int | None = None) -> Sample:
        """Sample number ``index``: the same for the same seed, index, task and size, whatever was drawn before.

        Args:
            index: 0 or more.
            task: None draws one by ``task_weights``.
            size: side of the square in pixels instead of that of the settings.

        Raises:
            InputError: nothing can be drawn for the task, or 50 pictures in a row cannot be read.
        """
        rng = np.random.default_rng((self._settings.seed, index))
        drawn = self._draw_task(rng)
        task = drawn if task is None else Task(task)
        settings = self._settings
        assembly = Assembly(
            augmentation=replace(settings.augmentation, size=settings.size if size is None else size),
            classes=self._classes,
            max_objects=settings.max_objects,
            num_frames=settings.num_frames,
        )
        pool, reason = self._pool_of(task), ""
        for _ in range(MAX_BROKEN):
            number = pool.draw(rng)
            try:
                return self._make(task, number, assembly, rng)
            except (InputError, OSError) as error:
                reason = str(error)
                self._skip(self._clips[number].key if task is Task.CLIP else self._records[number].key, reason)
        raise InputError(f"{MAX_BROKEN} pictures in a row cannot be read, the last: {reason}; check the data set")

    def shares(self, task: Task) -> dict[str, float]:
        """How often each source is drawn for a task; the sum is 1.

        Raises:
            InputError: nothing can be drawn for the task.
        """
        return self._pool_of(task).shares()

    def _make(self, task: Task, number: int, assembly: Assembly, rng: np.random.Generator) -> Sample:
        if task is Task.CLIP:
            return assembly.clip(self._clips[number], rng)
        record = self._records[number]
        if task is Task.PSEUDO_VIDEO:
            return assembly.pseudo_video(record, rng)
        sample = assembly.still(record, task, rng)
        if task is not Task.IMITATE and rng.random() < assembly.augmentation.copy_paste:
            return self._with_pasted(sample, assembly, rng)
        return sample

    def _with_pasted(self, sample: Sample, assembly: Assembly, rng: np.random.Generator) -> Sample:
        """Paste objects of one more picture; where it cannot be read or has none, the sample stays as it is."""
        if self._donors is None:
            return sample
        record = self._records[self._donors.draw(rng)]
        try:
            objects = tuple(label for label in record.objects if self._belongs(label, sample.task))
            if not objects:
                return sample
            donor = assembly.still(record, sample.task, rng, objects)
        except (InputError, OSError) as error:
            self._skip(record.key, str(error))
            return sample
        min_pixels = assembly.augmentation.min_pixels
        return paste(sample, donor, min_pixels=min_pixels, max_objects=assembly.max_objects, rng=rng)

    def _belongs(self, label: ObjectLabel, task: Task) -> bool:
        """Whether an object may be pasted; where classes are trained, one without a number may not."""
        return is_pasteable(label) and (task is Task.PROMPTS or label.category in self._classes)

    def _draw_task(self, rng: np.random.Generator) -> Task:
        weights = np.array([weight for _, weight in self._tasks])
        return self._tasks[int(rng.choice(len(weights), p=weights / weights.sum()))][0]

    def _pool(self, task: Task) -> Pool | None:
        if task is Task.CLIP:
            numbered = [(i, clip.source) for i, clip in enumerate(self._clips)]
        else:
            numbered = [(i, r.source) for i, r in enumerate(self._records) if _fits(task, r, self._classes)]
        return build_pool(numbered, self._settings.source_weights)

    def _pool_of(self, task: Task) -> Pool:
        pool = self._pools[task]
        if pool is None:
            found = f"{len(self._records)} pictures and {len(self._clips)} clips"
            raise InputError(f"none of {found} can be drawn for the task {task.value}; give it no weight, or add data")
        return pool

    def _skip(self, key: str, reason: str) -> None:
        self.skipped[key] += 1
        if self.skipped[key] == 1:
            self._on_skip(Skipped(key, reason))


def _check(settings: StreamSettings, num_classes: int) -> None:
    if settings.seed < 0:
        raise InputError(f"seed is {settings.seed}; give 0 or more")
    if num_classes != len(settings.class_names):
        raise InputError(f"{len(settings.class_names)} class names hold {num_classes} words; name each class once")
    if settings.max_objects < 1 or settings.num_frames < 1:
        raise InputError(f"max_objects is {settings.max_objects}, num_frames {settings.num_frames}; give 1 or more")
    weights = settings.task_weights
    if not weights or min(weights.values()) < 0 or not 0 < sum(weights.values()) < float("inf"):
        raise InputError(f"task_weights are {dict(weights)}; give numbers of 0 or more, one of them above 0")


def _fits(task: Task, record: Record, classes: Mapping[str, int]) -> bool:
    """Whether a task may draw a picture. Labels that are read late are not opened: they count as labelled."""
    if task is Task.IMITATE:
        return True
    if not record.is_labelled:
        return False
    if callable(record.labels):
        return task is Task.PROMPTS or record.is_exhaustive
    if task is Task.PROMPTS:
        return bool(record.labels)
    return record.is_exhaustive or any(label.category in classes for label in record.labels)


def _may_donate(record: Record) -> bool:
    """Whether a picture may have objects to paste; among labels that are read late, panoptic ones may."""
    if callable(record.labels):
        return record.is_labelled and record.is_exhaustive
    return any(is_pasteable(label) for label in record.labels)
