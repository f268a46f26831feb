"""One prompt an object: the box, or clicks, and how well the mask that comes back covers the truth."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rmpsam_mobile.contracts import ModelContract, PointLabel
from rmpsam_mobile.data import Prompted, Record
from rmpsam_mobile.errors import InputError, UnsupportedError
from rmpsam_mobile.evaluate.clicks import Click, next_click
from rmpsam_mobile.evaluate.iou import mask_iou
from rmpsam_mobile.evaluate.number_of_clicks import official_truth
from rmpsam_mobile.runtime import Prompt


class Prompting(Protocol):
    """What is measured: a ``Segmenter``."""

    @property
    def contract(self) -> ModelContract:
        """What the model expects."""
        ...

    def set_image(self, image: NDArray[np.uint8], /) -> None:
        """Take a picture uint8 RGB [H, W, 3]."""
        ...

    def predict_many(self, prompts: Sequence[Prompt], /) -> tuple[NDArray[Any], NDArray[np.floating]]:
        """Masks bool [N, H, W] and predicted IoU [N]."""
        ...


@dataclass(frozen=True, kw_only=True)
class ObjectScore:
    """One object: its picture, collection, share of the picture's area, and IoU after each click (one for a box).

    ``is_empty`` tells that the last mask had no pixel; ``official_iou`` is the last overlap with the truth as the
    released evaluation dilates it (``number_of_clicks.official_truth``), where that was asked for.
    """

    picture: str
    source: str
    share: float
    ious: Sequence[float]
    is_empty: bool
    official_iou: float | None = None


def measure_prompts(
    segmenter: Prompting,
    pictures: Iterable[tuple[Record, tuple[Prompted, ...]]],
    *,
    clicks: int = 0,
    progress: Callable[[int], None] | None = None,
) -> list[ObjectScore]:
    """Ask for every object of every picture; see ``ask_objects``. ``progress`` is called with 1 after each picture.

    Raises:
        UnsupportedError: more clicks than the model reads in one prompt.
    """
    require_clicks(segmenter.contract, clicks)
    scores: list[ObjectScore] = []
    for picture in pictures:
        scores += ask_objects(segmenter, picture, clicks=clicks)
        if progress is not None:
            progress(1)
    return scores


def ask_objects(
    segmenter: Prompting,
    picture: tuple[Record, tuple[Prompted, ...]],
    *,
    clicks: int = 0,
    as_official: bool = False,
) -> list[ObjectScore]:
    """Ask for all objects of a picture at once, and compare masks at the picture's own size.

    A click at pixel x, y is given as the point x + 0.5, y + 0.5: the centre of the pixel, since coordinates have their
    origin at the picture's top left corner. Further clicks come from ``next_click`` and all clicks so far go into one
    prompt; an object without an error to click on keeps its mask.

    Args:
        segmenter: set to the picture, so the encoder runs once.
        picture: from ``read_eval_manifest``.
        clicks: 0 for the ground-truth box, else how many clicks; the first is the object's own point.
        as_official: compare the last mask with the released evaluation's dilated truth too.

    Returns:
        A score for each object, in their order.

    Raises:
        InputError: a picture that cannot be read, or is of another size than its masks.
    """
    record, objects = picture
    if not objects:
        return []
    segmenter.set_image(record.read())
    truths = [_truth(record, found) for found in objects]
    if clicks:
        ious, masks = _click_on(segmenter, objects, truths, clicks)
    else:
        masks = list(segmenter.predict_many([Prompt(box=found.box) for found in objects])[0])
        ious = [[mask_iou(mask, truth)] for mask, truth in zip(masks, truths, strict=True)]
    size = segmenter.contract.sizes.size
    return [
        ObjectScore(
            picture=record.key,
            source=record.source,
            share=np.count_nonzero(truth) / truth.size,
            ious=tuple(values),
            is_empty=not mask.any(),
            official_iou=mask_iou(mask, official_truth(truth, size)) if as_official else None,
        )
        for values, mask, truth in zip(ious, masks, truths, strict=True)
    ]


def require_clicks(contract: ModelContract, clicks: int) -> None:
    """Refuse more clicks than the model reads in one prompt, before any picture is read.

    Raises:
        UnsupportedError: says how many it reads.
    """
    limit = contract.sizes.num_points
    if clicks > limit:
        raise UnsupportedError(
            f"--clicks {clicks}: {contract.preset} reads {limit} click{'s' if limit > 1 else ''} a prompt; "
            f"use --clicks {limit}, or a model that reads more"
        )


def _truth(record: Record, found: Prompted) -> NDArray[np.bool_]:
    mask = found.label.mask()
    if mask.shape != (record.height, record.width):
        size, wanted = (f"{width} x {height} px" for height, width in (mask.shape, (record.height, record.width)))
        raise InputError(f"{record.key}: a mask is {size}, the picture {wanted}; leave it out")
    return mask


def _click_on(
    segmenter: Prompting, objects: tuple[Prompted, ...], truths: list[NDArray[np.bool_]], clicks: int
) -> tuple[list[list[float]], list[NDArray[np.bool_]]]:
    """IoU after each click, and the last mask, of each object."""
    given = [[Click(int(o.point[0]), int(o.point[1]), PointLabel.FOREGROUND)] for o in objects]
    masks = list(segmenter.predict_many([_prompt(done) for done in given])[0])
    ious = [[mask_iou(mask, truth)] for mask, truth in zip(masks, truths, strict=True)]
    for _ in range(clicks - 1):
        asked = []
        for i, (truth, mask, done) in enumerate(zip(truths, masks, given, strict=True)):
            click = next_click(truth, mask, [(c.x, c.y) for c in done])
            if click is not None:
                done.append(click)
                asked.append(i)
        if asked:
            answers = segmenter.predict_many([_prompt(given[i]) for i in asked])[0]
            for i, mask in zip(asked, answers, strict=True):
                masks[i] = mask
        for values, mask, truth in zip(ious, masks, truths, strict=True):
            values.append(mask_iou(mask, truth))
    return ious, masks


def _prompt(clicks: Sequence[Click]) -> Prompt:
    """All clicks of one object, each at the centre of its pixel."""
    return Prompt(tuple((c.x + 0.5, c.y + 0.5) for c in clicks), tuple(c.label for c in clicks))
