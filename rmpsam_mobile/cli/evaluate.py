"""``evaluate``: accuracy of a checkpoint or a bundle, on labelled data."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rmpsam_mobile.cli.accuracy_tables import accuracy_table
from rmpsam_mobile.cli.console import UNTRAINED, counter, note, print_json, print_table
from rmpsam_mobile.errors import InputError

if TYPE_CHECKING:
    from rmpsam_mobile.evaluate import Task
    from rmpsam_mobile.runtime import Segmenter

# option -> the protocols it belongs to
BELONGS = {
    "--clicks": ("click",),
    "--as-official": ("click",),
    "--split": ("panoptic", "instance", "video", "everything"),
    "--min-score": ("video",),
}


def evaluate(
    model: Annotated[Path, typer.Argument(help="Bundle folder, whose files run, or a checkpoint, run eagerly.")],
    data: Annotated[Path, typer.Option("--data", help="Folder of the measuring set.")],
    protocol: Annotated[str, typer.Option(help="box, click, panoptic, instance, video or everything.")],
    clicks: Annotated[int | None, typer.Option(help="With click: so many, the further ones simulated; 1 to 8.")] = None,
    as_official: Annotated[bool, typer.Option(help="With click: also as RMP-SAM's released code compares.")] = False,
    split: Annotated[str | None, typer.Option(help="Part of a set that has parts; val if absent.")] = None,
    min_score: Annotated[float | None, typer.Option(help="With video: of a track that has J and F; 0.3.")] = None,
    size: Annotated[str | None, typer.Option(help="Model input of a checkpoint; 512 by default.")] = None,
    classifier: Annotated[Path | None, typer.Option(help="Class embeddings, for a checkpoint without them.")] = None,
    threads: Annotated[int | None, typer.Option(help="Of the engine, a process; all cores by default.")] = None,
    processes: Annotated[int, typer.Option(help="Share the pictures among so many.")] = 1,
    limit: Annotated[int | None, typer.Option(help="Only the first pictures or clips, for a try.")] = None,
    resume: Annotated[Path | None, typer.Option(help="Keep results here; go on with them if it exists.")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Also store the JSON report here.")] = None,
    force: Annotated[bool, typer.Option(help="Replace an existing report.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The report on stdout.")] = False,
) -> None:
    """Measure what this very file gets right: mIoU, clicks, PQ, mask AP, J and F, everything at once."""
    import json
    from functools import partial

    from rmpsam_mobile.atomic import refuse_existing, write_file
    from rmpsam_mobile.checkpoint import named_weights
    from rmpsam_mobile.evaluate import MIN_SCORE, TaskOptions, heading, open_task

    _check_options(
        protocol,
        {"--clicks": clicks, "--as-official": as_official or None, "--split": split, "--min-score": min_score},
    )
    _check_numbers(clicks=clicks, min_score=min_score, limit=limit, processes=processes, threads=threads)
    model = Path(named_weights(model))
    if output:
        refuse_existing(output, force=force)
    options = TaskOptions(
        split=split or "val",
        limit=limit,
        clicks=clicks or 1,
        as_official=as_official,
        min_score=MIN_SCORE if min_score is None else min_score,
    )
    task = open_task(protocol, data, options)
    opened = partial(_open, model, size=size, classifier=classifier, threads=threads)
    segmenter = opened()
    results = _measure(task, model, segmenter, opened, classifier=classifier, processes=processes, resume=resume)
    report = heading(model, segmenter, task.measuring, protocol) | task.report(results, segmenter.contract)
    if output:
        write_file(output, (json.dumps(report, indent=1, ensure_ascii=False) + "\n").encode())
    print_json(report) if as_json else print_table(accuracy_table(report))
    _notes(report, processes)


def _open(path: Path, *, size: str | None, classifier: Path | None, threads: int | None) -> "Segmenter":
    import torch

    from rmpsam_mobile.runtime import Segmenter

    if threads is not None:
        torch.set_num_threads(threads)
    return Segmenter.open(path, size=size, classifier=classifier, threads=threads)


def _measure(
    task: "Task",
    model: Path,
    segmenter: "Segmenter",
    opened: Any,
    *,
    classifier: Path | None,
    processes: int,
    resume: Path | None,
) -> list[Any]:
    """Results of all pictures; those in the journal are not measured again."""
    from rmpsam_mobile.evaluate import Journal, measure_units, target
    from rmpsam_mobile.evaluate.sets import file_sha256

    task.require(segmenter)
    journal = None
    if resume:
        binding = {
            "protocol": task.protocol,
            **target(model, segmenter),
            "classifier": None if classifier is None else file_sha256(classifier),
            "data": task.measuring.sha256,
            "options": dict(task.options),
        }
        journal = Journal(resume, binding)
    with counter("clips" if task.protocol == "video" else "pictures", len(task.units)) as progress:
        return measure_units(
            task.measure,
            task.units,
            opened,
            segmenter=segmenter,
            processes=processes,
            journal=journal,
            progress=progress,
        )


def _check_options(protocol: str, given: dict[str, Any]) -> None:
    """Refuse an unknown protocol, and options that belong to others."""
    from rmpsam_mobile.evaluate import PROTOCOLS

    if protocol not in PROTOCOLS:
        known = ", ".join(f"{name} ({what})" for name, what in PROTOCOLS.items())
        raise InputError(f"unknown protocol {protocol!r}; known: {known}")
    for option, value in given.items():
        *others, last = BELONGS[option]
        if value is not None and protocol not in BELONGS[option]:
            owners = f"{', '.join(others)} and {last}" if others else f"--protocol {last}"
            raise InputError(f"{option} belongs to {owners}, not to {protocol}; leave it away")


def _check_numbers(
    *, clicks: int | None, min_score: float | None, limit: int | None, processes: int, threads: int | None
) -> None:
    from rmpsam_mobile.evaluate import MAX_CLICKS

    if clicks is not None and not 1 <= clicks <= MAX_CLICKS:
        raise InputError(f"--clicks {clicks}; the limit is 1 to {MAX_CLICKS}; try --clicks 3")
    if min_score is not None and not 0 <= min_score <= 1:
        raise InputError(f"--min-score {min_score:g}; the limit is 0 to 1; try --min-score 0.3")
    if limit is not None and limit < 1:
        raise InputError(f"--limit {limit}; at least 1 is needed; leave it away for all")
    if not 1 <= processes <= 64:
        raise InputError(f"--processes {processes}; the limit is 1 to 64; try --processes 2 --threads 1")
    if threads is not None and threads < 1:
        raise InputError(f"--threads {threads}; at least 1; leave it away for all cores")


def _notes(report: dict[str, Any], processes: int) -> None:
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
    if report.get("unknown_objects"):
        note(f"{report['unknown_objects']} of the objects have no class of the model; they count without names only")
    if report["protocol"] == "everything" and processes > 1:
        note(f"{processes} processes share this machine's cores: decoder times are rough; time with --processes 1")
    if not report["model"]["trained"]:
        note(UNTRAINED)
