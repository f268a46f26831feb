"""``inspect``: what a bundle holds, after every byte was verified."""

from pathlib import Path
from typing import Annotated

import typer

from rmpsam_mobile.cli.console import UNTRAINED, next_step, note, print_json, print_table, table


def inspect(
    bundle: Annotated[Path, typer.Argument(help="Bundle folder.")],
    as_json: Annotated[bool, typer.Option("--json", help="The manifest on stdout.")] = False,
) -> None:
    """Verify a bundle and show its graphs, tensors, versions and licences."""
    from rmpsam_mobile.bundle import open_bundle, to_json
    from rmpsam_mobile.cli.tables import graphs_table

    opened = open_bundle(bundle)
    manifest = opened.manifest
    if as_json:
        print_json(to_json(manifest))
        return
    print_table(graphs_table(opened))
    tensors = table("Tensors", "graph", "<in or out", "<name", "<shape", "<meaning")
    for name, artifact in manifest.graphs.items():
        for way, specs in (("in", artifact.inputs), ("out", artifact.outputs)):
            for spec in specs:
                tensors.add_row(name, way, spec.name, " x ".join(map(str, spec.shape)), spec.meaning)
    print_table(tensors)
    about = table("About", "what", "<value")
    about.add_row("recipe", manifest.recipe.name)
    about.add_row("classes", f"{len(manifest.contract.class_names)}, of them {manifest.contract.num_things} things")
    about.add_row("rewrites", ", ".join(f"{name} ({count})" for name, count in manifest.rewrites.items()))
    for group in (manifest.licences, manifest.versions, manifest.lowest_runtime):
        for key, value in group.items():
            about.add_row(f"lowest {key}" if group is manifest.lowest_runtime else key, value)
    about.add_row("checkpoint sha256", manifest.checkpoint_sha256)
    print_table(about)
    note(f"{len(manifest.files)} files, {opened.size_bytes / 1e6:.1f} MB, every hash is right")
    for graph, reason in manifest.left_out.items():
        note(f"left out: {graph}: {reason}")
    if not manifest.contract.trained:
        note(UNTRAINED)
    next_step(f"rmpsam-mobile validate {bundle}")
