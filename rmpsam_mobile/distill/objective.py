"""What one update minimises: the losses of one batch, by name."""

from collections.abc import Callable
from typing import Self

import torch
from torch import Tensor, nn

from rmpsam_mobile.data.samples import Task
from rmpsam_mobile.distill.batch import Batch
from rmpsam_mobile.distill.imitation import (
    MapImitation,
    class_imitation,
    iou_imitation,
    mask_imitation,
    sure_objects,
)
from rmpsam_mobile.distill.object_task import ObjectTruth, object_losses
from rmpsam_mobile.distill.prompt_task import PromptTruth, prompt_losses
from rmpsam_mobile.distill.recipe import Recipe
from rmpsam_mobile.distill.teacher import Lesson, Teacher
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.model.clip import stack_frames
from rmpsam_mobile.model.rmpsam import Encoding, Objects, RmpSam

Losses = dict[str, Tensor]


class Objective(nn.Module):
    """Student and adapters as one module, so that one wrapper trains all of it on many processes."""

    def __init__(self, student: RmpSam, recipe: Recipe, teacher: Teacher | None = None) -> None:
        """Build the adapters that the recipe's terms need.

        Raises:
            InputError: the recipe imitates and there is no teacher, or one that cannot say as much; or it freezes a
                part that the student does not have.
        """
        super().__init__()
        self.student = student
        self.recipe = recipe
        self.teacher = teacher  # no module: neither trained nor stored
        self.frozen = _frozen_parts(student, recipe)
        for part in self.frozen:
            part.requires_grad_(requires_grad=False)
        self.features: MapImitation | None = None
        self.mask_features: MapImitation | None = None
        terms = recipe.terms
        if teacher is None:
            if terms.features or terms.needs_neck:
                raise InputError(f"recipe {recipe.name} imitates a teacher; name one with --teacher, or another recipe")
            return
        whole = teacher.whole("mask features and masks") if terms.needs_neck else None
        with torch.random.fork_rng(devices=[]):  # a run that starts again starts from the same adapters
            torch.manual_seed(recipe.seed)
            if terms.features:
                self.features = MapImitation(student.backbone.widths, teacher.widths)
            if terms.mask_features and whole is not None:
                self.mask_features = MapImitation([student.config.width], [whole.config.width])

    def train(self, mode: bool = True) -> Self:
        """Training mode, but for frozen parts and, if the recipe says so, all norms."""
        super().train(mode)
        for part in self.frozen:
            part.eval()
        if self.recipe.frozen_norms:
            for module in self.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()
        return self

    def forward(self, batch: Batch, average: Callable[[float], float] = float) -> Losses:
        """Losses of a batch by name, each already weighted.

        Args:
            batch: the samples.
            average: of a number over the processes that train together.
        """
        device = next(self.student.parameters()).device
        pixels = batch.pixel_values(device).contiguous(memory_format=torch.channels_last)
        maps, terms, lesson = self.student.backbone(pixels), self.recipe.terms, None
        is_object_task, frames = batch.task not in (Task.PROMPTS, Task.IMITATE), batch.samples[0].pixels.shape[0]
        if self.teacher is not None:
            with_neck = (terms.needs_neck and batch.task is not Task.IMITATE) or self.mask_features is not None
            with_objects = terms.needs_objects and is_object_task
            lesson = self.teacher.lesson(
                pixels, batch.key, with_neck=with_neck, with_objects=with_objects, frames=frames
            )
        losses: Losses = {}
        if self.features is not None and lesson is not None:
            losses["features"] = terms.features * self.features(maps, lesson.maps)
        if batch.task is Task.IMITATE and self.mask_features is None:
            return losses
        features = self.student.neck(maps)
        if self.mask_features is not None and lesson is not None and lesson.mask_features is not None:
            losses["mask_features"] = terms.mask_features * self.mask_features([features], [lesson.mask_features])
        if batch.task is Task.IMITATE:
            return losses
        if is_object_task and self.recipe.object_weight:
            losses |= self._objects(stack_frames(features, frames), batch, lesson)
        if frames == 1 and self.recipe.prompt_weight:
            losses |= self._prompts(features, batch, average, lesson)
        return losses

    def _prompts(
        self, features: Tensor, batch: Batch, average: Callable[[float], float], lesson: Lesson | None
    ) -> Losses:
        truth = PromptTruth(
            [sample.masks[:, 0] for sample in batch.samples],
            [sample.image_size for sample in batch.samples],
            self.recipe.prompts,
            self.student.config.num_points,
            batch.rngs(self.recipe.seed),
        )
        head, task, terms = self.student.panoptic_head, self.recipe.prompts, self.recipe.terms
        losses, state = prompt_losses(head, features, truth, task, rounds=batch.rounds, average=average)
        losses = {name: self.recipe.prompt_weight * value for name, value in losses.items()}
        if self.teacher is None or lesson is None or not (terms.prompt_masks or terms.iou) or not truth.hints:
            return losses
        size = truth.image_size.to(features)
        taught = self.teacher.answer(lesson, truth.prompt_set(features), size)
        rows = tuple(torch.from_numpy(index) for index in truth.rows)
        ours, theirs = state.mask_logits[rows].flatten(1), taught.mask_logits[rows].flatten(1)
        weights = ours.new_ones(len(ours))
        return {
            **losses,
            "prompt_masks": terms.prompt_masks * mask_imitation(ours, theirs, weights),
            "taught_iou": terms.iou * iou_imitation(state.iou[rows], taught.iou[rows], weights),
        }

    def _objects(self, features: Tensor, batch: Batch, lesson: Lesson | None) -> Losses:
        """Frames lie under one another, in features and masks alike."""
        truths = []
        for sample in batch.samples:
            known = sample.labels >= 0
            labels, masks = torch.from_numpy(sample.labels[known]), torch.from_numpy(sample.masks[known])
            where = features.device
            truths.append(ObjectTruth(labels.to(where), masks.flatten(1, 2).to(features), sample.is_exhaustive))
        generator = torch.Generator(features.device).manual_seed(self.recipe.seed * 1_000_003 + batch.first)
        found = self.student.objects(Encoding(mask_features=features), with_stages=True)
        losses = dict(object_losses(found, truths, self.recipe.objects, generator))
        if lesson is not None and lesson.objects is not None:
            losses |= self._taught_objects(found, lesson.objects)
        return {name: self.recipe.object_weight * value for name, value in losses.items()}

    def _taught_objects(self, found: Objects, taught: Objects) -> Losses:
        """Query i as the teacher's query i; both need as many queries and classes."""
        terms = self.recipe.terms
        if found.class_logits.shape != taught.class_logits.shape:
            raise InputError(
                f"student and teacher answer with {tuple(found.class_logits.shape)} and "
                f"{tuple(taught.class_logits.shape)} classes; query by query needs the same numbers"
            )
        weights = sure_objects(taught.class_logits).flatten()
        ours, theirs = (x.mask_logits.flatten(0, 1).flatten(1) for x in (found, taught))
        return {
            "taught_classes": terms.object_logits * class_imitation(found.class_logits, taught.class_logits),
            "taught_masks": terms.object_masks * mask_imitation(ours, theirs, weights),
        }


def _frozen_parts(student: RmpSam, recipe: Recipe) -> list[nn.Module]:
    try:
        return [student.get_submodule(name) for name in recipe.frozen]
    except AttributeError:
        raise InputError(
            f"recipe {recipe.name} freezes {', '.join(recipe.frozen)} of the student, which {student.preset} does not "
            "have; give another student, or another recipe"
        ) from None
