"""``bench``: latency and memory of a bundle, on this machine or on a phone."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from rmpsam_mobile.cli.console import counter, next_step, note, print_json, print_table
from rmpsam_mobile.errors import GateError, InputError, RmpSamError, UnsupportedError

if TYPE_CHECKING:
    from rmpsam_mobile.bench import Protocol
    from rmpsam_mobile.bundle import Bundle
    from rmpsam_mobile.contracts import Graph

Place = Literal["host", "android", "ios"]
Option = typer.Option
Measured = tuple[list[dict[str, Any]], RmpSamError | None]

# Options that mean something in some places only.
_PHONES: Final = frozenset({"android", "ios"})
_PLACES: Final[dict[str, frozenset[str]]] = {
    **dict.fromkeys(("rounds", "seconds", "cooldown", "graph", "serial", "app", "time_limit", "dry_run"), _PHONES),
    **dict.fromkeys(("runner", "fixed_clocks", "allow_emulator", "keep"), frozenset({"android"})),
    **dict.fromkeys(("team", "units", "record"), frozenset({"ios"})),
    "threads": frozenset({"host", "android"}),
}


def bench(
    ctx: typer.Context,
    bundle: Annotated[Path, typer.Argument(help="Bundle folder.")],
    on: Annotated[Place, Option("--on", help="This machine, or a phone behind a cable.")] = "host",
    runs: Annotated[int | None, Option(help="Timed runs a round; 50 on phones, 30 on the host.")] = None,
    warmup: Annotated[int, Option(help="Runs before each round, not counted.")] = 5,
    rounds: Annotated[int, Option(help="Phones: rounds, with a rest before each.")] = 3,
    seconds: Annotated[float, Option(help="Phones: a round goes on until it lasted so long.")] = 2.0,
    cooldown: Annotated[float, Option(help="Phones: longest rest before a round, in seconds.")] = 300.0,
    threads: Annotated[str | None, Option(help="A number; on Android also sweep: 1, 2, 4 and all big cores.")] = None,
    graph: Annotated[list[str] | None, Option(help="Phones: only this graph; may be repeated.")] = None,
    serial: Annotated[str | None, Option(help="Which phone: adb serial, or UDID of an iPhone.")] = None,
    app: Annotated[str | None, Option(help="Android: package of the app. iOS: a built .app, not to be built.")] = None,
    runner: Annotated[Path | None, Option(help="Android: a native program in place of the app.")] = None,
    team: Annotated[str | None, Option(help="iOS: Apple's team that signs the app.")] = None,
    record: Annotated[Path | None, Option(help="iOS: folder for Apple's answers, without names.")] = None,
    units: Annotated[str, Option(help="iOS: all, cpuOnly, cpuAndGPU or cpuAndNeuralEngine.")] = "all",
    time_limit: Annotated[float, Option(help="Phones: longest wait for one answer of the runner, in seconds.")] = 300.0,
    fixed_clocks: Annotated[bool, Option("--fixed-clocks", help="Android: lower, steadier clocks.")] = False,
    strict: Annotated[bool, Option("--strict", help="Refuse what else only warns.")] = False,
    allow_emulator: Annotated[bool, Option("--allow-emulator", help="Android: an emulator only warns.")] = False,
    keep: Annotated[bool, Option("--keep", help="Android: leave the copied files on the phone.")] = False,
    dry_run: Annotated[bool, Option("--dry-run", help="Phones: print every command, run none.")] = False,
    output: Annotated[Path | None, Option("-o", "--output", help="Store the report: .json, .md or .html.")] = None,
    force: Annotated[bool, Option("--force", help="Replace an existing report.")] = False,
    as_json: Annotated[bool, Option("--json", help="The report on stdout.")] = False,
) -> None:
    """Time every graph and the steps around it; refuse figures that cannot be believed, with exit code 6."""
    options = dict(locals())
    from rmpsam_mobile.atomic import refuse_existing
    from rmpsam_mobile.bench.pages import page_writer
    from rmpsam_mobile.bundle import open_bundle

    if output:
        page_writer(output)
        refuse_existing(output, force=force)
    _refuse_strangers(ctx, on)
    opened = open_bundle(bundle)
    options["runs"] = (30 if on == "host" else 50) if runs is None else runs
    measure = {"host": _on_host, "android": _on_android, "ios": _on_ios}[on]
    reports, error = measure(opened, options)
    if not reports:
        return  # the commands were printed
    _store(reports, output)
    _show(reports, as_json=as_json)
    if error:
        raise error
    _judge(reports, output)


def _refuse_strangers(ctx: typer.Context, on: str) -> None:
    """An option that this place does not know is refused, not dropped."""
    for name, places in _PLACES.items():
        source = ctx.get_parameter_source(name)
        if on not in places and source is not None and source.name == "COMMANDLINE":
            flag = "--" + name.replace("_", "-")
            raise InputError(f"{flag} means nothing with --on {on}; it is for --on {' and '.join(sorted(places))}")


def _on_host(bundle: "Bundle", options: Mapping[str, Any]) -> Measured:
    from rmpsam_mobile.bench import HOST_NOTE, bench_on_host
    from rmpsam_mobile.bench.android import parse_threads

    threads = parse_threads(options["threads"])
    if threads == "sweep":
        raise InputError("--threads sweep is for phones; on the host give a number, one process each")
    chosen = {key: options[key] for key in ("runs", "warmup", "strict")}
    with counter("rounds", options["runs"] + options["warmup"]) as progress:
        report = bench_on_host(bundle, **chosen, threads=threads, progress=progress)
    note(f"{HOST_NOTE}: these figures say nothing about a phone")
    return [report], None


def _on_android(bundle: "Bundle", options: Mapping[str, Any]) -> Measured:
    from rmpsam_mobile.bench.android import (
        Listener,
        PhoneWishes,
        bench_on_android,
        calls,
        parse_threads,
        planned_commands,
    )

    _require_files(bundle, "android", (".pte",))
    keys = ("serial", "runner", "strict", "allow_emulator", "keep", "fixed_clocks")
    wishes = PhoneWishes(
        graphs=_graphs(bundle, options["graph"]),
        threads=parse_threads(options["threads"]),
        limit_s=options["time_limit"],
        **{key: options[key] for key in keys},
        **({"app": options["app"]} if options["app"] else {}),
    )
    protocol = _protocol(options)
    if options["dry_run"]:
        _print_commands(planned_commands(bundle, wishes, protocol), as_json=options["as_json"])
        return [], None
    with counter("calls", calls(wishes, protocol)) as progress:
        outcome = bench_on_android(bundle, wishes, protocol, Listener(note=note, progress=progress))
    return outcome.reports, outcome.error


def _on_ios(bundle: "Bundle", options: Mapping[str, Any]) -> Measured:
    from rmpsam_mobile.bench.ios import IosWishes, bench_on_ios, planned_commands

    _require_files(bundle, "ios", (".pte", ".mlpackage"))
    app = options["app"]
    wishes = IosWishes(
        graphs=_graphs(bundle, options["graph"]) if options["graph"] else None,
        udid=options["serial"],
        app=Path(app) if app else None,
        limit_s=options["time_limit"],
        **{key: options[key] for key in ("team", "units", "record", "strict")},
    )
    protocol = _protocol(options)
    if options["dry_run"]:
        _print_commands(planned_commands(bundle, wishes, protocol), as_json=options["as_json"])
        return [], None
    outcome = bench_on_ios(bundle, wishes, protocol, note)
    return outcome.reports, outcome.error


def _require_files(bundle: "Bundle", on: str, suffixes: tuple[str, ...]) -> None:
    """Refuse files that the app on this phone cannot load."""
    strange = sorted(
        {artifact.path for artifact in bundle.manifest.graphs.values() if not artifact.path.endswith(suffixes)}
    )
    if strange:
        wanted = " or ".join(suffixes)
        raise UnsupportedError(
            f"--on {on} runs {wanted}, and {bundle.folder.name} has {strange[0]}; export it for that"
        )


def _protocol(options: Mapping[str, Any]) -> "Protocol":
    from rmpsam_mobile.bench import Protocol

    numbers = {key: options[key] for key in ("rounds", "warmup", "runs")}
    least = options["seconds"]
    return Protocol(**numbers, min_round_s=least, max_round_s=max(60.0, least), cooldown_s=options["cooldown"])


def _graphs(bundle: "Bundle", names: Sequence[str] | None) -> "tuple[Graph, ...]":
    """Those that were asked for, or all but the clip graph, in the bundle's order."""
    from rmpsam_mobile.contracts import Graph

    known = bundle.manifest.graphs
    for name in names or ():
        if name not in known:
            raise InputError(f"--graph {name}: {bundle.folder.name} has {', '.join(known)}; choose one of them")
    return tuple(Graph(name) for name in known if (name in names if names else name != Graph.CLIP))


def _print_commands(commands: Sequence[str], *, as_json: bool) -> None:
    if as_json:
        print_json({"status": "planned", "commands": list(commands)})
    else:
        typer.echo("\n".join(commands))
    note(f"{len(commands)} commands, none was run; words in capitals stand for what only the phone can tell")


def _store(reports: list[dict[str, Any]], output: Path | None) -> None:
    from rmpsam_mobile.atomic import write_file
    from rmpsam_mobile.bench.pages import page_writer

    if output:
        write_file(output, page_writer(output)(reports).encode())
        note(f"report: {output}")


def _show(reports: list[dict[str, Any]], *, as_json: bool) -> None:
    from rmpsam_mobile.bench.pages import document_of
    from rmpsam_mobile.bench.reasons import meaning
    from rmpsam_mobile.cli.latency_tables import latency_table

    if as_json:
        print_json(document_of(reports))
        return
    for report in reports:
        print_table(latency_table(report))
        for code in report["warnings"][int(report["target"]["kind"] == "host") :]:  # said already
            note(f"{code}: {meaning(code)}")


def _judge(reports: list[dict[str, Any]], output: Path | None) -> None:
    """Raise for the first report that was refused."""
    from rmpsam_mobile.bench.reasons import meaning

    for report in reports:
        if report["status"] == "refused":
            said = "; ".join(f"{code} ({meaning(code)})" for code in report["reasons"])
            raise GateError(f"refused: {said}")
    if output is None:
        next_step("add -o report.html to keep it, or -o report.json to compare it")
    elif output.suffix == ".json":
        next_step(f"rmpsam-mobile compare {output} OTHER.json")
