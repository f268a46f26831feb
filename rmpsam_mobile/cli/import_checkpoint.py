"""``import``: somebody's checkpoint to our own safetensors file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rmpsam_mobile.cli.console import next_step, note, print_json, print_table, table

if TYPE_CHECKING:
    from rmpsam_mobile.checkpoint import Checkpoint


def import_(
    source: Annotated[Path, typer.Argument(help="Official .pth, torchvision ResNet, SeaFormer backbone, safetensors.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The .safetensors file to write.")],
    classifier: Annotated[Path | None, typer.Option(help="File of class embeddings (classes, synonyms, 768).")] = None,
    vocabulary: Annotated[Path | None, typer.Option(help="Text file, one class name a line, --- before stuff.")] = None,
    preset: Annotated[str | None, typer.Option(help="Confirm the preset instead of recognising it.")] = None,
    licence: Annotated[str | None, typer.Option(help="Licence of the weights, for the card.")] = None,
    object_mask: Annotated[float | None, typer.Option(help="Score from which an object is named, 0 to 1.")] = None,
    iou: Annotated[float | None, typer.Option(help="Share of its mask that a named object must keep, 0 to 1.")] = None,
    half: Annotated[bool, typer.Option(help="Store kernels and matrices in float16, for shipping.")] = False,
    allow_partial: Annotated[bool, typer.Option(help="Start missing tensors from seeded random values.")] = False,
    dry_run: Annotated[bool, typer.Option(help="Read and report, write nothing.")] = False,
    force: Annotated[bool, typer.Option(help="Replace an existing file.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Import a checkpoint; nothing in it is executed, and what does not fit is listed by name."""
    from dataclasses import replace

    from rmpsam_mobile.atomic import refuse_existing
    from rmpsam_mobile.checkpoint import halved, import_checkpoint, read_vocabulary, save_checkpoint
    from rmpsam_mobile.export.licences import export_command

    if not dry_run:
        refuse_existing(output, force=force)
    checkpoint = import_checkpoint(
        source,
        classifier=classifier,
        preset=preset,
        vocabulary=read_vocabulary(vocabulary) if vocabulary else None,
        allow_partial=allow_partial,
        licence=licence,
    )
    stored = checkpoint.thresholds
    thresholds = replace(
        stored,
        object_mask=stored.object_mask if object_mask is None else object_mask,
        iou=stored.iou if iou is None else iou,
    )
    checkpoint = replace(checkpoint, thresholds=thresholds)
    if not dry_run:
        save_checkpoint(halved(checkpoint) if half else checkpoint, output, force=force)
    _print(checkpoint, source, None if dry_run else output, as_json=as_json)
    if not checkpoint.vocabulary:
        note("no class embeddings: boxes and clicks will work, classes will not; add them with --classifier FILE")
    written = export_command(output, checkpoint, "model.bundle")
    next_step("nothing was written, leave --dry-run away" if dry_run else written)


def _print(checkpoint: "Checkpoint", source: Path, output: Path | None, *, as_json: bool) -> None:
    """What was read, what was left out, and what no training has touched."""
    card = checkpoint.card
    report = {
        "preset": checkpoint.preset,
        "kind": card.kind,
        "trained": card.trained,
        "tensors": len(checkpoint.tensors),
        "classes": len(checkpoint.vocabulary) if checkpoint.vocabulary else 0,
        "licence": card.licence,
        "thresholds": {"object_mask": checkpoint.thresholds.object_mask, "iou": checkpoint.thresholds.iou},
        "source_sha256": card.source_sha256,
        "untrained": list(card.untrained),
        "filled": list(card.filled),
        "left_out": [{"name": name, "reason": reason} for name, reason in card.left_out],
        "output": None if output is None else str(output),
    }
    if as_json:
        print_json(report)
        return
    shown = table(f"{source.name}", "what", "<value")
    for key in ("preset", "kind", "trained", "tensors", "classes", "licence"):
        shown.add_row(key, str(report[key]))
    print_table(shown)
    for name, reason in card.left_out:
        note(f"left out: {name}: {reason}")
    for group in card.untrained:
        note(f"untrained: {group}")
