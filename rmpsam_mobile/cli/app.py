"""The Typer app, and the one place where errors become messages and exit codes."""

import os
import sys
import warnings

import typer

from rmpsam_mobile.cli import (
    app_install,
    bench,
    compare,
    demo,
    distill,
    doctor,
    evaluate,
    export,
    import_checkpoint,
    inspect,
    list_,
    quantize,
    rewrite,
    segment,
    sensitivity,
    validate,
)
from rmpsam_mobile.cli.console import notes
from rmpsam_mobile.errors import RmpSamError

app = typer.Typer(
    name="rmpsam-mobile",
    help="RMP-SAM on phones: import a checkpoint, export it, prove it, segment with it.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)

# In the order in which a newcomer needs them.
for _name, _verb in (
    ("demo", demo.demo),
    ("doctor", doctor.doctor),
    ("list", list_.list_),
    ("import", import_checkpoint.import_),
    ("distill", distill.distill),
    ("rewrite", rewrite.rewrite),
    ("sensitivity", sensitivity.sensitivity),
    ("quantize", quantize.quantize),
    ("export", export.export),
    ("inspect", inspect.inspect),
    ("validate", validate.validate),
    ("segment", segment.segment),
    ("evaluate", evaluate.evaluate),
    ("bench", bench.bench),
    ("compare", compare.compare),
    ("app", app_install.app),
):
    app.command(_name)(_verb)


@app.callback(invoke_without_command=True)
def version_option(
    ctx: typer.Context,
    version: bool = typer.Option(False, "--version", help="Print the version and exit."),
) -> None:
    """Print the version where it is asked for."""
    if version:
        from importlib.metadata import version as installed

        typer.echo(f"rmpsam-mobile {installed('rmpsam-mobile')}")
        raise typer.Exit
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


def main() -> None:
    """Run the command line; every error is one line on stderr and an exit code of the error tree."""
    if not os.environ.get("RMPSAM_TRACEBACK"):
        warnings.simplefilter("ignore")  # of engines, about one another
    try:
        app(standalone_mode=True)
    except RmpSamError as error:
        _fail(str(error), error.exit_code)
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        where, why = error.filename or "the system", error.strerror or str(error)
        _fail(f"{where}: {why}; check the path, its rights and the disk", 2)
    except SystemExit as done:
        if done.code == 130:  # Typer's word for Ctrl-C
            _fail("interrupted; nothing was written", 130)
        raise
    except Exception as error:
        if os.environ.get("RMPSAM_TRACEBACK"):
            raise
        _fail(f"{type(error).__name__}: {error}; this is a bug of ours, show it with RMPSAM_TRACEBACK=1", 1)


def _fail(message: str, code: int) -> None:
    from rich.text import Text

    # as Text: a message may hold brackets, as in pip install 'rmpsam-mobile[video]'
    line = Text.assemble(("ERROR", "bold red"), " " + " ".join(message.split()))
    notes().print(line, highlight=False, soft_wrap=True)
    sys.exit(code)
