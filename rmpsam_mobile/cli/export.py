"""``export``: a checkpoint or quantized model to a bundle, or to a folder in somebody else's layout."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rmpsam_mobile.cli.console import UNTRAINED, next_step, note, print_json, print_table, steps
from rmpsam_mobile.contracts import Layout, Precision, Target
from rmpsam_mobile.export.deform_forms import DeformForm

if TYPE_CHECKING:
    from rmpsam_mobile.export.pipeline import Exported, ExportPlan
    from rmpsam_mobile.quantization import Calibration


def export(
    source: Annotated[Path, typer.Argument(help="Our .safetensors, an official .pth, or what quantize wrote.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The bundle folder to write.")],
    target: Annotated[Target, typer.Option(help="The engine.")] = Target.XNNPACK,
    precision: Annotated[Precision | None, typer.Option(help="Of the files; the engine's own if left away.")] = None,
    size: Annotated[str, typer.Option(help="Model input: SIDE or HEIGHTxWIDTH.")] = "512",
    slots: Annotated[int, typer.Option(help="Prompts in one call of the prompt graph.")] = 16,
    clip_frames: Annotated[int, typer.Option(help="Frames of the clip graph for video; 0 for none.")] = 0,
    classifier: Annotated[Path | None, typer.Option(help="Class embeddings, if the checkpoint has none.")] = None,
    deform: Annotated[DeformForm, typer.Option(help="Form of the deformable convolutions.")] = DeformForm.AUTO,
    audit_data: Annotated[Path | None, typer.Option(help="Pictures that show how far the offsets reach.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="Apply this rewrite and no other; may be repeated.")] = None,
    skip: Annotated[list[str] | None, typer.Option(help="Leave this rewrite out; may be repeated.")] = None,
    no_rewrites: Annotated[bool, typer.Option("--no-rewrites", help="Apply none.")] = False,
    ios: Annotated[int, typer.Option(min=17, max=18, help="Core ML: the lowest iOS.")] = 17,
    picture: Annotated[bool, typer.Option("--picture-input", help="Core ML: the encoder takes a picture.")] = False,
    calib: Annotated[Path | None, typer.Option(help="Core ML, w8a8: a folder of pictures to calibrate with.")] = None,
    single: Annotated[bool, typer.Option("--single-file", help="All graphs in one file.")] = False,
    ptd: Annotated[bool, typer.Option("--external-weights", help="Weights in a .ptd file beside the program.")] = False,
    min_delegated: Annotated[float | None, typer.Option(help="Share of multiply-adds to be delegated, 0..1.")] = None,
    layout: Annotated[Layout, typer.Option(help="How the files are laid out.")] = Layout.BUNDLE,
    accepted: Annotated[bool, typer.Option("--accept-licence", help="Accept non-commercial terms.")] = False,
    sign: Annotated[Path | None, typer.Option(help="Sign with this Ed25519 private key, a PEM file.")] = None,
    dry_run: Annotated[bool, typer.Option(help="Print the plan, write nothing.")] = False,
    force: Annotated[bool, typer.Option(help="Replace an existing bundle.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Export encoder, object and prompt graphs, and keep the bundle only if its files answer like the model."""
    from rmpsam_mobile.cli.rewrite_choice import chosen_rewrites
    from rmpsam_mobile.contracts import Size
    from rmpsam_mobile.export.lower import EngineOptions
    from rmpsam_mobile.export.plan import plan_export

    _check(output, sign, dry_run=dry_run, force=force)
    plan = plan_export(
        source,
        target=target,
        size=Size.parse(size),
        num_slots=slots,
        clip_frames=clip_frames,
        classifier=classifier,
        rewrites=chosen_rewrites(source, target, only=only or (), skip=skip or (), no_rewrites=no_rewrites),
        skip=skip or (),
        deform=deform,
        audit_data=audit_data,
        options=EngineOptions(
            precision=precision, ios=ios, picture_input=picture, single_file=single, external_weights=ptd
        ),
        calibration=_pictures(calib),
        min_delegated=min_delegated,
    )
    if dry_run:
        _print_plan(plan)
        return
    exported = _carry_out(plan, output, layout, sign, accepted=accepted, force=force)
    _print(plan, exported, as_json=as_json)


def _check(output: Path, sign: Path | None, *, dry_run: bool, force: bool) -> None:
    """What can be refused before any work is done."""
    from rmpsam_mobile.atomic import refuse_existing
    from rmpsam_mobile.bundle.signature import read_private_key

    if not dry_run:
        refuse_existing(output, force=force)
    if sign:
        read_private_key(sign)


def _pictures(folder: Path | None) -> "Calibration | None":
    from rmpsam_mobile.quantization import read_calibration

    return read_calibration(folder) if folder else None


def _print_plan(plan: "ExportPlan") -> None:
    from rmpsam_mobile.export.licences import licence_chain

    files = list(dict.fromkeys(plan.file_name(graph) for graph in plan.graphs))
    said = {"rewrites": plan.rewrites, "precision": plan.precision, "steps": plan.steps(), "files": files}
    print_json(said | {"licences": licence_chain(plan.checkpoint)})


def _carry_out(
    plan: "ExportPlan", output: Path, layout: Layout, sign: Path | None, *, accepted: bool, force: bool
) -> "Exported":
    from rmpsam_mobile.bundle.signature import read_private_key
    from rmpsam_mobile.export.layouts import export_in_layout
    from rmpsam_mobile.export.licences import licence_chain, require_accepted

    require_accepted(licence_chain(plan.checkpoint), accepted=accepted)
    key = read_private_key(sign) if sign else None
    with steps(len(plan.steps())) as progress:
        return export_in_layout(plan, output, layout, key, force=force, progress=progress)


def _print(plan: "ExportPlan", exported: "Exported", *, as_json: bool) -> None:
    from rmpsam_mobile.bundle import to_json
    from rmpsam_mobile.bundle.signature import bundle_sha256
    from rmpsam_mobile.cli.tables import file_checks_json, file_checks_table, graphs_table, parity_json, parity_table

    manifest, sha256 = exported.bundle.manifest, bundle_sha256(exported.bundle)
    if as_json:
        proved = {"parity": parity_json(exported.parity), "gate": file_checks_json(exported.checks)}
        print_json({"manifest": to_json(manifest), **proved, "bundle_sha256": sha256})
    else:
        print_table(graphs_table(exported.bundle))
        if exported.parity:
            print_table(parity_table(exported.parity))
        if exported.checks:
            print_table(file_checks_table(exported.checks))
    for path, choice in plan.deform.items():
        note(f"{path}: {choice.form}, {choice.because}")
    for graph, reason in manifest.left_out.items():
        note(f"left out: {graph}: {reason}")
    if not manifest.contract.trained:
        note(UNTRAINED)
    note(f"bundle sha256: {sha256}")
    _say_what_runs(plan, exported.bundle.folder)


def _say_what_runs(plan: "ExportPlan", folder: Path) -> None:
    engine = plan.engine
    if engine.runs_here is None:
        note(f"{plan.target} files cannot run on this machine: parity was not measured; they run on {engine.elsewhere}")
        next_step(f"rmpsam-mobile inspect {folder}")
        return
    if not plan.is_exact:
        note(f"{plan.precision} is judged by the golden pair and by task metrics: the parity above is no gate")
    if engine.elsewhere:
        note(f"compared by {engine.runs_here}; the files are for {engine.elsewhere}")
    next_step(f"rmpsam-mobile segment {folder} PICTURE --point X,Y -o overlay.png")
