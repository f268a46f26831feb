"""``app``: put a bundle where the sample app on a phone finds it."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from rmpsam_mobile.cli.console import next_step, note, print_json


def app(
    bundle: Annotated[Path, typer.Argument(help="Bundle folder.")],
    on: Annotated[Literal["android", "ios"], typer.Option("--on", help="Which phone.")],
    serial: Annotated[str | None, typer.Option(help="Which one: adb serial, or UDID of an iPhone.")] = None,
    package: Annotated[str, typer.Option("--app", help="Package or bundle ID of the app.")] = "org.rmpsam.demo",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print every command, run none.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Android: replace a bundle of the same name.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Copy a bundle into the sample app's own files on a phone, and check every byte there (Android)."""
    from rmpsam_mobile.bench.android import install as android
    from rmpsam_mobile.bench.ios import install as ios
    from rmpsam_mobile.bundle import open_bundle

    opened = open_bundle(bundle)
    if dry_run:
        planned = android.install_plan(opened, package) if on == "android" else ios.install_plan(package)
        if as_json:
            print_json({"status": "planned", "commands": planned})
        else:
            typer.echo("\n".join(planned))
        note(f"{len(planned)} commands, none was run")
        return
    if on == "android":
        place = android.install_on_android(opened, package, serial, note, force=force)
    else:
        place = ios.install_on_ios(opened, package, serial, note)
    if as_json:
        print_json({"app": package, "folder": place, "bytes": opened.size_bytes, "verified": on == "android"})
    else:
        typer.echo(place)
    next_step("open the app and choose the bundle in its model picker; it tests itself on the golden pair first")
