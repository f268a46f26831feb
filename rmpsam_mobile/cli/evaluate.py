"""``evaluate``: accuracy of a checkpoint or a bundle, on labelled data."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rmpsam_mobile.cli.console import UNTRAINED, counter, note, print_json, print_table, table
from rmpsam_mobile.errors import InputError

if TYPE_CHECKING:
    from rich.table import Table

    from rmpsam_mobile.data import Clip, Prompted, Record
    from rmpsam_mobile.evaluate import Measuring, PanopticTruth
    from rmpsam_mobile.runtime import Segmenter


def evaluate(
    model: Annotated[Path, typer.Argument(help="Bundle folder, whose files run, or a checkpoint, run eagerly.")],
    data: Annotated[Path, typer.Option("--data", help="Folder of the measuring set.")],
    protocol: Annotated[str, typer.Option(help="box, click, panoptic or clips.")],
    clicks: Annotated[int | None, typer.Option(help="With click: so many, the further ones simulated; 1 to 8.")] = None,
    split: Annotated[str | None, typer.Option(help="With panoptic and clips: part of the set; val if absent.")] = None,
    min_score: Annotated[float | None, typer.Option(help="With clips: tracks below do not count; 0.3.")] = None,
    size: Annotated[str | None, typer.Option(help="Model input of a checkpoint; 512 by default.")] = None,
    classifier: Annotated[Path | None, typer.Option(help="Class embeddings, for a checkpoint without them.")] = None,
    threads: Annotated[int | None, typer.Option(help="Of ExecuTorch's pool; all cores by default.")] = None,
    limit: Annotated[int | None, typer.Option(help="Only the first pictures or clips, for a try.")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Also store the JSON report here.")] = None,
    force: Annotated[bool, typer.Option(help="Replace an existing report.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The report on stdout.")] = False,
) -> None:
    """Measure what this very file gets right: mIoU, panoptic quality, or J and identity in clips."""
    import json

    from rmpsam_mobile.atomic import refuse_existing, write_file
    from rmpsam_mobile.checkpoint import named_weights
    from rmpsam_mobile.evaluate import open_clips, open_panoptic, open_prompted
    from rmpsam_mobile.runtime import Segmenter

    _check_options(protocol, clicks=clicks, split=split, min_score=min_score, limit=limit)
    model = Path(named_weights(model))
    if output:
        refuse_existing(output, force=force)

    def opened() -> "Segmenter":
        return Segmenter.open(model, size=size, classifier=classifier, threads=threads)

    if protocol == "panoptic":
        report = _panoptic(model, opened, open_panoptic(data, split or "val", limit))
    elif protocol == "clips":
        report = _clips(model, opened, open_clips(data, split or "val", limit), min_score)
    else:
        report = _prompts(model, opened, open_prompted(data, limit), 0 if protocol == "box" else clicks or 1)
    if output:
        write_file(output, (json.dumps(report, indent=1, ensure_ascii=False) + "\n").encode())
    if as_json:
        print_json(report)
    else:
        print_table({"panoptic": _panoptic_table, "clips": _clips_table}.get(protocol, _prompts_table)(report))
    _notes(report)


def _check_options(
    protocol: str, *, clicks: int | None, split: str | None, min_score: float | None, limit: int | None
) -> None:
    from rmpsam_mobile.evaluate import MAX_CLICKS, PROTOCOLS

    if protocol not in PROTOCOLS:
        known = ", ".join(f"{name} ({what})" for name, what in PROTOCOLS.items())
        raise InputError(f"unknown protocol {protocol!r}; known: {known}")
    if clicks is not None and protocol != "click":
        raise InputError(f"--clicks belongs to --protocol click, not to {protocol}; leave it away")
    if clicks is not None and not 1 <= clicks <= MAX_CLICKS:
        raise InputError(f"--clicks {clicks}; the limit is 1 to {MAX_CLICKS}; try --clicks 3")
    if split is not None and protocol not in ("panoptic", "clips"):
        raise InputError(f"--split belongs to panoptic and clips, not to {protocol}; leave it away")
    if min_score is not None and protocol != "clips":
        raise InputError(f"--min-score belongs to --protocol clips, not to {protocol}; leave it away")
    if min_score is not None and not 0 <= min_score <= 1:
        raise InputError(f"--min-score {min_score:g}; the limit is 0 to 1; try --min-score 0.3")
    if limit is not None and limit < 1:
        raise InputError(f"--limit {limit}; at least 1 is needed; leave it away for all")


def _prompts(
    model: Path,
    opened: "Callable[[], Segmenter]",
    pictures: "Measuring[list[tuple[Record, tuple[Prompted, ...]]]]",
    clicks: int,
) -> dict[str, Any]:
    from rmpsam_mobile.evaluate import heading, measure_prompts, prompts_report

    segmenter = opened()
    with counter("pictures", pictures.used) as progress:
        scores = measure_prompts(segmenter, pictures.content, clicks=clicks, progress=progress)
    return heading(model, segmenter, pictures, "click" if clicks else "box") | prompts_report(scores)


def _panoptic(model: Path, opened: "Callable[[], Segmenter]", truth: "Measuring[PanopticTruth]") -> dict[str, Any]:
    from rmpsam_mobile.evaluate import heading, measure_panoptic, panoptic_report, require_classes

    segmenter = opened()
    require_classes(segmenter.contract, segmenter.runner.graphs)
    with counter("pictures", truth.used) as progress:
        scores = measure_panoptic(segmenter, truth.content, progress=progress)
    return heading(model, segmenter, truth, "panoptic") | panoptic_report(scores, truth.content)


def _clips(
    model: Path, opened: "Callable[[], Segmenter]", clips: "Measuring[list[Clip]]", min_score: float | None
) -> dict[str, Any]:
    from rmpsam_mobile.evaluate import MIN_SCORE, clips_report, heading, measure_clips, require_classes

    segmenter = opened()
    require_classes(segmenter.contract, segmenter.runner.graphs)
    least = MIN_SCORE if min_score is None else min_score
    with counter("clips", clips.used) as progress:
        scores = measure_clips(segmenter, clips.content, min_score=least, progress=progress)
    return heading(model, segmenter, clips, "clips") | clips_report(scores, least)


def _prompts_table(report: dict[str, Any]) -> "Table":
    count = len(report["miou_by_click"])
    columns = ["mIoU %"] if count == 1 else [f"{i} click{'s' if i > 1 else ''} %" for i in range(1, count + 1)]
    shown = table(_title(report, f"mIoU by {report['protocol']}"), "objects of", "objects", *columns)
    rows = [(name, row) for name, row in report["by_source"].items()]
    rows += [(f"{name} of the picture", row) for name, row in report["by_size"].items()]
    for name, row in [*rows, ("all", report)]:
        means = row["miou_by_click"] or [None] * count
        shown.add_row(name, str(row["objects"]), *(_percent(mean) for mean in means))
    return shown


def _panoptic_table(report: dict[str, Any]) -> "Table":
    shown = table(
        _title(report, "panoptic quality"), "pictures of", "pictures", "<segments", "classes", "PQ %", "SQ %", "RQ %"
    )
    for name, row in [*report["by_source"].items(), ("all", report)]:
        for kind in ("all", "things", "stuff"):
            figures = row[kind]
            quality = (_percent(figures[key]) for key in ("pq", "sq", "rq"))
            shown.add_row(name, str(row["pictures"]), kind, str(figures["categories"]), *quality)
    return shown


def _clips_table(report: dict[str, Any]) -> "Table":
    shown = table(
        _title(report, "best track of each object"),
        "clip",
        "<object",
        "<found as",
        "tracks",
        "J %",
        "J > 0.5 %",
        "in view %",
    )
    for row in report["by_object"]:
        means = (_percent(row[key]) for key in ("j", "recall", "identity"))
        shown.add_row(row["clip"], row["category"] or "-", row["found_as"] or "-", str(row["tracks"]), *means)
    means = (_percent(report[key]) for key in ("j", "recall", "identity"))
    shown.add_row("all", "", "", "", *means)
    return shown


def _notes(report: dict[str, Any]) -> None:
    data = report["data"]
    if data["used"] < data["available"]:
        note(f"only {data['used']} of {data['available']} were measured (--limit): no figure to report")
    if report.get("empty"):
        note(f"{report['empty']} of {report['objects']} masks are empty and count as 0")
    for missing in report.get("unknown_categories", ()):
        note(
            f"category {missing['id']} ({missing['name']}) is no class of the model: "
            f"its {missing['segments']} segments count as missed"
        )
    if report.get("foreign_segments"):
        note(f"{report['foreign_segments']} segments have classes that the data set does not; they are in no count")
    if not report["model"]["trained"]:
        note(UNTRAINED)


def _title(report: dict[str, Any], what: str) -> str:
    return f"{what}, {report['model']['preset']}_{report['size']}, {report['engine']}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"
