"""The rewrites: an ordered, visible list. Each keeps the function, and says why it stands there.

Those of ``REWRITES`` exchange modules before a graph is captured, those of ``PROGRAM_REWRITES`` operators of the
captured program: after quantization, so that a quantizer sees each norm and mask as what it is.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from torch.export import ExportedProgram

from rmpsam_mobile.contracts import Target
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.export.rewrites.absorb_prompt_attention import absorb_prompt_attention
from rmpsam_mobile.export.rewrites.bake_constants import bake_constants
from rmpsam_mobile.export.rewrites.bounded_deform import bounded_deform
from rmpsam_mobile.export.rewrites.clamp_hard_masks import clamp_hard_masks
from rmpsam_mobile.export.rewrites.collapse_prompt_attention import collapse_prompt_attention
from rmpsam_mobile.export.rewrites.fold_batch_norm import fold_batch_norm
from rmpsam_mobile.export.rewrites.fold_constants import fold_constants
from rmpsam_mobile.export.rewrites.fold_loc_conv import fold_loc_conv
from rmpsam_mobile.export.rewrites.fold_neck_tail import fold_neck_tail
from rmpsam_mobile.export.rewrites.gather_deform import gather_deform
from rmpsam_mobile.export.rewrites.merge_text_rows import merge_text_rows
from rmpsam_mobile.export.rewrites.plain_operators import plain_operators
from rmpsam_mobile.export.rewrites.pool_axis_means import pool_axis_means
from rmpsam_mobile.export.rewrites.scale_pooled_sums import scale_pooled_sums
from rmpsam_mobile.export.rewrites.slice_cells import slice_cells
from rmpsam_mobile.export.rewrites.split_transposed_convs import split_transposed_convs
from rmpsam_mobile.export.rewrites.static_deform import static_deform
from rmpsam_mobile.export.split import SplitModel


@dataclass(frozen=True)
class Rewrite:
    """One change that keeps outputs, for the engines that need it.

    ``apply`` edits the parts in place and returns the paths it changed.
    """

    apply: Callable[[SplitModel], list[str]]
    because: str
    targets: frozenset[Target] = frozenset(Target)
    after: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The function's name, which is also the file's and the one that options take."""
        return self.apply.__name__


@dataclass(frozen=True)
class ProgramRewrite:
    """One change of a captured program that keeps its outputs, for the engines that need it.

    ``apply`` returns the new program and names what it changed.
    """

    apply: Callable[[ExportedProgram], tuple[ExportedProgram, list[str]]]
    because: str
    targets: frozenset[Target] = frozenset(Target)
    after: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """See ``Rewrite.name``."""
        return self.apply.__name__


@dataclass(frozen=True)
class Applied:
    """What a rewrite did: the module paths it changed, none where there was nothing to do."""

    name: str
    changed: tuple[str, ...]


_XNNPACK: Final = frozenset({Target.XNNPACK})
_FLOAT16: Final = frozenset({Target.COREML_PACKAGE, Target.COREML, Target.VULKAN, Target.QNN})
# executorch 1.4.1's Vulkan lowering loses folded constants ("`_prop_tensor_constant0` is not a buffer")
_KEEP_FOLDED: Final = frozenset(Target) - {Target.VULKAN}

REWRITES: Final = (
    Rewrite(
        fold_batch_norm, because="a norm with fixed statistics is a scale and a shift of the convolution before it"
    ),
    Rewrite(
        static_deform,
        because="where it was asked for, a plain convolution to be distilled takes a deformable one's place",
        after=("fold_batch_norm",),
    ),
    Rewrite(
        bounded_deform,
        because="offsets within a bound make sampling a batched matrix product, which the delegate takes whole",
        after=("fold_batch_norm", "static_deform"),
    ),
    Rewrite(
        gather_deform,
        because="grid sampling has no phone kernel; row gathers and one matrix product do the same",
        # the gather form keeps its weight flattened, where no norm can be folded in; it takes what the others leave
        after=("fold_batch_norm", "static_deform", "bounded_deform"),
    ),
    Rewrite(collapse_prompt_attention, because="a prompt attends to itself alone, and a softmax over one entry is 1"),
    Rewrite(
        fold_neck_tail,
        because="what is linear may change places: few channels are convolved before they become many",
    ),
    Rewrite(
        scale_pooled_sums,
        because="a sum over a whole picture has no place in float16",
        targets=_FLOAT16,
    ),
    Rewrite(
        fold_loc_conv,
        because="a decoder that reads F only through products can read what F is mixed from, which is half as wide",
        after=("scale_pooled_sums",),  # which looks for pools of F, and whose factor then scales fewer channels
    ),
    Rewrite(
        bake_constants,
        because="coordinates, positions, sine tables and thirds of a weight need not be computed at each run",
        # which read the joint projection that this splits
        after=("collapse_prompt_attention", "fold_loc_conv"),
    ),
    Rewrite(
        absorb_prompt_attention,
        because="few queries are projected at less cost than all cells of the features",
        after=("fold_loc_conv", "bake_constants"),
    ),
    Rewrite(merge_text_rows, because="a text row that repeats adds nothing to a maximum"),
    Rewrite(pool_axis_means, because="XNNPACK takes no mean over one axis, but average pooling"),
    Rewrite(
        split_transposed_convs,
        because="XNNPACK's transposed convolution is slow on wide layers; four plain ones make the same products",
        targets=_XNNPACK,
        after=("fold_batch_norm",),  # which folds the norm into one kernel, not four
    ),
)

PROGRAM_REWRITES: Final = (
    ProgramRewrite(
        clamp_hard_masks, because="no delegate takes a comparison, but all take a product and a clamp", targets=_XNNPACK
    ),
    ProgramRewrite(
        plain_operators,
        because="each operator that XNNPACK does not know ends its delegate and costs two layout copies",
        targets=_XNNPACK,
        after=("clamp_hard_masks",),  # which looks for the comparison as it was captured
    ),
    ProgramRewrite(
        slice_cells,
        because="features that outgrow a core's cache are packed and read slice by slice",
        targets=_XNNPACK,
        after=("clamp_hard_masks", "plain_operators"),  # whose masks it slices too
    ),
    ProgramRewrite(
        fold_constants,
        because="what depends on no input is computed once, not at each run",
        targets=_KEEP_FOLDED,
        after=("plain_operators",),  # whose rows of ones it stores
    ),
)


def rewrite_names(target: Target, *, only: Sequence[str] | None = None, skip: Sequence[str] = ()) -> tuple[str, ...]:
    """Names of the rewrites for an engine, in order; ``only`` keeps those named, ``skip`` leaves those out.

    Raises:
        InputError: a name that is not in the lists.
    """
    fitting = [rewrite.name for rewrite in (*REWRITES, *PROGRAM_REWRITES) if target in rewrite.targets]
    _check([*(only or ()), *skip])
    return tuple(name for name in fitting if (only is None or name in only) and name not in skip)


def apply_rewrites(split: SplitModel, names: Sequence[str] | None = None) -> tuple[Applied, ...]:
    """Apply the listed rewrites (all by default) in the list's order, in place.

    Raises:
        InputError: a name that is not in the list.
    """
    _check(names or ())
    chosen = [rewrite for rewrite in REWRITES if names is None or rewrite.name in names]
    return tuple(Applied(rewrite.name, tuple(rewrite.apply(split))) for rewrite in chosen)


def apply_program_rewrites(
    program: ExportedProgram, names: Sequence[str]
) -> tuple[ExportedProgram, tuple[Applied, ...]]:
    """Apply the listed rewrites to a captured program, in the list's order; names of ``REWRITES`` are passed over.

    Raises:
        InputError: a name that is not in the lists.
    """
    _check(names)
    applied = []
    for rewrite in PROGRAM_REWRITES:
        if rewrite.name in names:
            program, changed = rewrite.apply(program)
            applied.append(Applied(rewrite.name, tuple(changed)))
    return program, tuple(applied)


def _check(names: Sequence[str]) -> None:
    known = [rewrite.name for rewrite in (*REWRITES, *PROGRAM_REWRITES)]
    for name in names:
        if name not in known:
            raise InputError(f"unknown rewrite {name!r}; known, in order: {', '.join(known)}")
