"""Recognises what weights are, from the names and shapes of their tensors only.

Known layouts: the official RMP-SAM state dict, and ImageNet classifiers of the encoders (torchvision's ResNet,
SeaFormer), whose names lack ``backbone.`` and whose last layer is not used here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from rmpsam_mobile.checkpoint.pickle_machine import Placeholder
from rmpsam_mobile.checkpoint.store import standard_type
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.model.presets import PRESETS, preset_config
from rmpsam_mobile.model.rmpsam import RmpSam

Shapes = Mapping[str, tuple[int, ...]]

_NESTS: Final = ("state_dict", "model", "model_state_dict", "model_state", "net", "network", "weights", "module")
_PREFIXES: Final = ("module.", "_orig_mod.", "model.")
_PARTS: Final = ("backbone.", "neck.", "panoptic_head.")
_IMAGENET_HEADS: Final = ("fc.", "head.", "linear.", "classifier.")
_COUNTER: Final = "num_batches_tracked"


class Kind(StrEnum):
    """What a file of weights is."""

    OFFICIAL = "official"
    BACKBONE = "imagenet-backbone"


@dataclass(frozen=True, kw_only=True)
class Recognised:
    """Weights under official names, and everything that does not fit, by name.

    Attributes:
        preset: the model they belong to.
        kind: the layout they came in.
        tensors: official name -> tensor of the expected shape, float32 or int64.
        missing: names of the model that the file lacks.
        unexpected: names of the file that the model lacks.
        misfits: (name, reason) of tensors that have a known name and the wrong shape or type.
        left_out: (name, reason) of entries that no model of ours reads.
        filled: counters of batches that older files lack; they are zero and inference reads none.
    """

    preset: str
    kind: Kind
    tensors: Mapping[str, Tensor]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    misfits: tuple[tuple[str, str], ...]
    left_out: tuple[tuple[str, str], ...]
    filled: tuple[str, ...]


@cache
def expected_shapes(preset: str) -> Shapes:
    """Return the official names of a preset with their shapes, without allocating the weights.

    Raises:
        InputError: unknown preset.
    """
    config = preset_config(preset)
    with torch.device("meta"):
        model = RmpSam(config)
    return MappingProxyType({name: tuple(tensor.shape) for name, tensor in model.state_dict().items()})


def recognise(values: Any, source: str, preset: str | None = None) -> Recognised:
    """Find the state dict in ``values`` and the preset that it belongs to.

    Args:
        values: what a file holds: nested dicts with tensors or arrays in one of them.
        source: the file's name, for messages.
        preset: confirms the preset, or decides between presets that fit equally well.

    Raises:
        InputError: no tensors, another network, a preset that the shapes contradict, or two that fit equally well.
    """
    if preset is not None:
        preset_config(preset)
    entries = _strip_prefixes(_find_state_dict(values, source))
    tensors, left_out = _take_tensors(entries)
    kind = Kind.OFFICIAL if any(name.startswith(_PARTS) for name in tensors) else Kind.BACKBONE
    if kind is Kind.BACKBONE:
        heads = [name for name in tensors if name.startswith(_IMAGENET_HEADS)]
        left_out += [(name, "ImageNet classes, which this network does not have") for name in heads]
        tensors = {f"backbone.{name}": tensor for name, tensor in tensors.items() if name not in heads}
    scores = {name: _score(tensors, _targets(name, kind)) for name in PRESETS}
    best = max(scores, key=lambda name: scores[name])
    if not _is_near(tensors, _targets(best, kind)):
        raise InputError(f"{source}: {_describe_stranger(tensors, best, kind)}")
    chosen = _choose(scores, best, preset, source)
    return _sort_out(tensors, chosen, kind, left_out)


def _find_state_dict(values: Any, source: str) -> Mapping[str, Any]:
    """Go down through the usual wrappings to the first dict that holds tensors by name."""
    here = values
    for _ in range(4):
        if not isinstance(here, Mapping):
            break
        if any(isinstance(name, str) and isinstance(value, Tensor | np.ndarray) for name, value in here.items()):
            return here
        inner = [here[nest] for nest in _NESTS if isinstance(here.get(nest), Mapping)]
        if not inner:
            break
        here = inner[0]
    found = type(values).__name__
    if isinstance(values, Mapping):
        found = f"dict with keys {', '.join(sorted(str(key)[:40] for key in values)[:5]) or 'none'}"
    raise InputError(f"{source}: holds no weights by name (a {found}); give a file with a state_dict in it")


def _strip_prefixes(entries: Mapping[str, Any]) -> dict[str, Any]:
    """Drop wrappers' prefixes, which are on every name or on none."""
    stripped = {str(name): value for name, value in entries.items()}
    for _ in range(4):
        prefix = next((p for p in _PREFIXES if all(name.startswith(p) for name in stripped)), None)
        if prefix is None:
            break
        stripped = {name.removeprefix(prefix): value for name, value in stripped.items()}
    return stripped


def _take_tensors(entries: Mapping[str, Any]) -> tuple[dict[str, Tensor], list[tuple[str, str]]]:
    tensors: dict[str, Tensor] = {}
    left_out: list[tuple[str, str]] = []
    for name, value in entries.items():
        if name.startswith("data_preprocessor."):
            left_out.append((name, "pixel statistics are part of our preprocessing"))
        elif isinstance(value, Tensor):
            tensors[name] = value
        elif isinstance(value, np.ndarray) and (tensor := tensor_of(value)) is not None:
            tensors[name] = tensor
        else:
            what = value.origin if isinstance(value, Placeholder) else type(value).__name__
            left_out.append((name, f"no tensor but {what[:60]}"))
    return tensors, left_out


def tensor_of(array: np.ndarray[Any, Any]) -> Tensor | None:
    """Return a copy of an array of real numbers as a tensor, or None for any other array."""
    if array.dtype.kind not in "biuf":
        return None
    # torch knows the machine's byte order only, and no long double.
    is_long = array.dtype.kind == "f" and array.dtype.itemsize > 8
    return torch.from_numpy(array.astype(np.float64 if is_long else array.dtype.newbyteorder("=")))


def _targets(preset: str, kind: Kind) -> Shapes:
    shapes = expected_shapes(preset)
    if kind is Kind.OFFICIAL:
        return shapes
    return {name: shape for name, shape in shapes.items() if name.startswith("backbone.")}


def _num_fits(tensors: Mapping[str, Tensor], targets: Shapes) -> int:
    return sum(name in tensors and tuple(tensors[name].shape) == shape for name, shape in targets.items())


def _score(tensors: Mapping[str, Tensor], targets: Shapes) -> float:
    """Names that fit over names on either side: 1 only for a complete file without extras."""
    fits = _num_fits(tensors, targets)
    return fits / (len(tensors) + len(targets) - fits)


def _is_near(tensors: Mapping[str, Tensor], targets: Shapes) -> bool:
    """Half of the preset's encoder must fit; less is another network with a few common names."""
    encoder = {name: shape for name, shape in targets.items() if name.startswith("backbone.")}
    return 2 * _num_fits(tensors, encoder) >= len(encoder)


def _describe_stranger(tensors: Mapping[str, Tensor], best: str, kind: Kind) -> str:
    targets = _targets(best, kind)
    named = sum(name in targets for name in tensors)
    missing = first_names([name for name in targets if name not in tensors])
    unexpected = first_names([name for name in tensors if name not in targets])
    return (
        f"belongs to another network; best match {best}: {named} of {len(targets)} names are there, "
        f"{_num_fits(tensors, targets)} fit in shape; missing: {missing}; unexpected: {unexpected}; "
        "give an official RMP-SAM checkpoint, or an ImageNet ResNet-18, ResNet-50 or SeaFormer"
    )


def first_names(names: list[str] | tuple[str, ...], limit: int = 3) -> str:
    """Return the first names and how many more there are, on one line."""
    shown = ", ".join(name[:80] for name in names[:limit]) or "none"
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"


def _choose(scores: Mapping[str, float], best: str, preset: str | None, source: str) -> str:
    if preset is not None and scores[preset] < scores[best]:
        raise InputError(
            f"{source}: has the shapes of {best}, not of {preset}; leave preset out, or give a checkpoint of {preset}"
        )
    equal = [name for name, score in scores.items() if score == scores[best]]
    if preset is None and len(equal) > 1:
        raise InputError(f"{source}: fits {' and '.join(equal)} equally well; pass preset={equal[0]!r} or another")
    return preset or best


def _sort_out(tensors: Mapping[str, Tensor], preset: str, kind: Kind, left_out: list[tuple[str, str]]) -> Recognised:
    expected = expected_shapes(preset)
    taken: dict[str, Tensor] = {}
    misfits: list[tuple[str, str]] = []
    for name, shape in expected.items():
        if name not in tensors:
            continue
        reason = _misfit(name, tensors[name], shape)
        if reason:
            misfits.append((name, reason))
        else:
            taken[name] = standard_type(tensors[name].detach(), is_counter=name.endswith(_COUNTER))
    absent = [name for name in expected if name not in tensors]
    # A counter is absent on purpose where its norm is there: PyTorch before 0.4.1 had none.
    filled = [name for name in absent if name.endswith(_COUNTER) and name.replace(_COUNTER, "weight") in taken]
    taken |= {name: torch.zeros((), dtype=torch.int64) for name in filled}
    return Recognised(
        preset=preset,
        kind=kind,
        tensors=MappingProxyType(taken),
        missing=tuple(name for name in absent if name not in taken),
        unexpected=tuple(name for name in tensors if name not in expected),
        misfits=tuple(misfits),
        left_out=tuple(left_out),
        filled=tuple(filled),
    )


def _misfit(name: str, tensor: Tensor, shape: tuple[int, ...]) -> str:
    found = tuple(tensor.shape)
    if name.endswith(_COUNTER) and tensor.numel() == 1 and len(found) <= 1 and shape == () and not tensor.is_complex():
        return "" if found == () else f"shape {found}, wanted {shape}"
    if found != shape:
        return f"shape {found}, wanted {shape}"
    return "" if tensor.is_floating_point() else f"type {tensor.dtype}, wanted floating point"
