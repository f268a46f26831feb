"""What is imitated: the encoder of a pretrained backbone, or a whole RMP-SAM with its answers.

Letters: B pictures, D the teacher's width, h x w the mask grid, Q queries, K classes, N prompts.
"""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from rmpsam_mobile.distill.lesson_cache import LessonCache
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.model.clip import stack_frames
from rmpsam_mobile.model.panoptic_head import PromptState
from rmpsam_mobile.model.prompt import PromptSet
from rmpsam_mobile.model.rmpsam import Encoding, Objects, RmpSam


@dataclass(frozen=True)
class Lesson:
    """What a teacher says about one batch of pictures.

    Attributes:
        maps: of its encoder, at strides 4 to 32.
        mask_features: [B, D, h, w], None of a backbone alone.
        objects: its object path, None of a backbone or without class embeddings.
    """

    maps: tuple[Tensor, ...]
    mask_features: Tensor | None = None
    objects: Objects | None = None

    def tensors(self) -> dict[str, Tensor]:
        """As a cache stores them."""
        named = {f"map{i}": tensor for i, tensor in enumerate(self.maps)}
        if self.mask_features is not None:
            named["mask_features"] = self.mask_features
        if self.objects is not None:
            found = self.objects
            named |= {"class_logits": found.class_logits, "mask_logits": found.mask_logits, "queries": found.queries}
        return named

    @classmethod
    def of(cls, named: dict[str, Tensor]) -> "Lesson":
        """From what a cache stored."""
        maps = tuple(named[f"map{i}"] for i in range(sum(name.startswith("map") for name in named)))
        found = None
        if "queries" in named:
            found = Objects(
                class_logits=named["class_logits"], mask_logits=named["mask_logits"], queries=named["queries"]
            )
        return cls(maps, named.get("mask_features"), found)


class Encoder(Protocol):
    """Any of the encoders."""

    widths: tuple[int, ...]

    def __call__(self, pixel_values: Tensor) -> tuple[Tensor, ...]:
        """[B, 3, H, W] -> maps at strides 4, 8, 16, 32."""
        ...


class Teacher:
    """A frozen network that answers without gradients."""

    def __init__(self, network: nn.Module, cache: LessonCache | None = None) -> None:
        """Args: network: a backbone with ``widths``, or an ``RmpSam``. cache: where lessons are kept and looked up."""
        self.network = network.eval().requires_grad_(requires_grad=False)
        self.cache = cache
        self.model = network if isinstance(network, RmpSam) else None
        self._encoder: Encoder = network.backbone if isinstance(network, RmpSam) else network  # type: ignore[assignment]

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of the four maps."""
        return tuple(self._encoder.widths)

    def to(self, device: torch.device) -> "Teacher":
        """Move the network."""
        self.network.to(device)
        return self

    def lesson(self, pixel_values: Tensor, key: str, *, with_neck: bool, with_objects: bool, frames: int = 1) -> Lesson:
        """Look at pictures [B * T, 3, S, S], or remember what was said about the batch ``key``.

        Args:
            pixel_values: T ``frames`` of each clip after one another; objects span them.
            key: of the batch.
            with_neck: also mask features.
            with_objects: also objects, whose masks lie under one another as ``stack_frames`` lays them.
            frames: T.

        Raises:
            InputError: more is asked for than this teacher can say.
        """
        named = None if self.cache is None else self.cache.read(key)
        if named is not None:
            return Lesson.of({name: tensor.to(pixel_values.device) for name, tensor in named.items()})
        lesson = self._look(pixel_values, frames, with_neck=with_neck, with_objects=with_objects)
        if self.cache is not None:
            self.cache.write(key, lesson.tensors())
        return lesson

    @torch.no_grad()
    def _look(self, pixel_values: Tensor, frames: int, *, with_neck: bool, with_objects: bool) -> Lesson:
        maps = self._encoder(pixel_values)
        if not with_neck and not with_objects:
            return Lesson(maps)
        model = self.whole("mask features")
        features = model.neck(maps)
        found = model.objects(Encoding(mask_features=stack_frames(features, frames))) if with_objects else None
        return Lesson(maps, features, found)

    @torch.no_grad()
    def answer(self, lesson: Lesson, prompts: PromptSet, image_size: Tensor) -> PromptState:
        """Answer prompts; an official teacher reads the box, else the first point, of each.

        Raises:
            InputError: this teacher has no prompt path.
        """
        model = self.whole("prompted masks")
        if lesson.mask_features is None:
            raise InputError("this lesson has no mask features; ask for them with_neck")
        count = min(model.config.num_points, prompts.points.shape[-2])
        labels = torch.cat((prompts.labels[..., :count], prompts.labels[..., -1:]), -1)
        fitting = PromptSet(prompts.points[..., :count, :], labels, prompts.boxes)
        return model.panoptic_head.answer(lesson.mask_features, fitting, image_size)

    def whole(self, what: str) -> RmpSam:
        """The teacher as a whole model, which ``what`` is asked of.

        Raises:
            InputError: it is a backbone.
        """
        if self.model is None:
            raise InputError(f"a backbone teaches features alone, no {what}; give a checkpoint, or another recipe")
        return self.model
