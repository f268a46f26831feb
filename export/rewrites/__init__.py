"""The rewrites: an ordered, visible list. Each keeps the function, and says why it stands there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from rmpsam_mobile.errors import InputError
from rmpsam_mobile.export.rewrites.bake_constants import bake_constants
from rmpsam_mobile.export.rewrites.collapse_prompt_attention import collapse_prompt_attention
from rmpsam_mobile.export.rewrites.fold_batch_norm import fold_batch_norm
from rmpsam_mobile.export.rewrites.gather_deform import gather_deform
from rmpsam_mobile.export.rewrites.pool_axis_means import pool_axis_means
from rmpsam_mobile.export.split import SplitModel


@dataclass(frozen=True)
class Rewrite:
    """One change that keeps outputs: ``apply`` edits the parts in place and returns the paths it changed."""

    apply: Callable[[SplitModel], list[str]]
    because: str
    after: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The function's name, which is also the file's and the one that options take."""
        return self.apply.__name__


@dataclass(frozen=True)
class Applied:
    """What a rewrite did: the module paths it changed, none where there was nothing to do."""

    name: str
    changed: tuple[str, ...]


REWRITES: Final = (
    Rewrite(
        fold_batch_norm, because="a norm with fixed statistics is a scale and a shift of the convolution before it"
    ),
    Rewrite(
        gather_deform,
        because="grid sampling has no phone kernel; row gathers and one matrix product do the same",
        after=("fold_batch_norm",),  # the gather form keeps its weight flattened, where no norm can be folded in
    ),
    Rewrite(collapse_prompt_attention, because="a prompt attends to itself alone, and a softmax over one entry is 1"),
    Rewrite(
        bake_constants,
        because="coordinates, positions, sine tables and thirds of a weight need not be computed at each run",
        after=("collapse_prompt_attention",),  # which reads the joint projection that this splits
    ),
    Rewrite(pool_axis_means, because="XNNPACK takes no mean over one axis, but average pooling"),
)


def apply_rewrites(split: SplitModel, names: Sequence[str] | None = None) -> tuple[Applied, ...]:
    """Apply the listed rewrites (all by default) in the list's order, in place.

    Raises:
        InputError: a name that is not in the list.
    """
    known = [rewrite.name for rewrite in REWRITES]
    for name in names or ():
        if name not in known:
            raise InputError(f"unknown rewrite {name!r}; known, in order: {', '.join(known)}")
    chosen = [rewrite for rewrite in REWRITES if names is None or rewrite.name in names]
    return tuple(Applied(rewrite.name, tuple(rewrite.apply(split))) for rewrite in chosen)
