"""``quantize``: a checkpoint and calibration pictures to a quantized model."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rmpsam_mobile.cli.console import next_step, note, print_json, print_table, steps, table
from rmpsam_mobile.errors import UnsupportedError

if TYPE_CHECKING:
    from rmpsam_mobile.contracts import Graph
    from rmpsam_mobile.quantization import Calibration, QuantCoverage, QuantRecipe


def quantize(
    source: Annotated[Path, typer.Argument(help="Our .safetensors or an official .pth.")],
    calib: Annotated[Path, typer.Option(help="Pictures like those of the app: a folder, or labelled data.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The folder to write.")],
    recipe: Annotated[
        str, typer.Option(help="Name or alias (rmpsam-mobile list recipes), of shipped weights, or a recipe file.")
    ] = "int8-static",
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
    from rmpsam_mobile.export.licences import export_command
    from rmpsam_mobile.export.quantized import quantize as quantize_model
    from rmpsam_mobile.quantization import find_recipe, read_calibration

    chosen = find_recipe(recipe)
    _require_calibrated(chosen, source)
    sizes = GraphSizes(size=Size.parse(size), num_slots=slots, clip_frames=clip_frames)
    if not dry_run:
        refuse_existing(output, force=force)
    calibration = read_calibration(calib, limit)
    _tell(calibration)
    checkpoint = import_checkpoint(source, classifier=classifier)
    if dry_run:
        print_json({"recipe": chosen.name, "size": list(sizes.size), "pictures": len(calibration.records)})
        return
    with steps(len(calibration.records) + 2) as progress:
        coverage = quantize_model(checkpoint, chosen, calibration, output, sizes=sizes, force=force, progress=progress)
    report = {
        "recipe": chosen.name,
        "calibration_sha256": calibration.sha256,
        "graphs": {
            str(graph): {
                "done": dict(found.done),
                "left_in_float": dict(found.left),
                "weights_in_8_bit": found.weight_share,
                "layers": [asdict(layer) for layer in found.layers],
            }
            for graph, found in coverage.items()
        },
    }
    if as_json:
        print_json(report)
    else:
        _show(chosen.name, coverage)
    next_step(export_command(output, checkpoint, "model-int8.bundle"))


def _require_calibrated(recipe: "QuantRecipe", source: Path) -> None:
    if not recipe.is_calibrated:
        raise UnsupportedError(
            f"recipe {recipe.alias} needs no calibration; run: rmpsam-mobile export {source} --target coreml-package"
        )


def _tell(calibration: "Calibration") -> None:
    for name, reason in calibration.skipped:
        note(f"skipped {name}: {reason}")
    count = len(calibration.records)
    note(f"{count} pictures, {len(calibration.skipped)} skipped, sha256 {calibration.sha256[:16]}")
    for warning in calibration.warnings:
        note(f"warning: {warning}")


def _show(name: str, coverage: "Mapping[Graph, QuantCoverage]") -> None:
    """One row a graph; the layers are in ``layers.json`` of the folder."""
    shown = table(name, "graph", "in 8 bit", "of the weights", "left in float", "<left in float, by operator")
    for graph, found in coverage.items():
        left = ", ".join(f"{name} x{count}" for name, count in found.left.items()) or "-"
        share = f"{100 * found.weight_share:.1f} %"
        shown.add_row(str(graph), str(sum(found.done.values())), share, str(sum(found.left.values())), left)
    print_table(shown)
    for graph, found in coverage.items():
        for reason, count in Counter(layer.reason for layer in found.layers if layer.reason).items():
            note(f"{graph}: {count} in float: {reason}")
