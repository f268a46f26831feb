"""``distill``: train a student from labels and a teacher, or go on with a run that was stopped."""

import os
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rmpsam_mobile.cli.console import counter, next_step, note, print_json, print_table, table
from rmpsam_mobile.errors import InputError, RmpSamError

if TYPE_CHECKING:
    from rmpsam_mobile.data.records import Skipped
    from rmpsam_mobile.distill.engine import Run
    from rmpsam_mobile.distill.run_state import Progress

MAX_WORKERS = 256


class InterruptedRunError(RmpSamError):
    """Ctrl-C in a run, which goes on from its last state."""

    exit_code = 130


def distill(
    data: Annotated[list[Path], typer.Option(help="Training data; give it once for each part. See docs/training.md.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of the run; one that is there goes on.")],
    student: Annotated[str, typer.Option(help="Preset to train.")] = "rmpsam-mobile-tiny",
    teacher: Annotated[
        str, typer.Option(help="labels, efficientnet-lite0, efficientnet-lite2, or a checkpoint.")
    ] = "labels",
    recipe: Annotated[str, typer.Option(help="Name; see rmpsam-mobile list training.")] = "segment",
    init: Annotated[str | None, typer.Option(help="First weights: a checkpoint, or a backbone as above.")] = None,
    qat: Annotated[str | None, typer.Option(help="Train with the rounding of this recipe, int8-qat.")] = None,
    steps: Annotated[int | None, typer.Option(help="Updates, instead of the recipe's.")] = None,
    batch: Annotated[int | None, typer.Option(help="Pictures an update and process, instead of the recipe's.")] = None,
    cache: Annotated[Path | None, typer.Option(help="Folder where the teacher's answers are kept.")] = None,
    workers: Annotated[int, typer.Option(help="Processes that prepare pictures; 0 for none.")] = 0,
    dry_run: Annotated[bool, typer.Option(help="A few updates, then say what the run costs; write nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Train a student; start it again with the same words to go on after an interruption."""
    import tempfile

    from rmpsam_mobile.distill.engine import BEST, STUDENT
    from rmpsam_mobile.distill.recipe import recipe_named
    from rmpsam_mobile.distill.start import shortened

    if not 0 <= workers <= MAX_WORKERS:
        raise InputError(f"{workers} workers; the limit is 0 to {MAX_WORKERS}; try --workers 2")
    chosen = shortened(recipe_named(recipe), steps, batch)
    chosen = replace(chosen, rounding=True) if _wants_rounding(qat) else chosen
    if dry_run:
        with tempfile.TemporaryDirectory() as folder:
            run = _prepared(Path(folder) / "run", chosen, student, teacher, init, data, cache, workers)
            cost = run.cost()
            if _is_main_process():
                _report(cost, as_json=as_json)
        return
    run = _prepared(output, chosen, student, teacher, init, data, cache, workers)
    done = _train(run)
    if not _is_main_process():
        return
    _report(
        {"updates": done.step, "hours": done.seconds / 3600, "best": done.best, "at": done.best_step}, as_json=as_json
    )
    chosen_file = BEST if (output / BEST).exists() else STUDENT  # nothing was held out: nothing was chosen
    next_step(f"rmpsam-mobile evaluate {output / chosen_file} --data DIR --protocol box")


def _wants_rounding(qat: str | None) -> bool:
    """Whether to train with rounding; refuses recipes that are not made for it."""
    from rmpsam_mobile.quantization import find_recipe

    if qat is None:
        return False
    found = find_recipe(qat)
    if not found.is_trained:
        raise InputError(f"--qat {qat}: recipe {found.name} is not for weights trained with rounding; give int8-qat")
    return True


def _is_main_process() -> bool:
    """Whether this is the process that speaks; accelerate and torchrun number theirs by RANK."""
    return os.environ.get("RANK", "0") == "0"


def _say(message: str) -> None:
    if _is_main_process():
        note(message)


def _train(run: "Run") -> "Progress":
    """Train with a bar; whoever interrupts is told what is kept."""
    steps, begun = run.recipe.steps, run.progress.step
    _say(f"{begun} of {steps} updates are done" if begun else f"{steps} updates")
    bar = counter("training", steps - begun) if _is_main_process() else nullcontext(lambda _: None)
    try:
        with bar as progress:
            return run.train(lambda _: progress(1))
    except KeyboardInterrupt:
        kept = f"holds the state of update {run.saved_step} of {steps}; the same command goes on from there"
        nothing = "holds no state yet; the same command starts anew"
        raise InterruptedRunError(f"interrupted; {run.folder} {kept if run.saved_step else nothing}") from None


def _prepared(
    folder: Path,
    recipe: Any,
    student: str,
    teacher: str,
    init: str | None,
    data: list[Path],
    cache: Path | None,
    workers: int,
) -> "Run":
    """Data, student, teacher and loop, ready to run; first weights only where no state is there to go on from."""
    from rmpsam_mobile.data.sources import open_data
    from rmpsam_mobile.distill.engine import LAST, Run
    from rmpsam_mobile.distill.run_state import load_classes
    from rmpsam_mobile.distill.start import (
        begin_from_backbone,
        begin_from_checkpoint,
        build_teacher,
        new_student,
        training_data,
    )

    def skipped(skip: "Skipped") -> None:
        note(f"skipped {skip.key}: {skip.reason}")  # each process draws pictures of its own

    model, found, is_new = new_student(student), open_data(data), not (folder / LAST).exists()
    taught_by = build_teacher(teacher, recipe, cache)
    if is_new:
        begin_from_checkpoint(model, init)
    else:
        load_classes(folder / LAST, model)
    for skip in found.skipped:
        _say(f"skipped {skip.key}: {skip.reason}")
    assert model.vocabulary is not None
    training = training_data(found, recipe, skipped, model.vocabulary)
    _say(f"{training.records} pictures to train on, {training.held_records} held out, {len(found.clips)} clips")
    inherited = begin_from_backbone(model, init, training.stream) if is_new else None
    if inherited is not None:
        _say(inherited)
    return Run(folder, recipe, model, training.stream, training.held, teacher=taught_by, workers=workers)


def _report(result: dict[str, float], *, as_json: bool) -> None:
    if as_json:
        print_json(result)
        return
    shown = table("Run", "what", "value")
    for name, value in result.items():
        shown.add_row(name, f"{value:,.3g}" if isinstance(value, float) else f"{value:,}")
    print_table(shown)
