"""Our own checkpoint file: safetensors whose header says what the weights are and where they come from.

The header's free text is one JSON value under one key. safetensors writes several keys in an order that changes from
run to run; one key makes equal checkpoints equal files.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from rmpsam_mobile.atomic import refuse_existing, write_file
from rmpsam_mobile.checkpoint.unpickle import read_bytes
from rmpsam_mobile.contracts import Thresholds
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.model.vocabulary import Vocabulary

FORMAT_VERSION: Final = 1
CLASSIFIER_NAME: Final = "classifier.text_embeddings"
_KEY: Final = "rmpsam_mobile"


@dataclass(frozen=True, kw_only=True)
class Card:
    """Where weights come from and how far they are to be trusted.

    Attributes:
        source_name: name of the imported file, without its folder.
        source_sha256: hash of that file, 64 hexadecimal digits.
        kind: what that file was, for example ``official`` or ``imagenet-backbone``.
        licence: licence of the weights, ``unknown`` where nobody said.
        trained: False where any tensor holds a random start or was never trained.
        untrained: the groups of tensors that hold a random start, with counts.
        left_out: (name, reason) of each entry of the source that was not taken.
        filled: names that the source lacks and that need no training; they hold zero.
    """

    source_name: str = "unknown"
    source_sha256: str = "unknown"
    kind: str = "unknown"
    licence: str = "unknown"
    trained: bool = True
    untrained: tuple[str, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    filled: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """Weights, the classes they are used with, and their card.

    Attributes:
        preset: name of the model configuration.
        tensors: official name -> float32 tensor, or int64 for batch counters.
        classifier: class embeddings (C, P, D), rows of unit length, or None.
        vocabulary: names of the C classes; present exactly when ``classifier`` is.
        thresholds: where these weights' logits become answers.
        card: origin.

    Raises:
        InputError: class embeddings and names that do not belong together.
    """

    preset: str
    tensors: Mapping[str, Tensor]
    classifier: Tensor | None = None
    vocabulary: Vocabulary | None = None
    thresholds: Thresholds = field(default_factory=Thresholds)
    card: Card = Card()

    def __post_init__(self) -> None:
        """Refuse names without embeddings, embeddings without names, or another number of them."""
        num_rows = 0 if self.classifier is None else self.classifier.shape[0]
        num_names = 0 if self.vocabulary is None else len(self.vocabulary)
        if num_rows != num_names:
            raise InputError(
                f"class embeddings for {num_rows} classes and {num_names} class names; they must be equally many; "
                "give the vocabulary that the embeddings were made from"
            )


def save_checkpoint(checkpoint: Checkpoint, path: str | Path, *, force: bool = False) -> None:
    """Write ``checkpoint`` to ``path``, whole or not at all.

    Raises:
        InputError: the file exists and ``force`` is not set, the folder is missing, or the disk is full.
    """
    target = Path(path)
    if target.is_dir():
        raise InputError(f"{path}: is a folder; give a file name in it, for example {target / 'model.safetensors'}")
    refuse_existing(target, force=force)
    write_file(target, _serialised(checkpoint))


def halved(checkpoint: Checkpoint) -> Checkpoint:
    """The same with kernels and matrices in float16, as weights ship; norms, biases and counters stay as they are."""
    tensors = {
        name: tensor.half() if tensor.is_floating_point() and tensor.ndim >= 2 else tensor
        for name, tensor in checkpoint.tensors.items()
    }
    return replace(checkpoint, tensors=tensors)


def weights_sha256(checkpoint: Checkpoint) -> str:
    """Hash of names, values and class embeddings: the same for a file and what was imported from it."""
    digest = hashlib.sha256()
    tensors = dict(checkpoint.tensors) | (
        {} if checkpoint.classifier is None else {CLASSIFIER_NAME: checkpoint.classifier}
    )
    for name in sorted(tensors):
        digest.update(name.encode() + b"\0")
        digest.update(tensors[name].detach().contiguous().numpy().tobytes())
    return digest.hexdigest()


def read_checkpoint(path: str | Path) -> Checkpoint:
    """Read a file that `save_checkpoint` wrote; half precision tensors become float32, integers int64.

    Raises:
        InputError: no such file, not safetensors, not of this project, of a newer format, or with broken metadata.
    """
    return parse_checkpoint(*read_safetensors(path), str(path))


def parse_checkpoint(tensors: Mapping[str, Tensor], header: Mapping[str, str], source: str) -> Checkpoint:
    """Make a checkpoint of what `read_safetensors` returned; errors as in `read_checkpoint`."""
    if not has_own_header(header):
        raise InputError(
            f"{source}: is safetensors without this project's header; import it first: rmpsam-mobile import {source}"
        )
    try:
        return _from_header(dict(tensors), json.loads(header[_KEY]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        detail = " ".join(f"{type(error).__name__}: {error}".split())[:120]
        raise InputError(f"{source}: its header is broken ({detail}); import the original file again") from None
    except InputError as error:
        raise InputError(f"{source}: {error}") from None


def has_own_header(header: Mapping[str, str]) -> bool:
    """Tell whether a safetensors header is one of `save_checkpoint`."""
    return _KEY in header


def read_safetensors(path: str | Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors of any safetensors file, in their stored types, and its free text.

    Raises:
        InputError: missing, empty, or not safetensors.
    """
    raw = read_bytes(path)
    try:
        tensors = safetensors.torch.load(raw)
        header = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])
    except (safetensors.SafetensorError, ValueError, KeyError, RuntimeError) as error:
        detail = " ".join(str(error).split())[:120]
        raise InputError(f"{path}: is no whole safetensors file ({detail}); copy or download it again") from None
    return tensors, dict(header.get("__metadata__") or {})


def looks_like_safetensors(path: str | Path) -> bool:
    """Tell by the first bytes, not by the suffix: a length, then a JSON object."""
    try:
        with Path(path).open("rb") as stream:
            start = stream.read(9)
    except (OSError, ValueError):
        return False
    return len(start) == 9 and start[8:] == b"{" and int.from_bytes(start[:8], "little") < 100_000_000


def standard_type(tensor: Tensor, *, is_counter: bool) -> Tensor:
    """Return ``tensor`` as contiguous float32, or as int64 where it is a counter of batches."""
    if not is_counter:
        return tensor.to(torch.float32).contiguous()
    # Whoever halves a whole state dict halves its counters too; large ones then are infinite. Inference reads none.
    whole = torch.nan_to_num(tensor, nan=0.0, posinf=0.0, neginf=0.0) if tensor.is_floating_point() else tensor
    return whole.to(torch.int64).contiguous()


def _serialised(checkpoint: Checkpoint) -> bytes:
    vocabulary = checkpoint.vocabulary
    about = {
        "format": FORMAT_VERSION,
        "preset": checkpoint.preset,
        "vocabulary": None if vocabulary is None else list(vocabulary.names),
        "num_things": None if vocabulary is None else vocabulary.num_things,
        "thresholds": asdict(checkpoint.thresholds),
        "card": asdict(checkpoint.card),
    }
    # A clone each: safetensors refuses tensors that share memory.
    tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in checkpoint.tensors.items()}
    if checkpoint.classifier is not None:
        tensors[CLASSIFIER_NAME] = checkpoint.classifier.detach().cpu().contiguous().clone()
    text = json.dumps(about, sort_keys=True, ensure_ascii=False)
    raw: bytes = safetensors.torch.save(tensors, metadata={_KEY: text})
    return raw


def _from_header(tensors: dict[str, Tensor], about: dict[str, Any]) -> Checkpoint:
    version = about["format"]
    if type(version) is not int or version < 1:
        raise ValueError(f"format version {version!r}")
    if version > FORMAT_VERSION:
        raise InputError(
            f"has format version {version}, this release reads up to {FORMAT_VERSION}; update rmpsam-mobile"
        )
    classifier = tensors.pop(CLASSIFIER_NAME, None)
    names = about["vocabulary"]
    return Checkpoint(
        preset=_text(about["preset"]),
        tensors={
            name: standard_type(tensor, is_counter=not tensor.is_floating_point()) for name, tensor in tensors.items()
        },
        classifier=None if classifier is None else standard_type(classifier, is_counter=False),
        vocabulary=None if names is None else Vocabulary(tuple(map(_text, names)), int(about["num_things"])),
        thresholds=Thresholds(**about.get("thresholds", {})),  # earlier files have none
        card=_card(about["card"]),
    )


def _card(stored: dict[str, Any]) -> Card:
    return Card(
        source_name=_text(stored["source_name"]),
        source_sha256=_text(stored["source_sha256"]),
        kind=_text(stored["kind"]),
        licence=_text(stored["licence"]),
        trained=stored["trained"] is True,
        untrained=tuple(map(_text, stored["untrained"])),
        left_out=tuple((_text(name), _text(reason)) for name, reason in stored["left_out"]),
        filled=tuple(map(_text, stored["filled"])),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{str(value)[:40]!r} where text is wanted")
    return value
