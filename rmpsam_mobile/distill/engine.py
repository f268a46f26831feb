"""The training loop: the same command for one CPU, one GPU, many of them (Hugging Face accelerate).

A run lives in a folder: ``recipe.json``, ``last.safetensors`` (to go on from), ``best.safetensors`` and
``student.safetensors`` (checkpoints of the averaged weights: best on the held-out part, and the last), ``log.csv``.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from rmpsam_mobile.atomic import write_file
from rmpsam_mobile.checkpoint.store import Card, Checkpoint, save_checkpoint
from rmpsam_mobile.data.samples import Sample
from rmpsam_mobile.data.stream import SampleStream
from rmpsam_mobile.distill.batch import Batch, Updates
from rmpsam_mobile.distill.held_out import HeldOut, measure
from rmpsam_mobile.distill.held_out_objects import measure_objects
from rmpsam_mobile.distill.held_out_pictures import held_out_pictures
from rmpsam_mobile.distill.objective import Objective
from rmpsam_mobile.distill.optimisation import averaged, build_optimizer, set_rate
from rmpsam_mobile.distill.recipe import Recipe, same_recipe
from rmpsam_mobile.distill.rounding import Rounding
from rmpsam_mobile.distill.run_log import RunLog
from rmpsam_mobile.distill.run_state import Progress, load_state, save_state
from rmpsam_mobile.distill.teacher import Teacher
from rmpsam_mobile.errors import InputError, MissingExtraError
from rmpsam_mobile.model.rmpsam import RmpSam

LAST, BEST, STUDENT, RECIPE = "last.safetensors", "best.safetensors", "student.safetensors", "recipe.json"


@dataclass(frozen=True, kw_only=True)
class Update:
    """What a listener hears after each update: its number, its losses, seconds a picture."""

    step: int
    losses: Mapping[str, float]
    seconds: float


class Run:
    """One training run in one folder; ``train`` starts it or goes on where it stopped."""

    def __init__(
        self,
        folder: Path,
        recipe: Recipe,
        student: RmpSam,
        stream: SampleStream,
        held: Sequence[Sample],
        *,
        teacher: Teacher | None = None,
        workers: int = 0,
        card: Card | None = None,
    ) -> None:
        """Build everything and go where a stopped run left off; only ``recipe.json`` is written.

        Args:
            folder: of the run; made where it is not there.
            recipe: numbers.
            student: trained in place, with classifier and vocabulary where the object branch is trained.
            stream: of training samples.
            held: samples that are measured and never trained on.
            teacher: network whose outputs are imitated, for the recipe's terms.
            workers: processes that prepare samples; 0 prepares them here.
            card: origin, written into the checkpoints.

        Raises:
            MissingExtraError: accelerate is not installed.
            InputError: the folder holds a run of another recipe.
        """
        try:
            from accelerate import Accelerator
            from accelerate.utils import DistributedDataParallelKwargs
        except ImportError:
            raise MissingExtraError('training needs accelerate; install: pip install "rmpsam-mobile[train]"') from None
        unused = DistributedDataParallelKwargs(find_unused_parameters=True)
        self.accelerator = Accelerator(cpu=not torch.cuda.is_available(), kwargs_handlers=[unused])
        self.folder, self.recipe, self.held, self.workers = folder, recipe, tuple(held), workers
        self.card = card or Card(kind="distilled")
        self.objective = Objective(student.train(), recipe, teacher)
        self.optimizer = build_optimizer(self.objective, recipe)
        device = self.accelerator.device
        self.objective.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        if teacher is not None:
            teacher.to(device)
        self.average = averaged(student, recipe.ema_decay)
        self.progress = self._resume()
        self.saved_step = self.progress.step  # that a run which is stopped now goes on from
        self.updates = Updates(stream, recipe, self.accelerator.process_index, self.accelerator.num_processes)
        self.wrapped = self.accelerator.prepare_model(self.objective)

    def _resume(self) -> Progress:
        self.folder.mkdir(parents=True, exist_ok=True)
        stored = self.folder / RECIPE
        if stored.exists() and not same_recipe(stored.read_text(), self.recipe):
            raise InputError(f"{self.folder} holds a run of another recipe; give another folder, or the same recipe")
        if self.accelerator.is_main_process:
            write_file(stored, self.recipe.document().encode())
        last = self.folder / LAST
        if not last.exists():
            return Progress()
        return load_state(last, self.objective, self.average, self.optimizer)

    def train(self, listener: Callable[[Update], None] = lambda _: None) -> Progress:
        """Run all updates that are left.

        Raises:
            InputError: a loss is no number (the batch is saved and named), or the disk is full.
        """
        log = RunLog(self.folder, self.progress.step) if self.accelerator.is_main_process else None
        try:
            self._train(log, listener)
        finally:
            if log is not None:
                log.close()
        return self.progress

    def _train(self, log: RunLog | None, listener: Callable[[Update], None]) -> None:
        started, before = time.monotonic(), self.progress.seconds
        for batch in self._batches():
            began = time.monotonic()
            losses = self._update(batch)
            step = batch.step + 1
            self.progress = replace(self.progress, step=step, seconds=before + time.monotonic() - started)
            update = Update(step=step, losses=losses, seconds=(time.monotonic() - began) / len(batch.samples))
            listener(update)
            if log is not None:
                log.losses(step, losses, self.optimizer.param_groups[-1]["lr"])
                self._milestones(step, log)
            if self._saves_at(step):
                self.saved_step = step

    def cost(self, updates: int = 3) -> dict[str, float]:
        """Run a few updates and say what all of them take: pictures, hours, gigabytes of memory at the peak."""
        times = []
        for batch in self._batches(self.progress.step + updates):
            began = time.monotonic()
            self._update(batch)
            times.append(time.monotonic() - began)
        left = self.recipe.steps - self.progress.step
        pictures = left * self.recipe.batch * self.accelerator.num_processes
        return {
            "updates": left,
            "pictures": pictures,
            "parameters": sum(p.numel() for p in self.objective.parameters()),
            "seconds an update": min(times),
            "hours": left * min(times) / 3600,
            "peak memory GB": _peak_memory() / 1e9,
        }

    def averaged_student(self) -> RmpSam:
        """The student with averaged weights, in eval mode: what is measured and kept."""
        model = self.average.module
        assert isinstance(model, RmpSam)
        return model.eval()

    def _batches(self, end: int | None = None) -> Iterator[Batch]:
        steps = range(self.progress.step, min(end or self.recipe.steps, self.recipe.steps))
        more = {"prefetch_factor": 4} if self.workers else {}
        loader = DataLoader(
            self.updates,
            batch_size=None,
            sampler=steps,
            num_workers=self.workers,
            **more,  # type: ignore[arg-type]
        )
        yield from loader

    def _update(self, batch: Batch) -> dict[str, float]:
        """One step of the optimizer; every random draw comes from the update's number."""
        torch.manual_seed(self.recipe.seed * 1_000_003 + batch.step)
        self.objective.train()
        with self.accelerator.autocast(), self._rounding():
            losses = self.wrapped(batch, self._mean)
            total = torch.stack([value.float() for value in losses.values()]).sum()
        if not math.isfinite(float(total.detach())):
            raise InputError(self._saved(batch, losses))
        set_rate(self.optimizer, self.recipe, batch.step)
        self.accelerator.backward(total)
        norm = self.accelerator.clip_grad_norm_(self.objective.parameters(), self.recipe.clip_norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.average.update_parameters(self.objective.student)
        values = {name: float(value.detach()) for name, value in losses.items()}
        return values | {"total": float(total.detach()), "gradient": float(norm)}

    def _mean(self, number: float) -> float:
        if self.accelerator.num_processes == 1:
            return number
        reduced = self.accelerator.reduce(torch.tensor(number, device=self.accelerator.device), "mean")
        assert isinstance(reduced, Tensor)
        return float(reduced)

    def _milestones(self, step: int, log: RunLog) -> None:
        """Measure, keep the best, save the state: on schedule and at the end."""
        recipe, ended = self.recipe, step == self.recipe.steps
        if self.held and (step % recipe.validate_every == 0 or ended):
            found = self._measured(step, log)
            if found.choice > self.progress.best:
                self.progress = replace(self.progress, best=found.choice, best_step=step)
                self._save_student(BEST)
        if ended:  # before the state that says so: a run that is killed in between writes it again
            self._save_student(STUDENT)
        if self._saves_at(step):
            save_state(self.folder / LAST, self.objective, self.average, self.optimizer, self.progress)

    def _measured(self, step: int, log: RunLog) -> HeldOut:
        """Measure prompts; and what does not choose: objects where they are trained, pictures where they are shown."""
        student, seed = self.averaged_student(), self.recipe.seed
        with self._rounding():
            found = measure(student, self.held, seed)
            objects = measure_objects(student, self.held) if self.recipe.object_weight else None
        log.held_out(step, found, objects)
        if log.shows_pictures:
            log.pictures(step, held_out_pictures(student, self.held, seed))
        return found

    def _rounding(self) -> AbstractContextManager[object]:
        return Rounding() if self.recipe.rounding else nullcontext()

    def _saves_at(self, step: int) -> bool:
        return step % self.recipe.save_every == 0 or step == self.recipe.steps

    def _save_student(self, name: str) -> None:
        model = self.averaged_student()
        classifier = None if model.classifier is None else model.classifier.text_embeddings.cpu()
        checkpoint = Checkpoint(
            preset=model.preset,
            tensors=model.state_dict(),
            classifier=classifier,
            vocabulary=model.vocabulary,
            thresholds=model.thresholds,
            card=self.card,
        )
        save_checkpoint(checkpoint, self.folder / name, force=True)

    def _saved(self, batch: Batch, losses: Mapping[str, Tensor]) -> str:
        path = self.folder / f"bad_batch_{batch.step}.npz"
        pictures = np.concatenate([sample.pixels for sample in batch.samples])
        np.savez_compressed(path, pixels=pictures, keys=[sample.key for sample in batch.samples])
        wrong = [name for name, value in losses.items() if not math.isfinite(float(value.detach()))]
        return (
            f"update {batch.step}: {', '.join(wrong)} is no finite number; its pictures are in {path}; "
            "lower the learning rate, or leave them out"
        )


def _peak_memory() -> float:
    """Bytes that this process held at most, on the accelerator where there is one."""
    if torch.cuda.is_available():
        return float(torch.cuda.max_memory_allocated())
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0
