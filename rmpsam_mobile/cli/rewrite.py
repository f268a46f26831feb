"""``rewrite``: what each rewrite changes in a model, what error it brings, and what it saves."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rmpsam_mobile.cli.console import next_step, note, print_json, print_table, steps
from rmpsam_mobile.contracts import Target
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.export.deform_forms import DeformForm

if TYPE_CHECKING:
    from rmpsam_mobile.export.rewrite_report import RewriteReport


def rewrite(
    source: Annotated[Path, typer.Argument(metavar="MODEL", help="Our .safetensors, an official .pth, or a preset.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The folder to write the report into.")],
    report: Annotated[bool, typer.Option(help="Markdown and HTML pages beside report.json.")] = True,
    size: Annotated[str, typer.Option(help="Model input: SIDE or HEIGHTxWIDTH.")] = "512",
    slots: Annotated[int, typer.Option(help="Prompts in one call of the prompt graph.")] = 16,
    clip_frames: Annotated[int, typer.Option(help="Frames of the clip graph for video; 0 for none.")] = 0,
    classifier: Annotated[Path | None, typer.Option(help="Class embeddings, if the checkpoint has none.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="Apply this rewrite and no other; may be repeated.")] = None,
    skip: Annotated[list[str] | None, typer.Option(help="Leave this rewrite out; may be repeated.")] = None,
    target: Annotated[Target, typer.Option(help="The engine.")] = Target.XNNPACK,
    deform: Annotated[DeformForm, typer.Option(help="Form of the deformable convolutions.")] = DeformForm.AUTO,
    audit_data: Annotated[Path | None, typer.Option(help="Pictures that show how far the offsets reach.")] = None,
    lower: Annotated[bool, typer.Option(help="Lower each graph before and after: delegated share, memory.")] = True,
    measure: Annotated[
        bool, typer.Option("--measure", help="Also time both files of each graph on this host.")
    ] = False,
    dry_run: Annotated[bool, typer.Option(help="Print the plan, write nothing.")] = False,
    force: Annotated[bool, typer.Option(help="Replace an existing folder.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The report on stdout.")] = False,
) -> None:
    """Report each rewrite of a model: what changed, its error, operators, multiply-adds, bytes, delegated share."""
    from rmpsam_mobile.atomic import new_folder, refuse_existing
    from rmpsam_mobile.cli.rewrite_choice import chosen_rewrites
    from rmpsam_mobile.contracts import Size
    from rmpsam_mobile.export.measure_rewrites import measure_rewrites, measuring_steps
    from rmpsam_mobile.export.pipeline import plan_export
    from rmpsam_mobile.export.quantized import is_quantized
    from rmpsam_mobile.export.report_pages import write_report

    _check_measure(target, lower=lower, measure=measure)
    if is_quantized(source):
        raise InputError(f"{source} is quantized; rewrites are reported of the float model; give what it was made from")
    if not dry_run:
        refuse_existing(output, force=force)
    plan = plan_export(
        source,
        target=target,
        size=Size.parse(size),
        num_slots=slots,
        clip_frames=clip_frames,
        classifier=classifier,
        rewrites=chosen_rewrites(source, target, only=only or (), skip=skip or ()),
        skip=skip or (),
        deform=deform,
        audit_data=audit_data,
    )
    names = measuring_steps(plan, lower=lower, measure=measure)
    if dry_run:
        print_json({"rewrites": plan.rewrites, "steps": names, "graphs": [str(graph) for graph in plan.graphs]})
        return
    with new_folder(output, force=force) as folder, steps(len(names)) as progress:
        found = measure_rewrites(plan, lower=lower, measure=measure, progress=progress)
        write_report(found, folder, pages=report)
    if as_json:
        print_json(found.to_json())
    else:
        _show(found)
    _notes(found)
    next_step(f"open {output / 'report.html'}" if report else f"rmpsam-mobile export {source} -o model.bundle")


def _check_measure(target: Target, *, lower: bool, measure: bool) -> None:
    if measure and not lower:
        raise InputError("--measure times lowered files, and --no-lower makes none; leave one of the two away")
    if measure and target is not Target.XNNPACK:
        raise InputError(
            f"--measure: {target} files do not run on this machine; leave it away, or use --target xnnpack"
        )


def _show(report: "RewriteReport") -> None:
    """The summary tables of the pages, narrow enough for a terminal; ``_notes`` tells of rewrites that did nothing."""
    from rmpsam_mobile.cli.console import table
    from rmpsam_mobile.export.report_sections import report_title, summary_tables

    title = f"{report_title(report)}; errors by precision"
    for heading, summary in zip((title, "Graphs", "Lowered graphs"), summary_tables(report), strict=False):
        shown = table(heading, *(column.removeprefix("error ") for column in summary.columns if column != "places"))
        for row in summary.rows:
            if row[1] != "nothing to do":
                shown.add_row(*(cell for cell, column in zip(row, summary.columns, strict=True) if column != "places"))
        print_table(shown)


def _notes(report: "RewriteReport") -> None:
    idle = [effect.name for effect in report.rewrites if not effect.graphs]
    if idle:
        note(f"nothing to do: {', '.join(idle)}")
    for path, choice in report.deform.items():
        note(f"{path}: {choice.form}, {choice.because}")
    for name, reason in (*report.not_applied.items(), *report.left_out.items()):
        note(f"left out: {name}: {reason}")
    for graph in report.flips:
        note(f"no probe was found for {graph}: flipped mask pixels may be in its float32 errors")
    if report.machine:
        note("times: host, not a phone")
