"""Countable objects against their masks and names: the object branch's instances, and its queries without names."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from rmpsam_mobile.contracts import ModelContract
from rmpsam_mobile.evaluate.detection import FoundMask, Scene, TrueMask
from rmpsam_mobile.evaluate.instance_truth import TrueObject, TrueObjects
from rmpsam_mobile.postprocess import Instances, PictureMasks
from rmpsam_mobile.postprocess.instances import sigmoid, softmax
from rmpsam_mobile.rle import Rle, decode_mask, encode_mask

_MASK_SURE: Final = 1e-6  # what the official mean inside an empty mask divides by


class Detecting(Protocol):
    """What is measured: a ``Segmenter``."""

    @property
    def contract(self) -> ModelContract:
        """What the model knows."""
        ...

    def set_image(self, image: NDArray[np.uint8], /) -> None:
        """Take a picture uint8 RGB [H, W, 3]."""
        ...

    def instances(self) -> Instances:
        """Named objects by falling score."""
        ...

    def queries(self) -> tuple[NDArray[np.floating], PictureMasks]:
        """Class logits [Q, K + 1] and mask logits [Q, H, W]."""
        ...


@dataclass(frozen=True, kw_only=True)
class FoundObject:
    """A mask that was found, how sure the model is, its share of the picture, and its class, None without one."""

    category: str | None
    score: float
    share: float
    rle: Rle


def find_instances(segmenter: Detecting, picture: TrueObjects) -> list[FoundObject]:
    """Find the objects of a picture, first under their names, then every query once without a name.

    A query without a name scores the sum of its countable classes times the mean confidence inside its mask.

    Args:
        segmenter: set to the picture; with an object graph.
        picture: of the truth.

    Raises:
        InputError: a picture that cannot be read, or is of another size than its masks.
    """
    segmenter.set_image(picture.checked().record.read())
    named = segmenter.instances()
    names = segmenter.contract.class_names
    codes = {int(query): encode_mask(named.masks[i]) for i, query in enumerate(named.queries)}
    found = [
        FoundObject(category=names[label], score=score, share=float(mask.mean()), rle=codes[query])
        for label, score, mask, query in zip(
            named.labels.tolist(), named.scores.tolist(), named.masks, named.queries.tolist(), strict=True
        )
        if mask.any()
    ]
    return [*found, *_nameless(segmenter)]


def _nameless(segmenter: Detecting) -> Iterator[FoundObject]:
    class_logits, masks = segmenter.queries()
    countable = softmax(class_logits)[:, : segmenter.contract.num_things].sum(-1)
    for query, probability in enumerate(countable.tolist()):
        logits = masks[query]
        mask = logits > 0
        if mask.any():
            inside = sigmoid(logits[mask])
            sure = float(inside.sum() / (inside.size + _MASK_SURE))
            yield FoundObject(category=None, score=probability * sure, share=float(mask.mean()), rle=encode_mask(mask))


def named_scenes(
    pictures: Sequence[TrueObjects], found: Sequence[Sequence[FoundObject]], names: Iterable[str]
) -> list[Scene]:
    """What named masks are compared with: objects whose category is one of ``names``.

    A picture whose objects all have other categories, or none, is left out: nobody knows what else of ours is in it.
    """
    category_ids: dict[str | None, int] = {name: i for i, name in enumerate(names, start=1)}
    scenes = []
    for picture, masks in zip(pictures, found, strict=True):
        known = [o for o in picture.objects if o.category in category_ids]
        if picture.objects and not known:
            continue
        truths = [_true(o, category_ids[o.category]) for o in known]
        ours = [_found(mask, category_ids[mask.category]) for mask in masks if mask.category in category_ids]
        scenes.append(Scene(source=picture.record.source, truths=truths, found=ours))
    return scenes


def nameless_scenes(pictures: Sequence[TrueObjects], found: Sequence[Sequence[FoundObject]]) -> list[Scene]:
    """What masks without names are compared with: all objects."""
    return [
        Scene(
            source=picture.record.source,
            truths=[_true(o) for o in picture.objects],
            found=[_found(mask) for mask in masks if mask.category is None],
        )
        for picture, masks in zip(pictures, found, strict=True)
    ]


def _true(truth: TrueObject, category: int = 1) -> TrueMask:
    share = float(decode_mask(truth.rle).mean())
    return TrueMask(rle=truth.rle, share=share, category=category, is_crowd=truth.is_crowd)


def _found(mask: FoundObject, category: int = 1) -> FoundMask:
    return FoundMask(rle=mask.rle, share=mask.share, score=mask.score, category=category)
