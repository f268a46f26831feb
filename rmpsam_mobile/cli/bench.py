"""``bench``: latency and memory of a bundle."""

from pathlib import Path
from typing import Annotated

import typer

from rmpsam_mobile.cli.console import counter, note, print_json, print_table
from rmpsam_mobile.errors import UnsupportedError


def bench(
    bundle: Annotated[Path, typer.Argument(help="Bundle folder.")],
    on: Annotated[str, typer.Option("--on", help="Where: host.")] = "host",
    runs: Annotated[int, typer.Option(help="Timed rounds over all graphs.")] = 30,
    warmup: Annotated[int, typer.Option(help="Rounds before, not counted.")] = 5,
    threads: Annotated[int | None, typer.Option(help="Of ExecuTorch's pool; all cores by default.")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Also store the JSON report here.")] = None,
    force: Annotated[bool, typer.Option(help="Replace an existing report.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The report on stdout.")] = False,
) -> None:
    """Time every graph and the steps around it, in turn, and report medians."""
    import json

    from rmpsam_mobile.atomic import refuse_existing, write_file
    from rmpsam_mobile.bench import HOST_NOTE, bench_on_host
    from rmpsam_mobile.bundle import open_bundle
    from rmpsam_mobile.cli.tables import latency_table

    if on != "host":
        raise UnsupportedError(f"--on {on}: this version measures on the host only; use --on host")
    if output:
        refuse_existing(output, force=force)
    opened = open_bundle(bundle)
    with counter("rounds", runs + warmup) as progress:
        report = bench_on_host(opened, runs=runs, warmup=warmup, threads=threads, progress=progress)
    if output:
        write_file(output, (json.dumps(report, indent=1) + "\n").encode())
    if as_json:
        print_json(report)
    else:
        print_table(latency_table(report))
    note(f"{HOST_NOTE}: these figures say nothing about a phone")
