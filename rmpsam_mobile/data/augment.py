"""Random scale, crop, mirror and colour of a picture and its masks. G objects, T frames, H, W sides in pixels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rmpsam_mobile.data.views import View
from rmpsam_mobile.errors import InputError

GREY = (0.299, 0.587, 0.114)  # ITU-R BT.601, which Pillow converts by


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """How much is left to chance: large-scale jitter (arXiv 2012.07177, section 3), mirroring, colours.

    Attributes:
        size: side S of the square in pixels.
        scale: the picture's long side becomes S times a number drawn log-uniformly from here; 1 is the fit that
            inference uses. What is larger than the square is cropped at a random place.
        follow_object: how often the crop is drawn such that a random object is in it, as far as it fits.
        flip: how often left and right are swapped.
        brightness: colours are multiplied by a number from 1 - this to 1 + this.
        contrast: the same for the distance from the mean grey.
        saturation: the same for the distance from each pixel's own grey.
        greyscale: how often the colour is taken away.
        copy_paste: how often objects of another picture are pasted in; the stream does it.
        min_pixels: objects that have fewer pixels left in every frame are dropped.
    """

    size: int
    scale: tuple[float, float] = (0.6, 2.0)
    follow_object: float = 0.5
    flip: float = 0.5
    brightness: float = 0.3
    contrast: float = 0.3
    saturation: float = 0.4
    greyscale: float = 0.05
    copy_paste: float = 0.0
    min_pixels: int = 48

    def __post_init__(self) -> None:
        if self.size < 8:
            raise InputError(f"size is {self.size}; a picture needs 8 px; give a larger one")
        if not 0.05 <= self.scale[0] <= self.scale[1] <= 20:
            raise InputError(f"scale is {self.scale}; wanted two numbers from 0.05 to 20, the smaller first")
        for name in ("follow_object", "flip", "brightness", "contrast", "saturation", "greyscale", "copy_paste"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise InputError(f"{name} is {value}; give a number from 0 to 1")

    @staticmethod
    def none(size: int, *, min_pixels: int = 48) -> "Augmentation":
        """Nothing left to chance: the picture fitted into the top left corner, as ``rmpsam_mobile.fit`` does."""
        return Augmentation(
            size=size,
            scale=(1.0, 1.0),
            follow_object=0.0,
            flip=0.0,
            brightness=0.0,
            contrast=0.0,
            saturation=0.0,
            greyscale=0.0,
            min_pixels=min_pixels,
        )


Colour = tuple[float, float, float]  # factors of brightness, contrast and saturation; 1 leaves it as it is


def augment(
    pixels: NDArray[np.uint8], masks: NDArray[np.bool_], augmentation: Augmentation, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.bool_], tuple[int, int], NDArray[np.int64]]:
    """Draw one view and one colour, and see all frames and masks that way.

    Args:
        pixels: uint8 RGB [T, H, W, 3].
        masks: [G, T, H, W]; G may be 0.

    Returns:
        pixels uint8 [T, S, S, 3]; masks [K, T, S, S] of the objects that are left; height and width of the picture in
        the square; their numbers int64 [K] among those given, ascending.
    """
    view = draw_view((pixels.shape[1], pixels.shape[2]), mask_boxes(masks), augmentation, rng)
    colour = draw_colour(augmentation, rng)
    views = [view] * len(pixels)
    seen = see_frames(views, pixels, colour, augmentation.size)
    kept = [
        (index, found)
        for index, mask in enumerate(masks)
        if (found := see_object(views, mask, augmentation)) is not None
    ]
    left = np.array([index for index, _ in kept], np.int64)
    return (
        seen,
        stack_masks([found for _, found in kept], len(pixels), augmentation.size),
        (view.height, view.width),
        left,
    )


def draw_view(
    picture: tuple[int, int], boxes: NDArray[np.float64], augmentation: Augmentation, rng: np.random.Generator
) -> View:
    """Draw scale, crop and mirroring.

    Args:
        picture: height and width in pixels.
        boxes: xyxy [G, 4] of the objects, in pixels of the picture.
    """
    height, width = picture
    low, high = augmentation.scale
    factor = augmentation.size / max(height, width) * float(np.exp(rng.uniform(np.log(low), np.log(high))))
    fitted = [max(int(side * factor + 0.5), 1) for side in (width, height)]  # rounded as rmpsam_mobile.fit does
    steps = (width / fitted[0], height / fitted[1])
    seen = [min(side, augmentation.size) for side in fitted]
    wanted = boxes[rng.integers(len(boxes))] if len(boxes) and rng.random() < augmentation.follow_object else None
    offsets = []
    for axis, step in enumerate(steps):
        span = None if wanted is None else (wanted[axis] / step, wanted[axis + 2] / step)
        offsets.append(_draw_offset(fitted[axis] - seen[axis], seen[axis], span, rng))
    (step_x, step_y), (left, top) = steps, offsets
    if rng.random() < augmentation.flip:
        return View((-step_x, 0.0, (left + seen[0]) * step_x, 0.0, step_y, top * step_y), seen[1], seen[0])
    return View((step_x, 0.0, left * step_x, 0.0, step_y, top * step_y), seen[1], seen[0])


def draw_colour(augmentation: Augmentation, rng: np.random.Generator) -> Colour:
    """Draw the factors of brightness, contrast and saturation."""
    strengths = (augmentation.brightness, augmentation.contrast, augmentation.saturation)
    brightness, contrast, saturation = (1 + strength * rng.uniform(-1, 1) for strength in strengths)
    return (brightness, contrast, 0.0 if rng.random() < augmentation.greyscale else saturation)


def see_frames(
    views: Sequence[View], frames: Sequence[NDArray[np.uint8]] | NDArray[np.uint8], colour: Colour, size: int
) -> NDArray[np.uint8]:
    """See T frames of [H, W, 3], each through its view, in one colour: [T, S, S, 3]; what is no picture stays 0."""
    seen = np.zeros((len(views), size, size, 3), np.uint8)
    matrix = None
    for canvas, view, frame in zip(seen, views, frames, strict=True):
        picture = view.picture(frame)
        if colour != (1.0, 1.0, 1.0):
            matrix = matrix or _colour_matrix(colour, picture)
            picture = picture.convert("RGB", matrix)
        canvas[: view.height, : view.width] = np.asarray(picture)
    return seen


def see_object(
    views: Sequence[View], masks: Sequence[NDArray[np.bool_] | None] | NDArray[np.bool_], augmentation: Augmentation
) -> NDArray[np.bool_] | None:
    """See an object's T masks [H, W] (None: not there) through their views: [T, S, S]; None if too little is left."""
    seen = np.zeros((len(views), augmentation.size, augmentation.size), np.bool_)
    for canvas, view, mask in zip(seen, views, masks, strict=True):
        if mask is not None:
            canvas[: view.height, : view.width] = view.mask(mask)
    most = max(int(np.count_nonzero(frame)) for frame in seen)
    return seen if most >= max(augmentation.min_pixels, 1) else None


def stack_masks(masks: Sequence[NDArray[np.bool_]], num_frames: int, size: int) -> NDArray[np.bool_]:
    """Stack G masks [T, S, S], of which there may be none, to [G, T, S, S]."""
    return np.stack(masks) if masks else np.zeros((0, num_frames, size, size), np.bool_)


def mask_boxes(masks: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Boxes xyxy, right and bottom exclusive, around masks [G, T, H, W] in all frames: [K, 4], K of them not empty."""
    boxes = []
    for mask in masks:
        xs, ys = np.flatnonzero(mask.any((0, 1))), np.flatnonzero(mask.any((0, 2)))
        if len(xs):
            boxes.append((xs[0], ys[0], xs[-1] + 1, ys[-1] + 1))
    return np.array(boxes, np.float64).reshape(-1, 4)


def _draw_offset(slack: int, seen: int, span: tuple[float, float] | None, rng: np.random.Generator) -> int:
    """Where the crop of ``seen`` pixels begins, from 0 to ``slack``; covering ``span`` or lying in it, where asked."""
    low, high = 0, slack
    if span is not None:
        ends = sorted((int(np.ceil(span[1])) - seen, int(span[0])))
        low, high = (min(max(end, 0), slack) for end in ends)
    return int(rng.integers(low, high + 1))


def _colour_matrix(colour: Colour, picture: Image.Image) -> tuple[float, ...]:
    """Saturation, then brightness, then contrast, as one map for Pillow: three rows of three factors and a constant."""
    brightness, contrast, saturation = colour
    mean = float((np.asarray(picture)[::4, ::4].reshape(-1, 3) @ np.array(GREY)).mean())
    constant = (1 - contrast) * brightness * mean
    rows = []
    for channel in range(3):
        kept = [saturation * (other == channel) + (1 - saturation) * grey for other, grey in enumerate(GREY)]
        rows += [contrast * brightness * value for value in kept] + [constant]
    return tuple(rows)
