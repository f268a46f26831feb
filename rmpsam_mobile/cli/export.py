"""``export``: a checkpoint or quantized model to a bundle."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rmpsam_mobile.cli.console import UNTRAINED, next_step, note, print_json, print_table, steps
from rmpsam_mobile.contracts import Target
from rmpsam_mobile.export.deform_forms import DeformForm

if TYPE_CHECKING:
    from rmpsam_mobile.export.pipeline import Exported, ExportPlan


def export(
    source: Annotated[Path, typer.Argument(help="Our .safetensors, an official .pth, or what quantize wrote.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The bundle folder to write.")],
    target: Annotated[Target, typer.Option(help="The engine.")] = Target.XNNPACK,
    size: Annotated[str, typer.Option(help="Model input: SIDE or HEIGHTxWIDTH.")] = "512",
    slots: Annotated[int, typer.Option(help="Prompts in one call of the prompt graph.")] = 16,
    clip_frames: Annotated[int, typer.Option(help="Frames of the clip graph for video; 0 for none.")] = 0,
    classifier: Annotated[Path | None, typer.Option(help="Class embeddings, if the checkpoint has none.")] = None,
    deform: Annotated[DeformForm, typer.Option(help="Form of the deformable convolutions.")] = DeformForm.AUTO,
    audit_data: Annotated[Path | None, typer.Option(help="Pictures that show how far the offsets reach.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="Apply this rewrite and no other; may be repeated.")] = None,
    skip: Annotated[list[str] | None, typer.Option(help="Leave this rewrite out; may be repeated.")] = None,
    no_rewrites: Annotated[bool, typer.Option("--no-rewrites", help="Apply none.")] = False,
    dry_run: Annotated[bool, typer.Option(help="Print the plan, write nothing.")] = False,
    force: Annotated[bool, typer.Option(help="Replace an existing bundle.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Export encoder, object and prompt graphs, and keep the bundle only if its files answer like the model."""
    from rmpsam_mobile.atomic import refuse_existing
    from rmpsam_mobile.bundle import to_json
    from rmpsam_mobile.cli.rewrite_choice import chosen_rewrites
    from rmpsam_mobile.cli.tables import graphs_table, parity_json, parity_table
    from rmpsam_mobile.contracts import Size
    from rmpsam_mobile.export.pipeline import export_bundle, plan_export

    if not dry_run:
        refuse_existing(output, force=force)
    rewrites = chosen_rewrites(source, target, only=only or (), skip=skip or (), no_rewrites=no_rewrites)
    plan = plan_export(
        source,
        target=target,
        size=Size.parse(size),
        num_slots=slots,
        clip_frames=clip_frames,
        classifier=classifier,
        rewrites=rewrites,
        skip=skip or (),
        deform=deform,
        audit_data=audit_data,
    )
    if dry_run:
        files = [plan.file_name(graph) for graph in plan.graphs]
        print_json({"rewrites": plan.rewrites, "precision": plan.precision, "steps": plan.steps(), "files": files})
        return
    with steps(len(plan.steps())) as progress:
        exported = export_bundle(plan, output, force=force, progress=progress)
    if as_json:
        print_json({"manifest": to_json(exported.bundle.manifest), "parity": parity_json(exported.parity)})
    else:
        print_table(graphs_table(exported.bundle))
        if exported.parity:
            print_table(parity_table(exported.parity))
    _notes(plan, exported, output)


def _notes(plan: "ExportPlan", exported: "Exported", output: Path) -> None:
    manifest = exported.bundle.manifest
    for path, choice in plan.deform.items():
        note(f"{path}: {choice.form}, {choice.because}")
    for graph, reason in manifest.left_out.items():
        note(f"left out: {graph}: {reason}")
    if not manifest.contract.trained:
        note(UNTRAINED)
    if exported.parity is None:
        note(f"{plan.target} files cannot run on this machine: parity was not measured")
        next_step(f"rmpsam-mobile inspect {output}")
    else:
        next_step(f"rmpsam-mobile segment {output} PICTURE --point X,Y -o overlay.png")
