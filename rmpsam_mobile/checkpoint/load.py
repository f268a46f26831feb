"""Turns files into checkpoints and checkpoints into models; says by name what was not loaded."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from rmpsam_mobile.checkpoint.classifier import checked_embeddings, read_classifier
from rmpsam_mobile.checkpoint.layout import Kind, Recognised, expected_shapes, first_names, recognise
from rmpsam_mobile.checkpoint.shipped import named_weights
from rmpsam_mobile.checkpoint.store import (
    Card,
    Checkpoint,
    has_own_header,
    looks_like_safetensors,
    parse_checkpoint,
    read_safetensors,
)
from rmpsam_mobile.checkpoint.unpickle import read_tensors
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.model.presets import preset_config
from rmpsam_mobile.model.rmpsam import RmpSam
from rmpsam_mobile.model.vocabulary import COCO_PANOPTIC, Vocabulary, vocabulary_for

START_SEED: Final = 0  # of tensors that a partial checkpoint does not have


def import_checkpoint(
    path: str | Path,
    *,
    classifier: str | Path | Tensor | None = None,
    preset: str | None = None,
    vocabulary: Vocabulary | None = None,
    allow_partial: bool = False,
    licence: str | None = None,
) -> Checkpoint:
    """Read a checkpoint of any known layout; the file's content decides, not its suffix.

    Args:
        path: an official .pth, an ImageNet encoder, plain safetensors, a file of `save_checkpoint`, or the name of a
            preset whose weights ship.
        classifier: class embeddings (C, P, D) or a file of them; replaces those that the checkpoint has.
        preset: confirms the preset; None recognises it.
        vocabulary: names of the C classes; None takes COCO's for 133, YouTube-VIS 2019's for 40, else numbers.
        allow_partial: start what the file lacks from seeded random values instead of refusing the file.
        licence: licence of the weights, for the card.

    Raises:
        InputError: unreadable, another network, incomplete, numbers that are not finite, or a classifier or
            vocabulary that does not fit.
    """
    path = named_weights(path)
    source = str(path)
    base = _read_base(path, preset, allow_partial)
    card = base.card if licence is None else replace(base.card, licence=licence)
    _refuse_non_finite(base, source)
    embeddings, names = base.classifier, vocabulary or base.vocabulary
    if classifier is not None:
        width = preset_config(base.preset).text_width
        embeddings = (
            checked_embeddings(classifier, "classifier", width)
            if isinstance(classifier, Tensor)
            else read_classifier(classifier, width)
        )
        names = vocabulary or vocabulary_for(embeddings.shape[0])
    try:
        return replace(base, classifier=embeddings, vocabulary=names, card=card)
    except InputError as error:
        raise InputError(f"{source}: {error}") from None


def load_checkpoint(
    path: str | Path,
    classifier: str | Path | Tensor | None = None,
    *,
    preset: str | None = None,
    allow_partial: bool = False,
) -> RmpSam:
    """Return the model of a checkpoint file, in eval mode; arguments and errors as in `import_checkpoint`."""
    return build_model(import_checkpoint(path, classifier=classifier, preset=preset, allow_partial=allow_partial))


def build_model(checkpoint: Checkpoint) -> RmpSam:
    """Return the model of a checkpoint in memory, in eval mode, with its classes where it has any.

    The global random state is left as it was.

    Raises:
        InputError: tensors that are not exactly those of the preset.
    """
    expected = expected_shapes(checkpoint.preset)
    found = {name: tuple(tensor.shape) for name, tensor in checkpoint.tensors.items()}
    wrong = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    if wrong:
        raise InputError(
            f"{len(wrong)} tensors do not fit {checkpoint.preset}: {first_names(wrong)}; "
            "make the checkpoint with import_checkpoint"
        )
    model = _seeded_model(checkpoint.preset)
    model.load_state_dict(dict(checkpoint.tensors))
    if checkpoint.classifier is not None:
        model.set_classifier(checkpoint.classifier)
    model.vocabulary = checkpoint.vocabulary
    model.thresholds = checkpoint.thresholds
    model.trained = checkpoint.card.trained
    return model.eval()


def seeded_checkpoint(preset: str) -> Checkpoint:
    """Random but always equal weights and class embeddings, under COCO's names: for demos before training.

    Raises:
        InputError: unknown preset.
    """
    model = _seeded_model(preset)
    generator = torch.Generator().manual_seed(START_SEED)
    embeddings = torch.randn(len(COCO_PANOPTIC), 1, model.config.text_width, generator=generator)
    return Checkpoint(
        preset=preset,
        tensors=model.state_dict(),
        classifier=embeddings / embeddings.norm(dim=-1, keepdim=True),
        vocabulary=COCO_PANOPTIC,
        card=Card(source_name="seeded", kind="seeded", licence="Apache-2.0", trained=False, untrained=("all",)),
    )


def _seeded_model(preset: str) -> RmpSam:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(START_SEED)
        return RmpSam(preset_config(preset))


def _read_base(path: str | Path, preset: str | None, allow_partial: bool) -> Checkpoint:
    """Read the weights of any layout; only our own files have classes."""
    source = str(path)
    if not looks_like_safetensors(path):
        recognised = recognise(read_tensors(path), source, preset)
        return _completed(recognised, _new_card(path, recognised), source, allow_partial)
    tensors, header = read_safetensors(path)
    if not has_own_header(header):
        recognised = recognise(tensors, source, preset)
        return _completed(recognised, _new_card(path, recognised), source, allow_partial)
    own = parse_checkpoint(tensors, header, source)
    if preset is not None and preset != own.preset:
        raise InputError(f"{source}: is of preset {own.preset}, not {preset}; leave preset out, or give another file")
    classifier = own.classifier
    if classifier is not None:
        classifier = checked_embeddings(classifier, source, preset_config(own.preset).text_width)
    recognised = recognise(own.tensors, source, own.preset)
    base = _completed(recognised, own.card, source, allow_partial)
    return replace(base, classifier=classifier, vocabulary=own.vocabulary, thresholds=own.thresholds)


def _new_card(path: str | Path, recognised: Recognised) -> Card:
    with Path(path).open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return Card(
        source_name=Path(path).name,
        source_sha256=digest,
        kind=str(recognised.kind),
        left_out=recognised.left_out,
        filled=recognised.filled,
    )


def _completed(recognised: Recognised, card: Card, source: str, allow_partial: bool) -> Checkpoint:
    """Return a checkpoint with every tensor of its preset, or say which ones the file does not give."""
    absent = [*recognised.missing, *(name for name, _ in recognised.misfits)]
    if (absent or recognised.unexpected) and not allow_partial:
        raise InputError(_describe_gaps(recognised, source))
    tensors = dict(recognised.tensors)
    if absent:
        start = _seeded_model(recognised.preset).state_dict()
        tensors |= {name: start[name] for name in absent}
        card = replace(card, trained=False, untrained=_groups(recognised.preset, absent))
    unread = [(name, f"not a name of {recognised.preset}") for name in recognised.unexpected]
    card = replace(card, left_out=(*card.left_out, *recognised.misfits, *unread))
    return Checkpoint(preset=recognised.preset, tensors=tensors, card=card)


def _describe_gaps(recognised: Recognised, source: str) -> str:
    total = len(expected_shapes(recognised.preset))
    misfits = [f"{name} ({reason})" for name, reason in recognised.misfits]
    what = "is an ImageNet encoder: it " if recognised.kind is Kind.BACKBONE else ""
    return (
        f"{source}: {what}gives {len(recognised.tensors)} of {total} tensors of {recognised.preset}; "
        f"missing {len(recognised.missing)}: {first_names(recognised.missing)}; "
        f"unexpected {len(recognised.unexpected)}: {first_names(recognised.unexpected)}; "
        f"not fitting {len(misfits)}: {first_names(misfits)}; "
        "give a whole RMP-SAM checkpoint, or pass allow_partial=True (--allow-partial) to start the rest at random"
    )


def _groups(preset: str, absent: list[str]) -> tuple[str, ...]:
    """Count the absent tensors by the model's parts, for example ``neck: 59 of 59 tensors``."""
    names = list(expected_shapes(preset))
    parts = dict.fromkeys(name.partition(".")[0] for name in names)
    counts = {part: sum(name.startswith(f"{part}.") for name in absent) for part in parts}
    sizes = {part: sum(name.startswith(f"{part}.") for name in names) for part in parts}
    return tuple(f"{part}: {count} of {sizes[part]} tensors" for part, count in counts.items() if count)


def _refuse_non_finite(checkpoint: Checkpoint, source: str) -> None:
    # A float64 sum of float32 numbers is finite exactly when all of them are, and needs no mask as large as the tensor.
    bad = [name for name, tensor in checkpoint.tensors.items() if not tensor.sum(dtype=torch.float64).isfinite()]
    if bad:
        raise InputError(
            f"{source}: {len(bad)} tensors hold numbers that are not finite, limit is 0: {first_names(bad)}; "
            "download the file again, or take an earlier one of the training run"
        )
