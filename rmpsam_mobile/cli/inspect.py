"""``inspect``: what a bundle holds, after every byte was verified."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rmpsam_mobile.cli.console import UNTRAINED, next_step, note, print_json, print_table, table

if TYPE_CHECKING:
    from rmpsam_mobile.bundle import Bundle, Manifest


def inspect(
    bundle: Annotated[Path, typer.Argument(help="Bundle folder.")],
    verify: Annotated[Path | None, typer.Option(help="Check the signature with this Ed25519 public key, PEM.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The manifest on stdout.")] = False,
) -> None:
    """Verify a bundle and show its graphs, tensors, versions, licences, and what its engine said of them."""
    from rmpsam_mobile.bundle import open_bundle, to_json
    from rmpsam_mobile.bundle.signature import bundle_sha256, read_public_key, verify_bundle
    from rmpsam_mobile.cli.tables import graphs_table
    from rmpsam_mobile.export.lowering_record import read_record

    opened = open_bundle(bundle)
    if verify:
        verify_bundle(opened, read_public_key(verify))
    manifest, record = opened.manifest, read_record(bundle)
    if as_json:
        print_json(to_json(manifest))
    else:
        print_table(graphs_table(opened))
        _print_tensors(manifest)
        _print_lowering(record)
        _print_about(manifest)
    note(f"{len(manifest.files)} files, {opened.size_bytes / 1e6:.1f} MB, every hash is right")
    note(f"bundle sha256: {bundle_sha256(opened)}")
    _note_signature(opened, verify)
    for graph, reason in manifest.left_out.items():
        note(f"left out: {graph}: {reason}")
    if not manifest.contract.trained:
        note(UNTRAINED)
    next_step(f"rmpsam-mobile validate {bundle}")


def _print_tensors(manifest: "Manifest") -> None:
    tensors = table("Tensors", "graph", "<in or out", "<name", "<shape", "<meaning")
    for name, artifact in manifest.graphs.items():
        for way, specs in (("in", artifact.inputs), ("out", artifact.outputs)):
            for spec in specs:
                tensors.add_row(name, way, spec.name, " x ".join(map(str, spec.shape)), spec.meaning)
    print_table(tensors)


def _print_lowering(record: dict[str, Any] | None) -> None:
    """What was left and why, and what is likely to leave the Neural Engine; nothing where there is nothing to say."""
    graphs = {} if record is None else record["graphs"]
    left = table("Not delegated", "graph", "<operator", "times", "<why")
    placed = table(
        f"Off the Neural Engine: {'' if record is None else record['placement']}", "graph", "<operator", "times"
    )
    for column in ("<where", "<why", "<what avoids it"):
        placed.add_column(column.removeprefix("<"), overflow="fold")
    for name, graph in graphs.items():
        for row in graph["leftovers"]:
            left.add_row(name, row["operator"], str(row["count"]), row["reason"])
        for row in graph["placement"]:
            placed.add_row(name, row["operator"], str(row["count"]), row["unit"], row["because"], row["instead"])
    for shown in (left, placed):
        if shown.row_count:
            print_table(shown)
    for name, graph in graphs.items():
        half = graph["largest_float16"]
        if half:
            note(
                f"{name}: the largest float16 value is {half['largest']:.4g}, of {half['operator']}; the limit is 65504"
            )


def _print_about(manifest: "Manifest") -> None:
    about = table("About", "what", "<value")
    about.add_row("recipe", manifest.recipe.name)
    about.add_row("classes", f"{len(manifest.contract.class_names)}, of them {manifest.contract.num_things} things")
    about.add_row("rewrites", ", ".join(f"{name} ({count})" for name, count in manifest.rewrites.items()))
    for key, value in manifest.licences.items():
        about.add_row(key if key == "source" else f"licence of {key}", value)
    for key, value in manifest.versions.items():
        about.add_row(key, value)
    for key, value in manifest.lowest_runtime.items():
        about.add_row(f"lowest {key}", value)
    about.add_row("checkpoint sha256", manifest.checkpoint_sha256)
    print_table(about)


def _note_signature(opened: "Bundle", verify: Path | None) -> None:
    from rmpsam_mobile.bundle.signature import SIGNATURE

    if verify:
        note(f"the signature is that of {verify}")
    elif (opened.folder / SIGNATURE).is_file():
        note("signed; check it with --verify PUBLIC_KEY")
