"""Reads class embeddings: the table of text features that turns query embeddings into class logits.

Letters: C classes, P synonyms a class (classes with fewer repeat their first), D width of a text feature.
"""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from rmpsam_mobile.checkpoint.layout import tensor_of
from rmpsam_mobile.checkpoint.store import CLASSIFIER_NAME, looks_like_safetensors, read_safetensors
from rmpsam_mobile.checkpoint.unpickle import read_bytes, read_tensors
from rmpsam_mobile.errors import InputError

_NPY_START: Final = b"\x93NUMPY"
_LENGTH_TOLERANCE: Final = 1e-3  # rounding to half precision moves a length by at most 5e-4


def read_classifier(path: str | Path, width: int = 768) -> Tensor:
    """Read class embeddings from a torch file, a safetensors file or a ``.npy``, told apart by content.

    Args:
        path: holds one float tensor (C, P, D), alone or as the only entry; of our own checkpoints, their classifier.
        width: D that the model reads.

    Returns:
        (C, P, D) float32, rows of unit length within 1e-3.

    Raises:
        InputError: unreadable, several tensors, or what `checked_embeddings` refuses.
    """
    return checked_embeddings(_read_any(path), str(path), width)


def checked_embeddings(embeddings: Tensor, source: str, width: int = 768) -> Tensor:
    """Return ``embeddings`` as float32 (C, P, D).

    Raises:
        InputError: another rank or width, no class, numbers that are not finite, rows that are not of unit length.
    """
    shape = tuple(embeddings.shape)
    if len(shape) != 3 or 0 in shape or not embeddings.is_floating_point():
        raise InputError(
            f"{source}: class embeddings of shape {shape} and type {embeddings.dtype}; wanted floating point "
            f"(classes, synonyms, {width}); one embedding a class is (classes, 1, {width})"
        )
    if shape[2] != width:
        raise InputError(
            f"{source}: has width {shape[2]}, this model reads {width}; make the embeddings with the text encoder that "
            "the checkpoint was trained with (official: CLIP ConvNeXt-L at 320 px)"
        )
    embeddings = embeddings.detach().to(torch.float32).contiguous()
    finite = torch.isfinite(embeddings).all(-1)
    if not finite.all():
        where = tuple(torch.nonzero(~finite)[0].tolist())
        raise InputError(f"{source}: the row of (class, synonym) {where} is not finite; make the embeddings again")
    lengths = embeddings.norm(dim=-1)
    worst = int((lengths - 1).abs().argmax())
    length = float(lengths.flatten()[worst])
    if abs(length - 1) > _LENGTH_TOLERANCE:
        where = divmod(worst, shape[1])
        raise InputError(
            f"{source}: the row of (class, synonym) {where} has length {length:.4f}, limit is 1 within "
            f"{_LENGTH_TOLERANCE}; divide each row by its length before saving"
        )
    return embeddings


def _read_any(path: str | Path) -> Tensor:
    if looks_like_safetensors(path):
        tensors, _ = read_safetensors(path)
        return _only_tensor(
            {CLASSIFIER_NAME: tensors[CLASSIFIER_NAME]} if CLASSIFIER_NAME in tensors else tensors, path
        )
    raw = read_bytes(path)
    if raw.startswith(_NPY_START):
        return _read_npy(raw, path)
    return _only_tensor(read_tensors(path), path)


def _read_npy(raw: bytes, path: str | Path) -> Tensor:
    try:
        tensor = tensor_of(np.load(io.BytesIO(raw), allow_pickle=False))
    except (ValueError, TypeError, EOFError, OSError, MemoryError) as error:
        detail = " ".join(str(error).split())[:120]
        raise InputError(
            f"{path}: is no whole array of numbers ({detail}); save it with numpy.save as float32"
        ) from None
    if tensor is None:
        raise InputError(f"{path}: is an array, but not of numbers; save it with numpy.save as float32")
    return tensor


def _only_tensor(values: Any, path: str | Path) -> Tensor:
    found = list(values.values()) if isinstance(values, Mapping) else [values]
    tensors = [tensor_of(value) if isinstance(value, np.ndarray) else value for value in found]
    if len(tensors) != 1 or not isinstance(tensors[0], Tensor):
        kind = f"{len(tensors)} entries" if isinstance(values, Mapping) else f"a {type(values).__name__}"
        raise InputError(f"{path}: holds {kind}, 1 tensor of class embeddings is wanted; is it the classifier's file?")
    return tensors[0]
