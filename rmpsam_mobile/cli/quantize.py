"""``quantize``: a checkpoint and calibration pictures to a quantized model."""

from pathlib import Path
from typing import Annotated

import typer

from rmpsam_mobile.cli.console import next_step, note, print_json, print_table, steps, table


def quantize(
    source: Annotated[Path, typer.Argument(help="Our .safetensors or an official .pth.")],
    calib: Annotated[Path, typer.Option(help="Folder of pictures like those of the app.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The folder to write.")],
    recipe: Annotated[str, typer.Option(help="Name or alias; see rmpsam-mobile list recipes.")] = "int8-static",
    size: Annotated[str, typer.Option(help="Model input: SIDE or HEIGHTxWIDTH.")] = "512",
    slots: Annotated[int, typer.Option(help="Prompts in one call of the prompt graph.")] = 16,
    clip_frames: Annotated[int, typer.Option(help="Frames of the clip graph; 0 for none.")] = 0,
    limit: Annotated[int, typer.Option(help="Use at most so many pictures.")] = 64,
    classifier: Annotated[Path | None, typer.Option(help="Class embeddings, if the checkpoint has none.")] = None,
    dry_run: Annotated[bool, typer.Option(help="Check everything, write nothing.")] = False,
    force: Annotated[bool, typer.Option(help="Replace an existing folder.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Observe real pictures and fix 8-bit ranges; then export the result."""
    from rmpsam_mobile.atomic import refuse_existing
    from rmpsam_mobile.checkpoint import import_checkpoint
    from rmpsam_mobile.contracts import GraphSizes, Size
    from rmpsam_mobile.export.quantized import quantize as quantize_model
    from rmpsam_mobile.quantization import read_calibration, recipe_named

    chosen = recipe_named(recipe)
    sizes = GraphSizes(size=Size.parse(size), num_slots=slots, clip_frames=clip_frames)
    if not dry_run:
        refuse_existing(output, force=force)
    calibration = read_calibration(calib, limit)
    for name, reason in calibration.skipped:
        note(f"skipped {name}: {reason}")
    note(f"{len(calibration.files)} pictures, {len(calibration.skipped)} skipped, sha256 {calibration.sha256[:16]}")
    if len(calibration.files) < 8:
        note(f"warning: {len(calibration.files)} pictures are few; ranges may be too narrow; use 32 or more")
    checkpoint = import_checkpoint(source, classifier=classifier)
    if dry_run:
        print_json({"recipe": chosen.name, "size": list(sizes.size), "pictures": len(calibration.files)})
        return
    with steps(len(calibration.files) + 2) as progress:
        coverage = quantize_model(checkpoint, chosen, calibration, output, sizes=sizes, force=force, progress=progress)
    report = {
        "recipe": chosen.name,
        "calibration_sha256": calibration.sha256,
        "graphs": {str(g): {"done": dict(c.done), "left_in_float": dict(c.left)} for g, c in coverage.items()},
    }
    if as_json:
        print_json(report)
    else:
        shown = table(f"{chosen.name}", "graph", "in 8 bit", "left in float", "<left in float, by operator")
        for graph, found in coverage.items():
            left = ", ".join(f"{name} x{count}" for name, count in found.left.items()) or "-"
            shown.add_row(str(graph), str(sum(found.done.values())), str(sum(found.left.values())), left)
        print_table(shown)
    next_step(f"rmpsam-mobile export {output} -o model-int8.bundle")
