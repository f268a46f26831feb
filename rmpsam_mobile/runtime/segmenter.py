"""The Segmenter: one encoder run a picture, then any number of cheap answers from the same features."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from rmpsam_mobile import postprocess
from rmpsam_mobile.bundle import is_bundle, open_bundle
from rmpsam_mobile.checkpoint import load_checkpoint
from rmpsam_mobile.contracts import Graph, GraphSizes, ModelContract, Size
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.fit import Fit, fit_picture
from rmpsam_mobile.picture import read_picture
from rmpsam_mobile.preprocess import pixel_values
from rmpsam_mobile.runtime.base import Array, Runner
from rmpsam_mobile.runtime.eager import EagerRunner, contract_of
from rmpsam_mobile.runtime.object_regions import find_regions
from rmpsam_mobile.runtime.opening import open_runner
from rmpsam_mobile.runtime.prompts import Prompt, check_prompt, fill_slots
from rmpsam_mobile.runtime.proposals import (
    LEVELS,
    Candidates,
    Proposal,
    answer_candidates,
    click_grid,
    covered,
    object_prompts,
    proposals,
    region_candidates,
)
from rmpsam_mobile.runtime.tracker import VideoTracks, track_video


@dataclass(frozen=True)
class Panoptic:
    """Every pixel named: ``map`` int32 [H, W] (class + 1000 * instance, number of classes = void), its segments."""

    map: NDArray[np.int32]
    segments: tuple[postprocess.PanopticSegment, ...]


class Segmenter:
    """Masks from a picture: by click, by box, all at once, or through a video.

    Coordinates are xy pixels of the source image, origin top left; boxes xyxy. Masks are at its size.
    """

    def __init__(self, runner: Runner) -> None:
        """Args: runner: any engine; see ``open`` for the usual way."""
        self.runner = runner
        self._picture: NDArray[np.uint8] | None = None
        self._fit: Fit | None = None
        self._features: Array | None = None
        self._found: tuple[Array, ...] | None = None

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        size: int | str | Size | None = None,
        classifier: str | Path | None = None,
        threads: int | None = None,
    ) -> "Segmenter":
        """Open a bundle folder (its files run, see ``open_runner``) or a checkpoint (the eager model runs).

        Args:
            path: bundle folder, our .safetensors or an official .pth.
            size: model input of an eager model, 512 by default; a bundle has its own.
            classifier: class embeddings for a checkpoint without them.
            threads: of the engine that runs a bundle.

        Raises:
            InputError: nothing usable at ``path``, or an option that does not belong to it.
        """
        if is_bundle(Path(path)) or Path(path).is_dir():
            if size is not None or classifier is not None:
                raise InputError(
                    f"{path} is a bundle, whose size and classes are fixed; leave size and classifier away"
                )
            return cls(open_runner(open_bundle(path), threads=threads))
        model = load_checkpoint(path, classifier=classifier)
        chosen = Size.parse(str(size if size is not None else 512))
        return cls(EagerRunner(model, contract_of(model, GraphSizes(size=chosen))))

    @property
    def contract(self) -> ModelContract:
        """What the model expects and knows."""
        return self.runner.contract

    @property
    def picture(self) -> NDArray[np.uint8]:
        """The picture that was set, uint8 RGB [H, W, 3], upright."""
        self._require_picture()
        assert self._picture is not None
        return self._picture

    def set_image(self, image: str | Path | Image.Image | NDArray[Any]) -> None:
        """Read a picture (a path, a pillow image or uint8 RGB [H, W, 3]) and run the encoder once.

        Raises:
            InputError: not a picture, too small or too large.
        """
        picture = read_picture(image)
        fit = fit_picture(picture.shape[0], picture.shape[1], self.contract.sizes.size)
        (features,) = self.runner.run(Graph.ENCODER, [pixel_values(picture, fit)])
        self._picture, self._fit, self._features, self._found = picture, fit, features, None

    def predict(
        self,
        point_coords: ArrayLike | None = None,
        point_labels: ArrayLike | None = None,
        box: ArrayLike | None = None,
        *,
        return_logits: bool = False,
    ) -> tuple[NDArray[Any], NDArray[np.floating]]:
        """One object from points [P, 2] with labels [P] (1 foreground, 0 background) and at most one box [4].

        Returns:
            masks [1, H, W], bool or logits, and the predicted IoU [1] (not bounded to 0..1).

        Raises:
            InputError: no picture set, or a prompt that cannot be.
            UnsupportedError: more hints in one prompt than this model reads.
        """
        return self.predict_many([Prompt.of(point_coords, point_labels, box)], return_logits=return_logits)

    def predict_many(
        self,
        prompts: Sequence[Prompt],
        *,
        return_logits: bool = False,
        progress: Callable[[int], None] | None = None,
    ) -> tuple[NDArray[Any], NDArray[np.floating]]:
        """One object for each prompt, any number: masks [N, H, W] and predicted IoU [N]; see ``predict``."""
        _, fit = self._require_picture()
        masks: list[NDArray[Any]] = []
        scores: list[NDArray[np.floating]] = []
        for logits, iou in self._ask(prompts):
            in_picture = postprocess.PictureMasks(logits, fit)
            masks += [m if return_logits else m > self.contract.thresholds.mask for m in in_picture]
            scores.append(iou)
            if progress is not None:
                progress(len(logits))
        if not masks:
            raise InputError("no prompt given; give at least one point or box")
        return np.stack(masks), np.concatenate(scores)

    def panoptic(self, *, object_mask_thr: float | None = None, iou_thr: float | None = None) -> Panoptic:
        """Name every pixel; thresholds are the contract's unless given."""
        class_logits, mask_logits = self.queries()
        limits, contract = self.contract.thresholds, self.contract
        label_map = postprocess.panoptic(
            class_logits,
            mask_logits,
            num_things=contract.num_things,
            object_mask_thr=limits.object_mask if object_mask_thr is None else object_mask_thr,
            iou_thr=limits.iou if iou_thr is None else iou_thr,
        )
        segments = postprocess.panoptic_segments(label_map, contract.num_things, len(contract.class_names))
        return Panoptic(label_map, tuple(segments))

    def instances(self, *, max_per_image: int | None = None) -> postprocess.Instances:
        """All countable objects by falling score."""
        class_logits, mask_logits = self.queries()
        limit = max_per_image or self.contract.thresholds.max_instances
        return postprocess.instances(class_logits, mask_logits, self.contract.num_things, limit)

    def everything(self, *, max_proposals: int = 64, overlap: float = 0.8) -> list[Proposal]:
        """Every object as a proposal, the surest first: where the object branch sees something, asked at once.

        Args:
            max_proposals: at most so many.
            overlap: of two proposals whose masks overlap more (IoU), the less sure goes.
        """
        class_logits, mask_logits = self._objects()
        _, fit = self._require_picture()
        own = covered(mask_logits, fit)
        regions = find_regions(class_logits, own)
        answers = self._answers(object_prompts(regions, own, fit), LEVELS)
        return proposals(answers + region_candidates(regions, mask_logits), fit, overlap, max_proposals)

    def everything_on_grid(self, side: int = 32, *, max_proposals: int = 1000, overlap: float = 0.7) -> list[Proposal]:
        """The same with one click in each of ``side`` x ``side`` fields: dear, and blind to objects.

        SAM's own way and overlap (arXiv 2304.02643, appendix B).
        """
        _, fit = self._require_picture()
        answers = self._answers(click_grid(side, *fit.picture), LEVELS[:1])
        return proposals(answers, fit, overlap, max_proposals)

    def queries(self) -> tuple[Array, postprocess.PictureMasks]:
        """Class logits [Q, K + 1] and masks in the source-image frame; the object graph runs once a picture."""
        class_logits, mask_logits = self._objects()
        return class_logits, postprocess.PictureMasks(mask_logits, self._require_picture()[1])

    def track(self, frames: Sequence[NDArray[np.uint8]], **options: Any) -> VideoTracks:
        """Follow objects through a video of any length; see ``track_video``."""
        return track_video(self.runner, frames, **options)

    def _ask(self, prompts: Sequence[Prompt]) -> Iterator[tuple[Array, Array]]:
        """Mask logits [n, h, w] of the mask grid and predicted IoU [n], as many slots at a time as the graph has."""
        features, fit = self._require_picture()
        checked = [check_prompt(prompt, self.contract, *fit.picture) for prompt in prompts]
        slots = self.contract.sizes.num_slots
        for start in range(0, len(checked), slots):
            chunk = checked[start : start + slots]
            logits, iou = self.runner.run(Graph.PROMPTS, [features, *fill_slots(chunk, fit, self.contract)])
            yield logits[0, : len(chunk)], iou[0, : len(chunk)]

    def _answers(self, prompts: Sequence[Prompt], levels: Sequence[float]) -> Candidates:
        """All answers at all levels."""
        logits, iou = (np.concatenate(parts) for parts in zip(*self._ask(prompts), strict=True))
        return answer_candidates(logits, iou, levels)

    def _objects(self) -> tuple[Array, Array]:
        """Class logits [Q, K + 1] and mask logits [Q, h, w] on the mask grid."""
        features, _ = self._require_picture()
        if self._found is None:
            self._found = self.runner.run(Graph.OBJECTS, [features])
        return self._found[0][0], self._found[1][0]

    def _require_picture(self) -> tuple[Array, Fit]:
        if self._features is None or self._fit is None:
            raise InputError("no picture is set; call set_image(picture) first")
        return self._features, self._fit
