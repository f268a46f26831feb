"""``sensitivity``: what each part of a model loses in 8 bit, and the mixed recipe that loses little."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rmpsam_mobile.cli.console import next_step, note, print_json, print_table, steps, table
from rmpsam_mobile.errors import InputError

if TYPE_CHECKING:
    from rmpsam_mobile.export.sensitivity_study import Study

SHOWN = 15  # rows of the table; the file has all


def sensitivity(
    source: Annotated[Path, typer.Argument(metavar="MODEL", help="Our .safetensors, an official .pth, or a preset.")],
    data: Annotated[Path, typer.Option(help="Labelled training data; its held-out part judges, the rest calibrates.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The JSON report to write.")],
    mixed: Annotated[Path | None, typer.Option(help="Also search a mixed recipe and write it here.")] = None,
    recipe: Annotated[str, typer.Option(help="What is studied: a static recipe, by name or file.")] = "int8-static",
    max_drop: Annotated[float, typer.Option(help="Points of mIoU that the mixed recipe may lose, box or click.")] = 0.5,
    max_bytes: Annotated[int, typer.Option(help="Bytes that float parts may add.")] = 400_000,
    depth: Annotated[int, typer.Option(help="Module levels of a part; 99 studies layers one by one.")] = 3,
    pictures: Annotated[int, typer.Option(help="Held-out pictures that judge.")] = 16,
    limit: Annotated[int, typer.Option(help="Pictures that calibrate.")] = 48,
    size: Annotated[str, typer.Option(help="Model input: SIDE or HEIGHTxWIDTH.")] = "512",
    classifier: Annotated[Path | None, typer.Option(help="Class embeddings, if the checkpoint has none.")] = None,
    dry_run: Annotated[bool, typer.Option(help="Check everything, write nothing.")] = False,
    force: Annotated[bool, typer.Option(help="Replace existing files.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The report on stdout.")] = False,
) -> None:
    """Judge each part in 8 bit by final masks and names, and find the fewest to keep in float."""
    import json

    from rmpsam_mobile.atomic import refuse_existing, write_file
    from rmpsam_mobile.checkpoint import import_checkpoint
    from rmpsam_mobile.contracts import GraphSizes, Size
    from rmpsam_mobile.export.sensitivity_study import held_out_records, study
    from rmpsam_mobile.quantization import find_recipe, read_calibration, recipe_document

    _check(max_drop=max_drop, max_bytes=max_bytes, depth=depth, pictures=pictures)
    chosen = find_recipe(recipe)
    for path in () if dry_run else (output, *([mixed] if mixed else [])):
        refuse_existing(path, force=force)
    judges = held_out_records(data, pictures)
    calibration = read_calibration(data, limit)
    for warning in calibration.warnings:
        note(f"warning: {warning}")
    sizes = GraphSizes(size=Size.parse(size))
    checkpoint = import_checkpoint(source, classifier=classifier)
    if dry_run:
        print_json({"recipe": chosen.name, "calibrate": len(calibration.records), "judge": len(judges)})
        return
    limits = (max_drop, max_bytes) if mixed else None
    with steps(len(calibration.records) + 60) as progress:
        found = study(checkpoint, chosen, calibration, judges, sizes=sizes, depth=depth, limits=limits, say=progress)
    report: dict[str, Any] = found.report()
    write_file(output, (json.dumps(report, indent=1) + "\n").encode())
    if mixed and found.mixed is not None:
        write_file(mixed, recipe_document(found.mixed).encode())
    print_json(report) if as_json else _show(found)
    next_step(f"rmpsam-mobile quantize {source} --recipe {mixed or recipe} --calib {data} -o model.quantized")


def _check(*, max_drop: float, max_bytes: int, depth: int, pictures: int) -> None:
    if max_drop < 0:
        raise InputError(f"--max-drop {max_drop:g}; at least 0; try --max-drop 0.5")
    if max_bytes < 0:
        raise InputError(f"--max-bytes {max_bytes}; at least 0; try --max-bytes 400000")
    if depth < 1:
        raise InputError(f"--depth {depth}; at least 1; try --depth 3")
    if pictures < 1:
        raise InputError(f"--pictures {pictures}; at least 1; try --pictures 16")


def _show(found: "Study") -> None:
    shown = table("Parts alone in 8 bit, the largest loss first", "part", "KB in float", "box", "click", "names")
    for one in found.parts[:SHOWN]:
        score = one.score
        cells = (score.box_agreement, score.click_agreement, score.class_agreement)
        shown.add_row(one.part.name, f"{one.part.bytes / 1e3:.0f}", *(f"{100 * value:.1f} %" for value in cells))
    print_table(shown)
    for title, tried in (("Ranges", found.ranges), ("Search", found.steps)):
        if not tried:
            continue
        shown = table(title, "ranges", "parts in float", "KB", "box mIoU", "click mIoU", "names", "drop")
        for step in tried:
            s = step.score
            shown.add_row(
                step.ranges,
                str(len(step.in_float)),
                f"{step.bytes / 1e3:.0f}",
                *(f"{100 * value:.2f}" for value in (s.box, s.click, s.class_agreement)),
                f"{step.drop:.2f}",
            )
        print_table(shown)
    if found.mixed is not None:
        note(f"mixed keeps in float: {', '.join(found.mixed.in_float) or 'nothing'}; ranges {found.mixed.ranges}")
